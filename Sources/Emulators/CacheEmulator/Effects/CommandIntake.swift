import EventLoop
import RESPWire

/// Runs commands that another server handed out. They count for nobody's statistics, and the client that runs them is in
/// no list. Confined to the loop.
///
/// For its commands time stands still, and no key is taken out for its age, until it is closed: what ends there ends by a
/// DEL. Else a key that the other server has renamed or kept alive in its last moment would be gone here before that
/// arrives. Clients and whoever asks for a digest see no key whose time is over.
public final class CommandIntake {
    /// What became of a segment.
    public enum Progress: Equatable, Sendable {
        /// All of it was applied.
        case done
        /// The time was over: go on with the byte of this number.
        case paused(at: Int)
        /// A command was answered with an error.
        case refused(command: String, words: String)
    }

    private let emulator: CacheEmulator
    private let client: CacheClient
    private let front = NoFront()
    private let batch = RequestBatch()
    /// When it was opened.
    private let time: Int64
    private var isOpen = true

    /// How many commands run between two looks at the clock.
    private static let commandsPerLook = 16
    /// A command of more bytes is followed by a look at once.
    private static let largeCommand = 16 << 10

    public init(into emulator: CacheEmulator) {
        self.emulator = emulator
        let connection = Connection(id: Connection.nextID(), pool: BufferPool(), peerAddress: "", localAddress: "")
        client = CacheClient(connection: connection, id: 0, isAuthenticated: true, front: front)
        client.mayWait = false
        time = emulator.time
        emulator.openIntakes += 1
    }

    /// Lets keys end by themselves again. Done again it does nothing.
    public func close() {
        guard isOpen else { return }
        isOpen = false
        emulator.openIntakes -= 1
        emulator.watchExpiry()
    }

    /// Applies the commands of a segment from its byte `start` on, until `deadline`, but one at the least.
    public func apply(
        _ bytes: [UInt8], from start: Int, in database: Int, until deadline: ContinuousClock.Instant
    ) -> Progress {
        guard emulator.databases.indices.contains(database) else {
            return .refused(command: "select \(database)", words: "\(ErrorText.databaseOutOfRange)")
        }
        emulator.clock.now = time
        let seen = emulator.statistics
        emulator.countCommands(false)
        defer {
            emulator.readClock()
            emulator.countCommands(true)
            emulator.statistics = seen.keepingCounts(butOf: emulator.statistics)
            emulator.watchExpiry()
        }
        client.database = database
        return bytes.withUnsafeBytes { apply($0, from: start, until: deadline) }
    }

    private func apply(
        _ bytes: UnsafeRawBufferPointer, from start: Int, until deadline: ContinuousClock.Instant
    ) -> Progress {
        var position = start
        var sinceLook = 0
        while position < bytes.count {
            var partial = PartialRequest()
            let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
            let end = batch.parse(rest, limits: .unlimited, partial: &partial)
            guard batch.count > 0 else {
                guard case .failed(let error) = end else { return .refused(command: "", words: "it ends too early") }
                return .refused(command: "", words: error.text)
            }
            var last = 0
            for index in 0..<batch.count {
                let request = batch[index]
                if let refusal = run(batch.arguments + request.first, request.count) { return refusal }
                sinceLook += 1
                let isLarge = request.end - last > Self.largeCommand
                last = request.end
                guard isLarge || sinceLook == Self.commandsPerLook else { continue }
                sinceLook = 0
                if position + last < bytes.count, ContinuousClock.now >= deadline {
                    return .paused(at: position + last)
                }
            }
            position += last
        }
        return .done
    }

    /// Runs one command; nil when it was not answered with an error.
    private func run(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Progress? {
        let output = client.connection.output
        let index = emulator.table.index(of: arguments[0]) ?? -1
        if index >= 0, !Self.writes(emulator.table.commands[index], arguments, count) {
            return .refused(command: Self.name(arguments, count), words: "it changes no key")
        }
        let hash = count > 1 ? keyHash(arguments[1], seed: emulator.memory.seed) : 0
        emulator.run(index, arguments, count, hash, client)
        defer { if output.count > 64 << 10 { output.removeAll() } else { output.truncate(to: 0) } }
        guard output.readable.first == UInt8(ascii: "-") else { return nil }
        let words = output.readable.dropFirst().prefix { $0 != UInt8(ascii: "\r") }
        return .refused(command: Self.name(arguments, count), words: String(decoding: words, as: UTF8.self))
    }

    /// Of a container its subcommand says so.
    private static func writes(_ command: Command, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        if command.subcommands.isEmpty || count < 2 {
            // PFCOUNT keeps the count that it has made.
            return command.flags.contains(.write) || command.name.description == "pfcount"
        }
        return command.subcommands.contains { arguments[1].isWord($0.name) && $0.flags.contains(.write) }
    }

    /// The command with its first argument, which mostly is the key.
    private static func name(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> String {
        let words = (0..<min(count, 2)).map { String(decoding: arguments[$0].raw.prefix(64), as: UTF8.self) }
        return words.joined(separator: " ")
    }
}

/// Of a client that has no connection: nothing concerns it.
final class NoFront: CacheFront {
    func run(_ command: FrontCommand, for client: CacheClient) {
        command.reply.error("ERR there is no connection")
    }

    func end(_ client: CacheClient) {}
    func drop(_ client: CacheClient) {}
}
