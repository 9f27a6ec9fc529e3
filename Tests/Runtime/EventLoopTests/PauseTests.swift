import EventLoop
import Synchronization
import TestKit
import Testing

extension DriverTests {
    @Suite struct PauseTests {
        @Test(arguments: LoopUnderTest.allCases, Family.allCases)
        func `a paused connection keeps what was received and reads no more`(driver: LoopUnderTest, family: Family)
            async throws
        {
            try await driver.run { loop in
                let log = EventLog()
                let slot = ConnectionSlot()
                let total = Mutex<[UInt8]>([])
                let address = try await loop.serve(family) { connection in
                    slot.put(connection, on: loop)
                    return RecordingHandler(log) { bytes, connection in
                        guard total.withLock({ !$0.isEmpty }) else {
                            total.withLock { $0.append(bytes[0]) }
                            connection.pauseReading()
                            return 1
                        }
                        total.withLock { $0.append(contentsOf: bytes) }
                        return bytes.count
                    }
                }
                let client = try SocketClient(to: address)
                var sent = 0
                let bytes = pattern(64 << 20)
                try client.send(Array(bytes[..<10]))
                try await eventually("it pauses") { total.withLock { $0.count } == 1 }
                sent = 10
                while true {
                    let more = try client.sendSome(bytes[sent...])
                    sent += more
                    try await loop.nextTurn()
                    if more == 0 { break }
                }
                #expect(sent < 32 << 20)
                #expect(log.events.count == 1)
                try await slot.use { $0.resumeReading() }
                try client.send(Array(bytes[sent..<(sent + 1000)]))
                try await eventually("everything arrives") { total.withLock { $0.count } == sent + 1000 }
                #expect(total.withLock { $0[...] } == bytes[..<(sent + 1000)])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `resumeReading delivers what waited, never from inside the call`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let log = EventLog()
                let slot = ConnectionSlot()
                let address = try await loop.serve { connection in
                    slot.put(connection, on: loop)
                    return RecordingHandler(log) { bytes, connection in
                        if bytes.count > 2 { connection.pauseReading() }
                        return min(bytes.count, 2)
                    }
                }
                let client = try SocketClient(to: address)
                try client.send("abcdef")
                for rest in ["abcdef", "cdef", "ef"] {
                    try await eventually("\(rest) is delivered") { log.contains(.received(rest)) }
                    try await loop.nextTurn()
                    #expect(log.events.last == .received(rest))
                    let during = try await slot.use { connection in
                        let before = log.events.count
                        connection.resumeReading()
                        connection.resumeReading()
                        return log.events.count - before
                    }
                    #expect(during == 0)
                }
                #expect(log.events.count == 3)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `bytes left by a call that paused and resumed are delivered without new ones`(driver: LoopUnderTest)
            async throws
        {
            try await driver.run { loop in
                let log = EventLog()
                let address = try await loop.serve { _ in
                    RecordingHandler(log) { _, connection in
                        connection.pauseReading()
                        connection.resumeReading()
                        return 1
                    }
                }
                let client = try SocketClient(to: address)
                try client.send("abc")
                try await eventually("all three are taken") { log.contains(.received("c")) }
                #expect(log.events == [.received("abc"), .received("bc"), .received("c")])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a connection paused before its first byte delivers nothing until it is resumed`(driver: LoopUnderTest)
            async throws
        {
            try await driver.run { loop in
                let log = EventLog()
                let slot = ConnectionSlot()
                let address = try await loop.serve { connection in
                    connection.pauseReading()
                    connection.output.append("!")
                    slot.put(connection, on: loop)
                    return RecordingHandler(log)
                }
                let client = try SocketClient(to: address)
                #expect(try client.receive(exactly: 1) == [UInt8(ascii: "!")])
                try client.send("early")
                try await loop.nextTurn()
                #expect(log.events == [])
                try await slot.use { $0.resumeReading() }
                try await eventually("it is delivered") { log.events == [.received("early")] }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a handler put in place while reading pauses gets the leftovers`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let (first, second) = (EventLog(), EventLog())
                let slot = ConnectionSlot()
                let address = try await loop.serve { connection in
                    slot.put(connection, on: loop)
                    return RecordingHandler(first) { _, connection in
                        connection.pauseReading()
                        return 2
                    }
                }
                let client = try SocketClient(to: address)
                try client.send("abcd")
                try await eventually("the first has its part") { first.events == [.received("abcd")] }
                try await slot.use { connection in
                    connection.handler = RecordingHandler(second)
                    connection.resumeReading()
                }
                try await eventually("the second has the rest") { second.events == [.received("cd")] }
                client.close()
                try await eventually("the second is told of the end") { second.closes.count == 1 }
                #expect(first.events == [.received("abcd")])
            }
        }
    }
}
