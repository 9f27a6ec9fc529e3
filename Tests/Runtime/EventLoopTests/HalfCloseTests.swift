import EventLoop
import Synchronization
import TestKit
import Testing

extension DriverTests {
    @Suite struct HalfCloseTests {
        @Test(arguments: LoopUnderTest.allCases, Family.allCases)
        func `a client that ends its output still gets its replies, then FIN`(driver: LoopUnderTest, family: Family)
            async throws
        {
            try await driver.run { loop in
                let log = EventLog()
                let client = try SocketClient(to: try await loop.serveEcho(family, log: log))
                try client.send("abc")
                client.shutdownOutput()
                #expect(try client.receiveToEnd() == Array("abc".utf8))
                try await eventually("it is closed") { log.closes.count == 1 }
                #expect(log.events == [.received("abc"), .inputEnded, .closed(.local)])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a large reply to a client that has ended its output arrives whole`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let reply = pattern(8 << 20)
                let address = try await loop.serve { _ in
                    RecordingHandler { bytes, connection in
                        reply.withUnsafeBytes { connection.output.append($0) }
                        return bytes.count
                    }
                }
                let client = try SocketClient(to: address, receiveBuffer: 64 << 10)
                try client.send("?")
                client.shutdownOutput()
                try await loop.nextTurn()
                #expect(try client.receiveToEnd() == reply)
            }
        }

        @Test(arguments: LoopUnderTest.allCases, Family.allCases)
        func `inputEnded waits until a paused handler had its chance at every byte`(
            driver: LoopUnderTest, family: Family
        ) async throws {
            try await driver.run { loop in
                let log = EventLog()
                let slot = ConnectionSlot()
                let total = Atomic<Int>(0)
                let address = try await loop.serve(family) { connection in
                    slot.put(connection, on: loop)
                    return RecordingHandler(log) { bytes, connection in
                        if total.load(ordering: .relaxed) == 0 { connection.pauseReading() }
                        let used = total.load(ordering: .relaxed) == 0 ? 1 : bytes.count
                        total.add(used, ordering: .relaxed)
                        return used
                    }
                }
                let client = try SocketClient(to: address)
                try client.send("first")
                try await eventually("it pauses") { total.load(ordering: .relaxed) == 1 }
                try client.send(pattern(100_000))
                client.close()  // on a unix socket the hang-up overtakes the bytes
                for _ in 0..<20 { try await loop.nextTurn() }
                #expect(log.events == [.received("first")])
                try await slot.use { $0.resumeReading() }
                try await eventually("it is closed") { log.closes.count == 1 }
                #expect(total.load(ordering: .relaxed) == 100_005)
                #expect(log.events.suffix(2) == [.inputEnded, .closed(.local)])
            }
        }

        @Test(arguments: LoopUnderTest.allCases, Family.allCases)
        func `a paused connection whose peer has gone does not keep the loop busy`(
            driver: LoopUnderTest, family: Family
        ) async throws {
            await #expect(processExitsWith: .success) { [driver = driver as LoopUnderTest, family = family as Family] in
                try await driver.run { loop in
                    let log = EventLog()
                    let slot = ConnectionSlot()
                    let address = try await loop.serve(family) { connection in
                        connection.pauseReading()
                        connection.endOutput()
                        slot.put(connection, on: loop)
                        return RecordingHandler(log, ended: { _ in })
                    }
                    let client = try SocketClient(to: address)
                    try client.send("abc")
                    #expect(try client.receiveToEnd() == [])
                    client.close()
                    let before = processorTime()
                    await withCheckedContinuation { done in
                        _ = loop.post { loop.schedule(after: 300_000_000) { done.resume() } }
                    }
                    #expect(processorTime() - before < .milliseconds(150))
                    #expect(log.events == [])
                    try await slot.use { $0.resumeReading() }
                    try await eventually("it is closed") { log.closes.count == 1 }
                    #expect(log.events == [.received("abc"), .inputEnded, .closed(.peer)])
                }
            }
        }

        @Test(arguments: LoopUnderTest.allCases, Family.allCases)
        func `endOutput sends what waits, then FIN, and reading goes on`(driver: LoopUnderTest, family: Family)
            async throws
        {
            try await driver.run { loop in
                let log = EventLog()
                let slot = ConnectionSlot()
                let address = try await loop.serve(family) { connection in
                    connection.output.append("bye")
                    connection.endOutput()
                    slot.put(connection, on: loop)
                    return RecordingHandler(log, ended: { _ in })
                }
                let client = try SocketClient(to: address)
                #expect(try client.receiveToEnd() == Array("bye".utf8))
                try client.send("still here")
                try await eventually("it is read") { log.contains(.received("still here")) }
                // More than what stops the reading, too: nothing of it waits to go out.
                let late = String(repeating: "too late", count: 1 << 18)
                try await slot.use { $0.output.append(late) }
                try client.send("and here")
                try await eventually("it is read") { log.contains(.received("and here")) }
                client.close()
                try await eventually("it is closed") { log.closes.count == 1 }
                #expect(log.events.suffix(2) == [.inputEnded, .closed(.peer)])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a handler may go on sending after the peer's FIN`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let log = EventLog()
                let slot = ConnectionSlot()
                let address = try await loop.serve { connection in
                    slot.put(connection, on: loop)
                    return RecordingHandler(log, ended: { _ in })
                }
                let client = try SocketClient(to: address)
                client.shutdownOutput()
                try await eventually("it is told") { log.contains(.inputEnded) }
                for part in ["one", "two", "three"] {
                    try await slot.use { $0.output.append(part) }
                    #expect(try client.receive(exactly: part.utf8.count) == Array(part.utf8))
                }
                try await slot.use { $0.endOutput() }
                #expect(try client.receiveToEnd() == [])
                try await eventually("it is closed") { log.closes.count == 1 }
                #expect(log.events == [.inputEnded, .closed(.peer)])
            }
        }
    }
}
