import EventLoop
import Synchronization
import TestKit
import Testing

extension DriverTests {
    @Suite struct CloseTests {
        @Test(arguments: LoopUnderTest.allCases, Family.allCases)
        func `closeAfterFlush delivers every byte and FIN to a peer that goes on sending`(
            driver: LoopUnderTest, family: Family
        ) async throws {
            try await driver.run { loop in
                let log = EventLog()
                let reply = pattern(4 << 20)
                let address = try await loop.serve(family) { _ in
                    RecordingHandler(log) { bytes, connection in
                        log.add(.note("asked"))
                        reply.withUnsafeBytes { connection.output.append($0) }
                        connection.closeAfterFlush()
                        return bytes.count
                    }
                }
                let client = try SocketClient(to: address)
                try client.send("go")
                var received: [UInt8] = []
                for _ in 0..<64 {
                    _ = try client.sendSome(pattern(32 << 10)[...])
                    received += try client.receive(exactly: 64 << 10)
                }
                #expect(received == reply)
                _ = try client.sendSome(pattern(1000)[...])
                #expect(try client.receiveToEnd() == [])
                client.close()
                try await eventually("it is closed") { log.closes.count == 1 }
                #expect(log.events.dropFirst() == [.note("asked"), .closed(.local)])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `closeAfterFlush ends a second after its FIN when the peer stays`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let log = EventLog()
                let client = try SocketClient(
                    to: try await loop.serve { connection in
                        connection.output.append("bye")
                        connection.closeAfterFlush()
                        return RecordingHandler(log)
                    })
                let began = ContinuousClock.now
                #expect(try client.receiveToEnd() == Array("bye".utf8))
                #expect(log.events == [])
                try await eventually("it is closed") { log.closes.count == 1 }
                #expect(ContinuousClock.now - began > .milliseconds(900))
                #expect(log.events == [.closed(.local)])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `closeAfterFlush waits longer for a peer that reads slowly`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let reply = pattern(24 << 20)
                let client = try SocketClient(
                    to: try await loop.serve { connection in
                        reply.withUnsafeBytes { connection.output.append($0) }
                        connection.closeAfterFlush()
                        return RecordingHandler()
                    }, receiveBuffer: 256 << 10)
                let began = ContinuousClock.now
                var received: [UInt8] = []
                for part in 1...10 {
                    received += try client.receive(exactly: 2 << 20)
                    try await Task.sleep(until: began + .milliseconds(150 * part), clock: .continuous)  // a slow reader
                }
                received += try client.receiveToEnd()
                #expect(received == reply)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `after closeAfterFlush nothing is delivered but closed`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let log = EventLog()
                let slot = ConnectionSlot()
                let address = try await loop.serve { connection in
                    slot.put(connection, on: loop)
                    return RecordingHandler(log) { _, _ in 0 }
                }
                let client = try SocketClient(to: address, receiveBuffer: 64 << 10)
                try client.send("kept")
                try await eventually("it is kept") { log.events.count == 1 }
                let reply = pattern(8 << 20)
                try await slot.use { connection in
                    reply.withUnsafeBytes { connection.output.append($0) }
                    connection.pauseReading()
                    connection.closeAfterFlush()
                    connection.resumeReading()
                }
                try client.send("thrown away")
                #expect(try client.receiveToEnd() == reply)
                client.close()
                try await eventually("it is closed") { log.closes.count == 1 }
                #expect(log.events == [.received("kept"), .closed(.local)])
            }
        }

        @Test(arguments: LoopUnderTest.allCases, Family.allCases)
        func `close ends the connection at once and tells its handler once`(driver: LoopUnderTest, family: Family)
            async throws
        {
            try await driver.run { loop in
                let log = EventLog()
                let slot = ConnectionSlot()
                let client = try SocketClient(to: try await loop.serveEcho(family, log: log, slot: slot))
                try client.echo(65)
                let states = try await slot.use { connection in
                    connection.output.append("lost")
                    connection.close()
                    connection.close()
                    connection.closeAfterFlush()
                    connection.endOutput()
                    connection.pauseReading()
                    connection.resumeReading()
                    connection.output.append("thrown away")
                    return [connection.isOpen, log.events.last == .closed(.local)]
                }
                #expect(states == [false, true])
                #expect(try client.receiveToEnd() == [])
                try await loop.nextTurn()
                #expect(log.events == [.received("A"), .closed(.local)])
                #expect(try await slot.use { $0.output.count } == 0)
            }
        }

