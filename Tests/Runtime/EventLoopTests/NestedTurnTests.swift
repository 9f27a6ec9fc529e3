#if os(Linux)
import EventLoop
import Synchronization
import TestKit
import Testing

extension DriverTests {
    /// Turns of the loop within a handler that takes long; only epoll has them.
    @Suite struct NestedTurnTests {
        /// A loop that listens; the handler of each connection is called with what it receives.
        private func serve(
            _ received: @escaping @Sendable (any EventLoop, String, Connection) -> Void,
            _ body: (any EventLoop, SocketAddress) async throws -> Void
        ) async throws {
            try await LoopUnderTest.epoll.run { loop in
                let address = try await loop.onLoop {
                    let listener = try loop.listen(on: .tcp(host: "127.0.0.1", port: 0)) { _ in
                        RecordingHandler { bytes, connection in
                            received(loop, String(decoding: bytes, as: UTF8.self), connection)
                            return bytes.count
                        }
                    }
                    return listener.address
                }
                try await body(loop, address)
            }
        }

        @Test func `others are served, and all else waits`() async throws {
            let log = EventLog()
            try await serve { loop, text, connection in
                log.add(.note(text))
                switch text {
                case "long":
                    loop.schedule(after: 0) { log.add(.note("timer")) }
                    loop.post { log.add(.note("posted")) }
                    loop.postUrgently { log.add(.note("urgent")) }
                    connection.output.append("began.")
                    while !log.contains(.note("end")) { _ = loop.runNested() }
                    log.add(.note("long ends"))
                    connection.output.append("ended.")
                default: connection.output.append("\(text).")
                }
            } _: { _, address in
                let long = try SocketClient(to: address)
                try long.send("long")
                try await eventually("it has begun") { log.contains(.note("urgent")) }
                // It reads on behind its handler only.
                try long.send("more")
                for number in 0..<50 {
                    let other = try SocketClient(to: address)
                    try other.send("\(number)")
                    #expect(try other.receive(exactly: "\(number).".utf8.count) == Array("\(number).".utf8))
                    other.close()
                }
                for word in ["timer", "posted", "more"] { #expect(!log.contains(.note(word))) }
                try SocketClient(to: address).send("end")
                let expected = Array("began.ended.more.".utf8)
                #expect(try long.receive(exactly: expected.count) == expected)
            }
        }

        @Test func `turns nest to a bound`() async throws {
            let results = Mutex<[NestedTurn]>([])
            try await serve { loop, text, connection in
                let depth = results.withLock { $0.count }
                // Each level waits until the next one has begun.
                var result = loop.runNested()
                while result == .served, results.withLock({ $0.count }) == depth { result = loop.runNested() }
                results.withLock { $0.append(result) }
                connection.output.append("done")
            } _: { _, address in
                // One more than there are turns.
                let clients = try (0..<17).map { _ in try SocketClient(to: address) }
                for client in clients { try client.send("x") }
                for client in clients { #expect(try client.receive(exactly: 4) == Array("done".utf8)) }
            }
            #expect(results.withLock { $0.filter { $0 == .impossible } }.count == 1)
        }

        @Test func `who works in a turn learns that the loop is to stop`() async throws {
            let log = EventLog()
            try await serve { loop, _, _ in
                log.add(.note("begun"))
                while loop.runUrgentWork() != .stopping {}
                while loop.runNested() != .stopping {}
                log.add(.note("over"))
            } _: { _, address in
                try SocketClient(to: address).send("x")
                try await eventually("it has begun") { log.contains(.note("begun")) }
            }
            #expect(log.contains(.note("over")))
        }

        @Test func `the other driver has none`() async throws {
            try await LoopUnderTest.nio.run { loop in
                let log = EventLog()
                try await loop.onLoop {
                    #expect(loop.runNested() == .impossible)
                    loop.postUrgently { log.add(.note("urgent")) }
                }
                try await eventually("it runs") { log.contains(.note("urgent")) }
            }
        }
    }
}
#endif
