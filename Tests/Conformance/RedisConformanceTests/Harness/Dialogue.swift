import TestKit
import Testing

/// One case while it runs: the connections to both servers, and what was said.
final class Dialogue {
    private struct Line {
        var text: String
        var ours: Reply
        var theirs: Reply
        var isEqual: Bool
    }

    private let pair: ServerPair
    private let version: Int
    private let driver: LoopUnderTest
    private var connections: [Character: (ours: RedisClient, theirs: RedisClient)] = [:]
    private var lines: [Line] = []
    private var states: [Character: ConnectionState] = [:]
    private(set) var isEqual = true
    private let isRandom: Bool

    /// Begins with empty keyspaces, and without users and refusals of another case.
    init(version: Int, driver: LoopUnderTest = LoopUnderTest.allCases[0], isRandom: Bool = false) throws {
        guard let pair = ServerPair.current else { throw HarnessError("the suite lacks the trait .comparedWithRedis") }
        self.pair = pair
        self.version = version
        self.driver = driver
        self.isRandom = isRandom
        let (ours, theirs) = try connection("A")
        for client in [ours, theirs] {
            try client.call("FLUSHALL")
            try client.call("ACL", "DELUSER", "u", "v", "w", "U", "maker")
            try client.call("ACL", "LOG", "RESET")
        }
    }

    /// Both clients of a connection, connected when first named.
    func connection(_ name: Character) throws -> (ours: RedisClient, theirs: RedisClient) {
        if let known = connections[name] { return known }
        let made = (
            ours: try RedisClient(path: pair.emulatorPath(driver)), theirs: try RedisClient(path: pair.real.socketPath)
        )
        for client in [made.ours, made.theirs] {
            try client.authenticate()
            if version == 3 { try client.call("HELLO", "3") }
        }
        connections[name] = made
        return made
    }

    /// Sends one step to both; returns whether the replies were equal enough.
    @discardableResult
    func run(_ step: Step) throws -> Bool {
        let (name, command) = step.parts
        let arguments = try CommandLine.arguments(command)
        let (ours, theirs) = try connection(name)
        let ourReply = try Self.exchange(arguments, step, ours)
        let theirReply = try Self.exchange(arguments, step, theirs)
        let isEqual = note(step.line, ourReply, theirReply, step.rule)
        let state = states[name] ?? ConnectionState()
        ComparedCases.note(
            state.description + command, arguments, step.rule, isEqual: isEqual, isRandom: isRandom)
        if !isRandom { states[name] = state.after(arguments) }
        return isEqual
    }

    /// Sends the same bytes to both on connections of their own, ends the input, and compares all that comes back.
    @discardableResult
    func run(raw bytes: [UInt8], authenticated: Bool = true) throws -> Bool {
        let ours = try RedisClient(path: pair.emulatorPath(driver))
        let theirs = try RedisClient(path: pair.real.socketPath)
        if authenticated {
            try ours.authenticate()
            try theirs.authenticate()
        }
        try ours.send(raw: bytes)
        try theirs.send(raw: bytes)
        return note(
            "raw \(Reply.quoted(bytes))", .bulk(try ours.receiveToEnd()), .bulk(try theirs.receiveToEnd()), .exactly)
    }

    private func note(_ text: String, _ ours: Reply, _ theirs: Reply, _ rule: Step.Rule) -> Bool {
        let accepted = rule.accepts(ours, theirs)
        // Of a random sequence nobody asks for more than the end.
        if isRandom, lines.count >= 2000 { lines.removeFirst(1000) }
        lines.append(Line(text: text, ours: ours, theirs: theirs, isEqual: accepted))
        isEqual = isEqual && accepted
        return accepted
    }

    private static func exchange(_ arguments: [[UInt8]], _ step: Step, _ client: RedisClient) throws -> Reply {
        if step.collects { return try collect(arguments, client) }
        if let awaited = step.awaited {
            let deadline = ContinuousClock.now + .seconds(10)
            while ContinuousClock.now < deadline {
                let reply = try client.call(arguments)
                if reply.description == awaited { return reply }
            }
            return try client.call(arguments)
        }
        try client.send(arguments)
        let first = try client.receive()
        let expected = confirmations(arguments)
        guard expected > 1, first.elements != nil else { return first }
        return .array([first] + (try (1..<expected).map { _ in try client.receive() }))
    }

    /// How many replies a command has: the subscribing ones answer for each channel.
    private static func confirmations(_ arguments: [[UInt8]]) -> Int {
        let word = String(decoding: arguments.first ?? [], as: UTF8.self).lowercased()
        guard word.hasSuffix("subscribe") else { return 1 }
        return max(arguments.count - 1, 1)
    }

    private static func collect(_ arguments: [[UInt8]], _ client: RedisClient) throws -> Reply {
        let mark = Array("end of what was collected".utf8)
        if !arguments.isEmpty { try client.send(arguments) }
        try client.send([Array("PING".utf8), mark])
        var replies: [Reply] = []
        while true {
            let reply = try client.receive()
            if reply == .closed { return .array(replies + [reply]) }
            if reply == .bulk(mark) || reply == .array([.bulk(Array("pong".utf8)), .bulk(mark)]) {
                return .array(replies)
            }
            replies.append(reply)
        }
    }

    /// The transcript; where the replies differ, both.
    func transcript(last: Int = .max) -> String {
        lines.suffix(last).map { line in
            let (ours, theirs) = (line.ours.description, line.theirs.description)
            if line.isEqual { return "    > \(line.text)\n      \(ours)" }
            return "≠   > \(line.text)\n      redis:    \(theirs)\n      emulator: \(ours)"
        }.joined(separator: "\n")
    }
}

/// Runs the same steps against both servers, in empty keyspaces, in each version of the protocol and over each driver,
/// and records an issue with the whole transcript when replies differ.
func compare(
    _ steps: [Step], versions: [Int] = [2, 3], sourceLocation: SourceLocation = #_sourceLocation
) throws {
    for version in versions {
        for driver in LoopUnderTest.allCases {
            let dialogue = try Dialogue(version: version, driver: driver)
            for step in steps { try dialogue.run(step) }
            guard !dialogue.isEqual else { continue }
            Issue.record("RESP\(version), \(driver)\n\(dialogue.transcript())", sourceLocation: sourceLocation)
        }
    }
}

/// Sends the same bytes to both, each on a connection of its own, and compares what comes back until they close.
func compare(
    raw texts: [String], authenticated: Bool = true, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    for driver in LoopUnderTest.allCases {
        let dialogue = try Dialogue(version: 2, driver: driver)
        for text in texts { try dialogue.run(raw: Array(text.utf8), authenticated: authenticated) }
        if dialogue.isEqual { continue }
        Issue.record("raw, \(driver)\n\(dialogue.transcript())", sourceLocation: sourceLocation)
    }
}
