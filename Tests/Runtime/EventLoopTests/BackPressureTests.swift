import EventLoop
import Synchronization
import TestKit
import Testing

extension DriverTests {
    @Suite struct BackPressureTests {
        /// Answers the n-th byte with a block of 64 KiB of n, as long as the peer takes it.
        final class Blocks: ConnectionHandler {
            static let size = 64 << 10
            let answered = Atomic<Int>(0)
            let largest = Atomic<Int>(0)
            let log = EventLog()

            func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
                var used = 0
                while used < bytes.count, !connection.isOverHighWater {
                    let block = connection.output.reserve(Self.size)
                    block.initializeMemory(as: UInt8.self, repeating: bytes[used], count: Self.size)
                    connection.output.advance(by: Self.size)
                    used += 1
                    answered.add(1, ordering: .relaxed)
                }
                largest.max(connection.output.count, ordering: .relaxed)
                return used
            }

            func inputEnded(on connection: Connection) {
                log.add(.inputEnded)
                connection.closeAfterFlush()
            }

            func outputDrained(on connection: Connection) {
                log.add(.drained)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a client that does not read stops the replies, and gets all of them in order when it does`(
            driver: LoopUnderTest
        ) async throws {
            try await driver.run { loop in
                let made = Mutex<LoopBound<Blocks>?>(nil)
                let slot = ConnectionSlot()
                let address = try await loop.serve { connection in
                    let blocks = Blocks()
                    made.withLock { $0 = LoopBound(blocks, on: loop) }
                    slot.put(connection, on: loop)
                    return blocks
                }
                let client = try SocketClient(to: address, receiveBuffer: 64 << 10)
                let asked = pattern(400)
                try client.send(asked)
                client.shutdownOutput()
                _ = try await slot.use { _ in }
                let bound = try #require(made.withLock { $0 })
                let answered: @Sendable () -> Int = { bound.value.answered.load(ordering: .relaxed) }
                var last = -1
                for _ in 0..<10_000 {  // until nothing moves
                    try await loop.nextTurn()
                    let now = try await loop.onLoop(answered)
                    if now > 0, now == last { break }
                    last = now
                }
                #expect(last < 300)
                #expect(try await slot.use { $0.output.count } > 0)
                #expect(
                    try await loop.onLoop { bound.value.largest.load(ordering: .relaxed) } < (1 << 20) + Blocks.size)
                #expect(try await !loop.onLoop { bound.value.log.contains(.inputEnded) })

                for (index, byte) in asked.enumerated() {
                    let block = try client.receive(exactly: Blocks.size)
                    #expect(block == [UInt8](repeating: byte, count: Blocks.size), "block \(index)")
                }
                #expect(try client.receiveToEnd() == [])
                let events = try await loop.onLoop { bound.value.log.events }
                #expect(events.filter { $0 == .drained }.count > 1)
                #expect(events.last == .inputEnded)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `output that others push above the mark stops reading until it has gone out`(driver: LoopUnderTest)
            async throws
        {
            try await driver.run { loop in
                let log = EventLog()
                let slot = ConnectionSlot()
                let address = try await loop.serve { connection in
                    slot.put(connection, on: loop)
                    return RecordingHandler(log)
                }
                let client = try SocketClient(to: address, receiveBuffer: 64 << 10)
                let pushed = pattern(8 << 20)
                try await slot.use { connection in pushed.withUnsafeBytes { connection.output.append($0) } }
                try await loop.nextTurn()
                #expect(try await slot.use { $0.isOverHighWater })
                try client.send("x")
                try await loop.nextTurn()
                #expect(try client.receive(exactly: pushed.count) == pushed)
                try await eventually("x is delivered") { log.contains(.received("x")) }
                #expect(log.events == [.drained, .received("x")])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `the mark is the connection's own and may be moved`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let slot = ConnectionSlot()
                let address = try await loop.serveEcho(slot: slot)
                let client = try SocketClient(to: address)
                try client.echo(1)
                let marks = try await slot.use { connection in
                    connection.highWater = 3
                    connection.output.append("ab")
                    let below = connection.isOverHighWater
                    connection.output.append("c")
                    return [below, connection.isOverHighWater]
                }
                #expect(marks == [false, true])
                #expect(try client.receive(exactly: 3) == Array("abc".utf8))
                try client.echo(2)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a handler that makes its reply in pieces is driven by outputDrained and starves nobody`(
            driver: LoopUnderTest
        ) async throws {
            try await driver.run { loop in
                let address = try await loop.serve { _ in
                    var left = 50
                    let piece: (Connection) -> Void = { connection in
                        guard left > 0 else { return connection.closeAfterFlush() }
                        left -= 1
                        let bytes = [UInt8](repeating: UInt8(left), count: 1 << 20)
                        bytes.withUnsafeBytes { connection.output.append($0) }
                    }
                    return RecordingHandler(drained: piece) { bytes, connection in
                        piece(connection)
                        return bytes.count
                    }
                }
                let other = try SocketClient(to: try await loop.serveEcho())
                let client = try SocketClient(to: address)
                try client.send("go")
                for left in (0..<50).reversed() {
                    #expect(try client.receive(exactly: 1 << 20) == [UInt8](repeating: UInt8(left), count: 1 << 20))
                    try other.echo(UInt8(left))
                }
                #expect(try client.receiveToEnd() == [])
            }
        }
    }
}
