#if os(Linux)
import TestKit
import Testing

@testable import QueueEmulator

/// Several clients give random commands to the emulator and to beanstalkd; every reply must be the same.
@Suite struct RandomDifferentialTests {
    @Test(.requires(.beanstalkd))
    func `random commands of several clients are answered as beanstalkd answers them`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        try run(seed: seed, replies: 24_000)
    }

    /// Seeds that once showed a difference, and a few more.
    @Test(.requires(.beanstalkd), arguments: [1, 2, 3] as [UInt64])
    func `known seeds give no difference`(_ seed: UInt64) throws {
        try run(seed: seed, replies: 4000)
    }

    private func run(seed: UInt64, replies: Int) throws {
        let real = try RealBeanstalkd()
        defer { withExtendedLifetime(real) {} }
        var pair = try ServerPair(port: real.port, seed: seed)
        while pair.replies < replies {
            if let difference = try pair.step() {
                Issue.record("seed \(seed), after \(pair.replies) replies: \(difference)")
                return
            }
        }
    }
}

/// The same clients at both servers.
struct ServerPair {
    private static let clientCount = 5
    /// Lines that depend on the time, the process, or how often this test had to ask.
    private static let masked = [
        "age", "time-left", "pause-time-left", "pid", "rusage-utime", "rusage-stime", "uptime", "id", "cmd-stats",
        "total-connections",
    ]

    private struct Client {
        var ours: FakeConnection
        var theirs: SocketClient
        var waits = false
    }

    private let port: UInt16
    private let queue = FakeQueue(host: .current())
    private var clients: [Client] = []
    private let observer: SocketClient
    private var commands: RandomCommands
    private(set) var replies = 0

    init(port: UInt16, seed: UInt64) throws {
        self.port = port
        commands = RandomCommands(seed: seed)
        observer = try SocketClient(port: port)
        _ = queue.connect()
        for _ in 0..<Self.clientCount { clients.append(try connect()) }
    }

    /// One command of one client; what differed, if anything did.
    mutating func step() throws -> String? {
        let index = commands.number(below: clients.count)
        if commands.number(below: 400) == 0 { return try replace(index) }
        guard !clients[index].waits else { return nil }
        // The first client never waits, so that there is always one to wake the others.
        let command = commands.next(canWait: index > 0)
        queue.send(Array(command.utf8), clients[index].ours)
        try clients[index].theirs.send(Array(command.utf8))
        clients[index].waits = command == "reserve\r\n"
        return try compare(after: "client \(index): \(command.debugDescription)")
    }

    /// Reads, for every client that the emulator has answered, the answers of the real server.
    private mutating func compare(after what: String) throws -> String? {
        for index in clients.indices {
            var rest = Substring(queue.hear(clients[index].ours))
            while !rest.isEmpty {
                let ours = Self.firstReply(&rest)
                let theirs: String
                do {
                    theirs = try clients[index].theirs.readReply()
                } catch {
                    return "\(what): client \(index) got \(ours.debugDescription), and of beanstalkd \(error)"
                }
                guard Self.masks(ours) == Self.masks(theirs) else {
                    return
                        "\(what): client \(index) got \(ours.debugDescription), of beanstalkd \(theirs.debugDescription)"
                }
                replies += 1
                clients[index].waits = false
                note(ours)
            }
        }
        return clients.contains { $0.waits } ? try waitUntilSame(after: what) : nil
    }

    /// A client goes, in whatever state it is, and another comes.
    private mutating func replace(_ index: Int) throws -> String? {
        queue.disappear(clients[index].ours)
        clients[index] = try connect()
        if let difference = try waitUntilSame(after: "client \(index) goes") { return difference }
        return try compare(after: "client \(index) goes")
    }

    private func connect() throws -> Client {
        Client(ours: queue.connect(), theirs: try SocketClient(port: port))
    }

    /// Asks the real server until it has as many connections and waiting clients as the emulator.
    private mutating func waitUntilSame(after what: String) throws -> String? {
        let statistics = queue.emulator.statistics
        let wanted = ["current-connections: \(statistics.connections)\n", "current-waiting: \(statistics.waiting)\n"]
        var text = ""
        for _ in 0..<2000 {
            try observer.send(Array("stats\r\n".utf8))
            text = try observer.readReply()
            if wanted.allSatisfy({ text.contains($0) }) { return nil }
        }
        return "\(what): wanted \(wanted), beanstalkd has \(text)"
    }

    private mutating func note(_ reply: String) {
        let words = reply.split(whereSeparator: { $0.isWhitespace })
        if words.first == "INSERTED", let id = words.last.flatMap({ UInt64($0) }) { commands.lastID = id }
    }

    private static func firstReply(_ text: inout Substring) -> String {
        let lineEnd = text.utf8.firstIndex(of: 0x0a).map { text.utf8.index(after: $0) } ?? text.endIndex
        let size = ReplyShape.bodySize(after: String(text[..<lineEnd])).map { $0 + 2 } ?? 0
        let end = text.utf8.index(lineEnd, offsetBy: size)
        defer { text = text[end...] }
        return String(text[..<end])
    }

    /// The lines of a document without what may differ; the length goes with them.
    private static func masks(_ reply: String) -> [String] {
        var lines = reply.utf8.split(separator: 0x0a).map { String(decoding: $0, as: UTF8.self) }
        guard lines.count > 1, lines[1] == "---" else { return lines }
        lines[0] = "OK"
        // In `stats-job` the id is the job's.
        let isWhole = lines.contains { $0.hasPrefix("pid: ") }
        return lines.filter { line in
            !masked.contains { line.hasPrefix("\($0): ") && ($0 != "id" || isWhole) }
        }
    }
}
#endif
