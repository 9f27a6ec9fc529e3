import EventLoop
import RDBWire
import RESPWire
import TestKit

@testable import CacheEmulator

/// An emulator on a loop of its own and at a port, so that real servers can replicate from it, with a client at hand that
/// writes to it. Nobody has to log in.
final class ServedEmulator: Sendable {
    let loop: any EventLoop
    let port: UInt16
    private let parts: LoopBound<Parts>

    /// What lives on the loop.
    private final class Parts {
        let emulator: CacheEmulator
        let writer: Writer
        var listener: (any Listener)?
        var served: [UInt64: ServedClient] = [:]

        init(on loop: any EventLoop) {
            emulator = CacheEmulator(loop: loop)
            writer = Writer(emulator)
        }
    }

    private init(_ loop: any EventLoop, _ port: UInt16, _ parts: LoopBound<Parts>) {
        self.loop = loop
        self.port = port
        self.parts = parts
    }

    static func run(_ driver: LoopUnderTest, _ body: (ServedEmulator) async throws -> Void) async throws {
        try await driver.run { loop in
            let made: (parts: LoopBound<Parts>, port: UInt16) = try await loop.onLoop {
                let parts = Parts(on: loop)
                let listener = try loop.listen(on: .tcp(host: "127.0.0.1", port: 0)) { [unowned parts] connection in
                    let client = ServedClient(connection, parts.emulator) { parts.served[connection.id] = nil }
                    parts.served[connection.id] = client
                    return client
                }
                parts.listener = listener
                guard case .tcp(_, let port) = listener.address else { throw NeverHappened("it has no port") }
                return (LoopBound(parts, on: loop), port)
            }
            try await body(ServedEmulator(loop, made.port, made.parts))
            // While the loop runs: what a replica holds is given back there.
            try await loop.onLoop { [parts = made.parts] in
                parts.value.listener?.close()
                for client in parts.value.served.values { client.connection.close() }
            }
        }
    }

    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (CacheEmulator) throws -> Value) async throws -> Value {
        try await loop.onLoop { [parts] in try body(parts.value.emulator) }
    }

    /// Runs commands of words between spaces, all in one turn; returns their replies.
    @discardableResult
    func write(_ commands: [String]) async throws -> [String] {
        try await loop.onLoop { [parts] in
            commands.map { parts.value.writer.run($0.split(separator: " ").map { Array($0.utf8) }) }
        }
    }

    @discardableResult
    func write(_ commands: String...) async throws -> [String] { try await write(commands) }

    @discardableResult
    func write(words: [[String]]) async throws -> [String] {
        try await loop.onLoop { [parts] in words.map { parts.value.writer.run($0.map { Array($0.utf8) }) } }
    }

    /// Runs so many random commands, all in one turn, some of them in transactions.
    func write(random count: Int, of commands: RandomCommands) async throws {
        try await loop.onLoop { [parts] in
            for _ in 0..<count {
                let writer = parts.value.writer
                let isTransaction = commands.below(10) == 0
                if isTransaction { writer.run([Array("MULTI".utf8)]) }
                for _ in 0..<(isTransaction ? 4 : 1) { writer.run(commands.next()) }
                if isTransaction { writer.run([Array("EXEC".utf8)]) }
            }
        }
    }

    /// Closes the connections of all replicas.
    func cutReplicas() async throws {
        try await loop.onLoop { [parts] in
            for client in parts.value.served.values where client.client.isReplica { client.connection.close() }
        }
    }

    /// Every key that lives for some seconds more, with its value and expiry, by `database key`.
    func contents() async throws -> [String: UInt64] {
        try await onLoop { emulator in
            var contents: [String: UInt64] = [:]
            let soon = emulator.loop.wallClock + 3000
            for database in emulator.databases {
                database.table.forEach { entry in
                    let expiry = entry.hasExpiry ? entry.expiry : nil
                    if let expiry, expiry <= soon { return }
                    contents["\(database.number) \(entry.key.text)"] = database.value(of: entry).digest(expiry: expiry)
                }
            }
            return contents
        }
    }
}

/// Shared by the turns of a test. Safety of `@unchecked Sendable`: it is used on the emulator's loop only.
final class RandomCommands: @unchecked Sendable {
    private var commands: WriteCommands

    init(seed: UInt64) {
        commands = WriteCommands(seed: seed, life: 50...60_000)
    }

    func next() -> [[UInt8]] { commands.next() }
    func below(_ bound: Int) -> Int { commands.below(bound) }
}

/// A client without a connection. When it waits in a command that blocks, another one takes its place.
private final class Writer {
    private let emulator: CacheEmulator
    private let front = NoFront()
    private let batch = RequestBatch()
    private var client: CacheClient
    private var waiting: [CacheClient] = []

    init(_ emulator: CacheEmulator) {
        self.emulator = emulator
        client = Self.client(front)
        emulator.clientConnected(client)
    }

    private static func client(_ front: NoFront) -> CacheClient {
        let connection = Connection(id: Connection.nextID(), pool: BufferPool(), peerAddress: "", localAddress: "")
        return CacheClient(connection: connection, id: 0, isAuthenticated: true, front: front)
    }

    @discardableResult
    func run(_ words: [[UInt8]]) -> String {
        guard !words.isEmpty else { return "" }
        var bytes: [UInt8] = []
        bytes.append(command: words.map { .array($0) })
        bytes.withUnsafeBytes { raw in
            var partial = PartialRequest()
            _ = batch.parse(raw, limits: .authenticated, partial: &partial)
            _ = emulator.execute(batch, from: 0, for: client)
        }
        if client.isWaiting {
            waiting.append(client)
            if waiting.count > 12 { emulator.clientGone(waiting.removeFirst()) }
            client = Self.client(front)
            emulator.clientConnected(client)
            return ""
        }
        let output = client.connection.output
        defer { output.removeAll() }
        return String(decoding: output.readable, as: UTF8.self)
    }
}

/// One connection to the emulator.
private final class ServedClient: ConnectionHandler, CacheFront {
    let connection: Connection
    private(set) var client: CacheClient!
    private let emulator: CacheEmulator
    private let batch = RequestBatch()
    private var partial = PartialRequest()
    private let ended: () -> Void

    init(_ connection: Connection, _ emulator: CacheEmulator, ended: @escaping () -> Void) {
        self.connection = connection
        self.emulator = emulator
        self.ended = ended
        client = CacheClient(connection: connection, id: Int64(connection.id), isAuthenticated: true, front: self)
        emulator.clientConnected(client)
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        guard !client.isWaiting else { return 0 }
        var offset = 0
        while offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            _ = batch.parse(rest, limits: .authenticated, partial: &partial)
            guard batch.count > 0 else { return offset + batch.skipped }
            let done = emulator.execute(batch, from: 0, for: client)
            if done > 0 { offset += batch[done - 1].end }
            if client.isEnding { return bytes.count }
            if done < batch.count || client.isWaiting { return offset }
        }
        return offset
    }

    func outputDrained(on connection: Connection) {
        emulator.outputDrained(of: client)
    }

    func closed(_ connection: Connection, because reason: CloseReason) {
        emulator.clientGone(client)
        ended()
    }

    func run(_ command: FrontCommand, for client: CacheClient) {
        command.reply.ok()
    }

    func end(_ client: CacheClient) {
        connection.closeAfterFlush()
    }

    func drop(_ client: CacheClient) {
        let bound = LoopBound(connection, on: emulator.loop)
        emulator.loop.post { bound.value.close() }
    }

    func waitEnded(_ client: CacheClient) {
        connection.pauseReading()
        connection.resumeReading()
    }
}