        @Test(arguments: LoopUnderTest.allCases, [false, true])
        func `a reset by the peer is told as an error, also while reading pauses`(driver: LoopUnderTest, pauses: Bool)
            async throws
        {
            try await driver.run { loop in
                let log = EventLog()
                let address = try await loop.serve { _ in
                    RecordingHandler(log) { bytes, connection in
                        if pauses { connection.pauseReading() }
                        return bytes.count
                    }
                }
                let client = try SocketClient(to: address)
                try client.send("hello")
                try await eventually("it is there") { log.events.count == 1 }
                client.reset()
                try await eventually("it is closed") { log.closes.count == 1 }
                #expect(log.events == [.received("hello"), .closed(.error(errno: connectionReset))])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a reset after the peer's FIN is an error too`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let log = EventLog()
                let address = try await loop.serve { _ in RecordingHandler(log, ended: { _ in }) }
                let client = try SocketClient(to: address)
                client.shutdownOutput()
                try await eventually("it is told of the FIN") { log.contains(.inputEnded) }
                client.reset()
                try await eventually("it is closed") { log.closes.count == 1 }
                guard case .closed(.error) = try #require(log.events.last) else {
                    Issue.record("closed with \(log.events)")
                    return
                }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `the bytes of a call stay valid when the handler closes inside it`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                for abruptly in [true, false] {
                    let size = 4 << 20
                    let sum = Atomic<Int>(0)
                    let address = try await loop.serve { _ in
                        RecordingHandler { bytes, connection in
                            guard bytes.count == size else { return 0 }
                            if abruptly { connection.close() } else { connection.closeAfterFlush() }
                            sum.store(bytes.reduce(0) { $0 + Int($1) }, ordering: .relaxed)
                            return bytes.count
                        }
                    }
                    let client = try SocketClient(to: address)
                    try client.send([UInt8](repeating: 1, count: size))
                    #expect(try client.receiveToEnd() == [])
                    try await eventually("it is summed up") { sum.load(ordering: .relaxed) == size }
                }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a connection closed by another's handler in the same turn gets nothing more`(driver: LoopUnderTest)
            async throws
        {
            try await driver.run { loop in
                let logs = [EventLog(), EventLog()]
                let slots = [ConnectionSlot(), ConnectionSlot()]
                let made = Atomic<Int>(0)
                let address = try await loop.serve { connection in
                    let index = made.add(1, ordering: .relaxed).oldValue
                    slots[index].put(connection, on: loop)
                    connection.output.append(".")
                    return RecordingHandler(logs[index]) { bytes, _ in
                        slots[1 - index].closeNow()
                        return bytes.count
                    }
                }
                let clients = [try SocketClient(to: address), try SocketClient(to: address)]
                for client in clients { _ = try client.receive(exactly: 1) }
                let hold = LoopHold(loop)
                for client in clients { try client.send("both are ready in one turn") }
                hold.release()
                try await eventually("one is closed") { logs[0].closes.count + logs[1].closes.count == 1 }
                try await loop.nextTurn()
                let closed = logs[0].closes.isEmpty ? logs[1] : logs[0]
                #expect(closed.events == [.closed(.local)])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a descriptor reused within a turn does not get its predecessor's events`(driver: LoopUnderTest)
            async throws
        {
            try await driver.run { loop in
                let log = EventLog()
                let echo = try await loop.serveEcho()
                let slots = Mutex<[ConnectionSlot]>([])
                let opened = EventLog()
                let address = try await loop.serve { connection in
                    let slot = ConnectionSlot()
                    slot.put(connection, on: loop)
                    slots.withLock { $0.append(slot) }
                    connection.output.append(".")
                    return RecordingHandler(log) { bytes, connection in
                        // The first to be served closes all others, and their descriptors go to new connections.
                        let others = slots.withLock { slots in
                            defer { slots = [] }
                            return slots
                        }
                        for other in others {
                            other.closeNow(unless: connection)
                            loop.connect(to: echo, timeout: .seconds(20)) { result in
                                guard let connection = try? result.get() else { return opened.add(.note("failed")) }
                                connection.handler = RecordingHandler(opened)
                                connection.output.append("echo")
                            }
                        }
                        return bytes.count
                    }
                }
                let clients = try (0..<10).map { _ in try SocketClient(to: address) }
                for client in clients { _ = try client.receive(exactly: 1) }
                let hold = LoopHold(loop)
                for client in clients { try client.send("stale") }
                hold.release()
                try await eventually("the new ones work") { opened.events.count == 10 }
                #expect(opened.events.allSatisfy { $0 == .received("echo") })
                #expect(log.events.filter { $0 == .received("stale") }.count == 1)
                #expect(log.closes.count == 9)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `output that was reserved and not used, or taken back, does not stop what follows`(driver: LoopUnderTest)
            async throws
        {
            try await driver.run { loop in
                let slot = ConnectionSlot()
                let client = try SocketClient(to: try await loop.serveEcho(slot: slot))
                try client.echo(1)
                try await slot.use { connection in _ = connection.output.reserve(10) }
                try await loop.nextTurn()
                try client.echo(2)
                try await slot.use { connection in
                    connection.output.append("a reply that is taken back")
                    connection.output.truncate(to: 0)
                }
                try await loop.nextTurn()
                try client.echo(3)
            }
        }
    }
}

extension ConnectionSlot {
    /// Closes on the loop, without waiting; not when the connection is `kept`.
    fileprivate func closeNow(unless kept: Connection? = nil) {
        withConnection { if $0 !== kept { $0.close() } }
    }
}
