import TestKit
import Testing

/// One step of a case in which clients wait. A string is a command as in `Step`, on a connection that may wait for the
/// reply to an earlier one; `{B}` in it is the number of connection B, which each server has of its own.
enum WaitingStep: ExpressibleByStringInterpolation {
    case ask(String)
    /// Nothing is asked until a connection has all its replies: for times that end.
    case answered(Character)
    /// A connection is closed, and both servers have noticed.
    case gone(Character)

    init(stringLiteral line: String) {
        self = .ask(line)
    }

    var text: String {
        switch self {
        case .ask(let line): line
        case .answered(let name): "(\(name) is answered)"
        case .gone(let name): "(\(name) goes)"
        }
    }
}

/// Several clients of both servers, some of which wait. A step is over when every client has its replies or is blocked;
/// then all that has come is compared, client by client.
final class WaitingDialogue {
    private let sides: [Side]
    private var lines: [String] = []
    private(set) var isEqual = true
    private let isRandom: Bool

    init(version: Int, driver: LoopUnderTest, isRandom: Bool = false) throws {
        self.isRandom = isRandom
        guard let pair = ServerPair.current else { throw HarnessError("the suite lacks the trait .comparedWithRedis") }
        sides = try [pair.emulatorPath(driver), pair.real.socketPath].map { try Side(path: $0, version: version) }
        for side in sides { try side.observer.call("FLUSHALL") }
    }

    /// Returns whether the same has come from both. What a step and one that waits for its replies bring is compared as
    /// one: when a short time ends is each server's own.
    @discardableResult
    func run(_ steps: WaitingStep...) throws -> Bool { try run(steps) }

    func run(_ steps: [WaitingStep]) throws -> Bool {
        var results: [[String]] = []
        for side in sides {
            var come: [String] = []
            for step in steps { come += try side.run(step) }
            // Client by client, and of each in the order in which it came.
            let clients = Set(come.map { $0.prefix(1) }).sorted()
            results.append(clients.flatMap { client in come.filter { $0.hasPrefix(client) } })
        }
        lines.append(contentsOf: steps.map { "    > \($0.text)" })
        for case .ask(let line) in steps {
            let command = Step(line).parts.command
            ComparedCases.note(
                command, try CommandLine.arguments(command), .exactly, isEqual: results[0] == results[1],
                isRandom: isRandom)
        }
        if results[0] == results[1] {
            lines.append(contentsOf: results[0].map { "      \($0)" })
        } else {
            isEqual = false
            lines.append("≠     redis:    \(results[1].joined(separator: "; "))")
            lines.append("      emulator: \(results[0].joined(separator: "; "))")
        }
        return results[0] == results[1]
    }

    func transcript(last: Int = .max) -> String { lines.suffix(last).joined(separator: "\n") }
}

/// The clients of one server.
private final class Side {
    private final class Client {
        let connection: RedisClient
        let id: Int64
        var awaited = 0
        var isClosed = false

        init(_ connection: RedisClient) throws {
            self.connection = connection
            guard case .integer(let id) = try connection.call("CLIENT", "ID") else {
                throw HarnessError("CLIENT ID has no answer")
            }
            self.id = id
        }
    }

    let observer: RedisClient
    private let path: String
    private let version: Int
    private var clients: [Character: Client] = [:]

    init(path: String, version: Int) throws {
        self.path = path
        self.version = version
        observer = try RedisClient(path: path)
        try observer.authenticate()
    }

    private func client(_ name: Character) throws -> Client {
        if let known = clients[name] { return known }
        let connection = try RedisClient(path: path)
        try connection.authenticate()
        if version == 3 { try connection.call("HELLO", "3") }
        let made = try Client(connection)
        clients[name] = made
        return made
    }

    /// Runs a step; returns what has come, each with the name of its connection.
    func run(_ step: WaitingStep) throws -> [String] {
        switch step {
        case .ask(let line):
            let (name, command) = Step(line).parts
            var text = command
            for (other, client) in clients { text = text.replacing("{\(other)}", with: "\(client.id)") }
            let client = try client(name)
            try client.connection.send(try CommandLine.arguments(text))
            client.awaited += 1
            return try settle { _ in true }
        case .answered(let name):
            let client = try client(name)
            return try settle { _ in client.awaited == 0 }
        case .gone(let name):
            guard let id = clients.removeValue(forKey: name)?.id else { return [] }
            return try settle { $0[id] == nil }
        }
    }

    /// Takes what comes until everybody is answered or blocked, and `isOver` as well.
    private func settle(_ isOver: ([Int64: String]) -> Bool) throws -> [String] {
        var come: [Character: [String]] = [:]
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            let flags = try flags()
            // What was sent before the answer to that has arrived.
            var isSettled = true
            for (name, client) in clients {
                while !client.isClosed, client.connection.hasInput {
                    let reply = try client.connection.receive()
                    come[name, default: []].append("\(name): \(reply)")
                    client.awaited -= 1
                    isSettled = false
                    if reply == .closed {
                        client.isClosed = true
                        break
                    }
                }
                if client.awaited > 0, !client.isClosed, flags[client.id]?.contains("b") != true { isSettled = false }
            }
            if isSettled, isOver(flags) { break }
        }
        return come.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    /// The flags of CLIENT LIST by the number of the client.
    private func flags() throws -> [Int64: String] {
        var flags: [Int64: String] = [:]
        for line in (try observer.call("CLIENT", "LIST").text ?? "").split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: " ").map { $0.split(separator: "=", maxSplits: 1) }
            func field(_ name: String) -> Substring? { fields.first { $0.first == name[...] }?.last }
            if let id = field("id").flatMap({ Int64($0) }) { flags[id] = String(field("flags") ?? "") }
        }
        return flags
    }
}

/// Runs the same steps with clients that wait against both servers, in empty keyspaces, in each version of the protocol
/// and over each driver.
func compareWaiting(
    _ steps: [WaitingStep], versions: [Int] = [2, 3], sourceLocation: SourceLocation = #_sourceLocation
) throws {
    for version in versions {
        for driver in LoopUnderTest.allCases {
            let dialogue = try WaitingDialogue(version: version, driver: driver)
            var left = steps[...]
            while !left.isEmpty {
                // A step, with what is waited for behind it or behind its follower.
                let awaiting = left.prefix(3).firstIndex { if case .answered = $0 { true } else { false } }
                let end = awaiting.map { $0 + 1 } ?? left.startIndex + 1
                _ = try dialogue.run(Array(left[left.startIndex..<end]))
                left = left[end...]
            }
            guard !dialogue.isEqual else { continue }
            Issue.record("RESP\(version), \(driver)\n\(dialogue.transcript())", sourceLocation: sourceLocation)
        }
    }
}
