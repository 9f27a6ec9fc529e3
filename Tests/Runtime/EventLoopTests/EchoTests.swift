import EventLoop
import Synchronization
import TestKit
import Testing

extension DriverTests {
    @Suite struct EchoTests {
        @Test(arguments: LoopUnderTest.allCases, Family.allCases)
        func `what a client sends comes back`(driver: LoopUnderTest, family: Family) async throws {
            try await driver.run { loop in
                let client = try SocketClient(to: try await loop.serveEcho(family))
                try client.send("hello")
                #expect(try client.receive(exactly: 5) == Array("hello".utf8))
                try client.send(pattern(300_000))
                #expect(try client.receive(exactly: 300_000) == pattern(300_000))
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `IPv6 works and names its peer in brackets`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let names = Mutex<[String]>([])
                let address = try await loop.onLoop {
                    try loop.listen(on: .tcp(host: "::1", port: 0)) { connection in
                        names.withLock { $0 = [connection.peerAddress, connection.localAddress] }
                        connection.output.append("6")
                        return RecordingHandler()
                    }.address
                }
                let client = try SocketClient(to: address)
                #expect(try client.receive(exactly: 1) == [UInt8(ascii: "6")])
                #expect(names.withLock { $0[0] }.hasPrefix("[::1]:"))
                #expect(names.withLock { $0[1] } == address.description)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a message cut at every byte arrives whole`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let address = try await loop.serve { _ in LineHandler() }
                let message = "ab\ncdef\n\nghijkl\n"
                for cut in 0...message.utf8.count {
                    let client = try SocketClient(to: address)
                    try client.send(Array(message.utf8.prefix(cut)))
                    try await loop.nextTurn()
                    try client.send(Array(message.utf8.dropFirst(cut)))
                    for line in ["ab\n", "cdef\n", "\n", "ghijkl\n"] {
                        #expect(try client.receive(until: "\n") == Array("<\(line)".utf8), "cut at \(cut)")
                    }
                }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `leftovers come again in front of what follows`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let log = EventLog()
                let address = try await loop.serve { _ in RecordingHandler(log) { bytes, _ in min(bytes.count, 2) } }
                let client = try SocketClient(to: address)
                for (part, whole) in [("abc", "abc"), ("de", "cde"), ("f", "ef"), ("ghi", "ghi")] {
                    let before = log.events.count
                    try client.send(part)
                    try await eventually("\(part) is delivered") { log.events.count > before }
                    #expect(log.events.last == .received(whole))
                }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a batch of messages is answered in one piece and in order`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let log = EventLog()
                let address = try await loop.serve { _ in LineHandler(log) }
                let client = try SocketClient(to: address)
                let lines = (0..<10_000).map { "message \($0)\n" }
                try client.send(lines.joined())
                let replies = lines.map { "<\($0)" }.joined()
                #expect(try client.receive(exactly: replies.utf8.count) == Array(replies.utf8))
                #expect(log.events.count < 1000)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a message of 200 MB is kept as it arrives, not as it is announced`(driver: LoopUnderTest) async throws {
            await #expect(processExitsWith: .success) { [driver = driver as LoopUnderTest] in
                let size = 200 << 20
                try await driver.run { loop in
                    let seen = Atomic<Int>(0)
                    let address = try await loop.serve { _ in
                        RecordingHandler { bytes, connection in
                            seen.store(bytes.count, ordering: .relaxed)
                            guard bytes.count == size else { return 0 }
                            for index in stride(from: 0, to: size, by: 4096) {
                                precondition(bytes[index] == UInt8(truncatingIfNeeded: index >> 12))
                            }
                            connection.output.append("done")
                            return size
                        }
                    }
                    let client = try SocketClient(to: address)
                    let block = (0..<256).flatMap { [UInt8](repeating: UInt8($0), count: 4096) }
                    try client.send(block)
                    try await eventually("1 MB is there") { seen.load(ordering: .relaxed) == 1 << 20 }
                    let early = residentBytes()
                    for _ in 1..<200 { try client.send(block) }
                    #expect(try client.receive(exactly: 4) == Array("done".utf8))
                    #expect(early < 100 << 20, "resident after 1 MB: \(early >> 20) MB")
                    try await eventually("its memory is given back") { residentBytes() < 120 << 20 }
                }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a thousand idle connections are served and own no buffers`(driver: LoopUnderTest) async throws {
            await #expect(processExitsWith: .success) { [driver = driver as LoopUnderTest] in
                try await driver.run { loop in
                    let address = try await loop.serveEcho()
                    var clients: [SocketClient] = []
                    let before = residentBytes()
                    for index in 0..<1000 {
                        let client = try SocketClient(to: address)
                        try client.echo(UInt8(truncatingIfNeeded: index))
                        clients.append(client)
                    }
                    let each = (residentBytes() - before) / 1000
                    for (index, client) in clients.enumerated() { try client.echo(UInt8(truncatingIfNeeded: index)) }
                    #expect(each < 16 << 10, "resident bytes for each connection: \(each)")
                }
            }
        }

        @Test func `no two connections of a process have the same id`() async throws {
            let ids = Mutex<[UInt64]>([])
            for driver in LoopUnderTest.allCases + LoopUnderTest.allCases {
                try await driver.run { loop in
                    let address = try await loop.serve { connection in
                        ids.withLock { $0.append(connection.id) }
                        connection.output.append(".")
                        return RecordingHandler()
                    }
                    _ = try SocketClient(to: address).receive(exactly: 1)
                }
            }
            let seen = ids.withLock { $0 }
            #expect(seen.count == 2 * LoopUnderTest.allCases.count)
            #expect(Set(seen).count == seen.count)
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `twenty thousand echo round trips leave nothing behind`(driver: LoopUnderTest) async throws {
            await #expect(processExitsWith: .success) { [driver = driver as LoopUnderTest] in
                try await driver.run { loop in
                    let address = try await loop.serve { _ in EchoHandler() }
                    let callers = try (0..<50).map { _ in try Caller(to: address) }
                    #expect(Caller.roundTrips(100, of: callers) == 5_000)
                    let before = residentBytes()
                    #expect(Caller.roundTrips(400, of: callers) == 20_000)
                    let grown = residentBytes() - before
                    #expect(grown < 512 << 10, "grown by \(grown) bytes")
                }
            }
        }
    }
}

/// Echo without a log.
final class EchoHandler: ConnectionHandler {
    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        connection.output.append(bytes)
        return bytes.count
    }
}

/// Answers each line with the line and a `<` before it.
final class LineHandler: ConnectionHandler {
    private let log: EventLog?

    init(_ log: EventLog? = nil) {
        self.log = log
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        log?.add(.received(""))
        var used = 0
        while let end = bytes[used...].firstIndex(of: UInt8(ascii: "\n")) {
            connection.output.append("<")
            connection.output.append(UnsafeRawBufferPointer(rebasing: bytes[used...end]))
            used = end + 1
        }
        return used
    }
}
