@testable import QueueEmulator

/// A server that a transcript can be played against.
protocol TranscriptServer: AnyObject {
    /// Connects it if it is not yet.
    func send(_ bytes: [UInt8], client: Int) throws
    /// The next line with its end; empty at the end of the stream.
    func readLine(client: Int) throws -> String
    func readToEnd(client: Int) throws -> String
    func end(client: Int)
    func close(client: Int)
    func drain()
}

/// The emulator without a socket; when a reply is missing, its clock runs until it comes.
final class FakeServer: TranscriptServer {
    private let queue = FakeQueue()
    private var connections: [Int: FakeConnection] = [:]
    private var heard: [Int: String] = [:]

    func send(_ bytes: [UInt8], client: Int) {
        queue.send(bytes, connection(client))
    }

    func readLine(client: Int) throws -> String {
        let patience = queue.clock.now + 5_000_000_000
        while true {
            hear(client)
            let text = heard[client] ?? ""
            if let end = text.utf8.firstIndex(of: 0x0a) {
                let next = text.utf8.index(after: end)
                heard[client] = String(text[next...])
                return String(text[..<next])
            }
            if connection(client).isClosing { return text }
            guard queue.clock.advanceToNextTimer(before: patience) else { throw SocketFailure("no reply in 5 s") }
            queue.settle()
        }
    }

    func readToEnd(client: Int) throws -> String {
        hear(client)
        return heard[client] ?? ""
    }

    func end(client: Int) {
        queue.end(connection(client))
    }

    func close(client: Int) {
        hear(client)
        if let connection = connections[client] { queue.disappear(connection) }
    }

    func drain() {
        queue.emulator.isDraining = true
    }

    private func connection(_ client: Int) -> FakeConnection {
        if let connection = connections[client] { return connection }
        let connection = queue.connect()
        connections[client] = connection
        return connection
    }

    private func hear(_ client: Int) {
        heard[client, default: ""] += queue.hear(connection(client))
    }
}

#if os(Linux)
/// A server behind a port.
final class SocketServer: TranscriptServer {
    private let port: UInt16
    private let drainNow: () -> Void
    private var clients: [Int: SocketClient] = [:]

    init(port: UInt16, drain: @escaping () -> Void) {
        self.port = port
        self.drainNow = drain
    }

    func send(_ bytes: [UInt8], client: Int) throws {
        if clients[client] == nil { clients[client] = try SocketClient(port: port) }
        try clients[client]?.send(bytes)
    }

    func readLine(client: Int) throws -> String {
        try clients[client]?.readLine() ?? ""
    }

    func readToEnd(client: Int) throws -> String {
        try clients[client]?.readToEnd() ?? ""
    }

    func end(client: Int) {
        clients[client]?.endOutput()
    }

    func close(client: Int) {
        clients[client] = nil
    }

    func drain() {
        drainNow()
    }
}
#endif
