#if os(Linux)
import TestKit
import Testing

/// Scripts and functions that run for longer than busy-reply-threshold: what others are answered, and who ends them.
/// Over epoll alone: the loop of the other driver serves nobody meanwhile.
@Suite(.comparedWithRedis)
struct LongScriptDifferentialTests {
    /// What A sends at once, and what others ask while the last of it runs.
    private struct Scene {
        var before: [Step] = []
        var running: [String]
        var meanwhile: [Step]
        var after: [Step] = []
        var isRandom = false
    }

    private static let forever = "EVAL 'while true do end' 0"
    private static let library = Step(
        "FUNCTION LOAD "
            + Step.quoted(
                """
                #!lua name=l
                redis.register_function{function_name='spin', flags={'no-writes'}, callback=function()
                    while true do end
                end}
                redis.register_function('write', function(keys, args)
                    redis.call('set', keys[1], 'v')
                    for i = 1, args[1] do end
                    return 'written'
                end)
                """))

    private func compare(_ scene: Scene, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let pair = try #require(ServerPair.current)
        for version in [2, 3] {
            let ours = try play(scene, try pair.emulatorPath(.epoll), version)
            let theirs = try play(scene, pair.real.socketPath, version)
            #expect(ours.count == theirs.count, sourceLocation: sourceLocation)
            for (our, their) in zip(ours, theirs) {
                let isEqual = our.step.rule.accepts(our.reply, their.reply)
                let command = our.step.parts.command
                ComparedCases.note(
                    command, try CommandLine.arguments(command), our.step.rule, isEqual: isEqual,
                    isRandom: scene.isRandom)
                guard !isEqual else { continue }
                Issue.record(
                    "RESP\(version) \(our.step.line)\nredis:    \(their.reply)\nemulator: \(our.reply)",
                    sourceLocation: sourceLocation)
            }
        }
    }

    private func play(_ scene: Scene, _ path: String, _ version: Int) throws -> [(step: Step, reply: Reply)] {
        var clients: [Character: RedisClient] = [:]
        func client(_ name: Character) throws -> RedisClient {
            if let known = clients[name] { return known }
            let made = try RedisClient(path: path)
            try made.authenticate()
            if version == 3 { try made.call("HELLO", "3") }
            clients[name] = made
            return made
        }
        var come: [(step: Step, reply: Reply)] = []
        func ask(_ steps: [Step]) throws {
            for step in steps {
                let (name, command) = step.parts
                come.append((step, try client(name).call(try CommandLine.arguments(command))))
            }
        }
        let observer = try RedisClient(path: path)
        try observer.authenticate()
        for words in ["FLUSHALL", "FUNCTION FLUSH", "CONFIG SET busy-reply-threshold 30"] {
            _ = try observer.call(try CommandLine.arguments(words))
        }
        try ask(scene.before)
        let caller = try client("A")
        for command in scene.running { try caller.send(try CommandLine.arguments(command)) }
        let deadline = ContinuousClock.now + .seconds(10)
        while !(try observer.call("PING")).description.contains("BUSY") {
            guard ContinuousClock.now < deadline else { throw HarnessError("nothing has run for long") }
        }
        try ask(scene.meanwhile)
        for command in scene.running { come.append((Step(command), try caller.receive())) }
        try ask(scene.after)
        _ = try observer.call("CONFIG", "SET", "busy-reply-threshold", "5000")
        // Others count what is slow.
        _ = try observer.call("SLOWLOG", "RESET")
        return come
    }

    private static let refused = [
        "GET k", "SET k v", "PING", "ECHO a", "TIME", "SELECT 1", "DBSIZE", "CLIENT ID", "CLIENT KILL ID 99999",
        "CLIENT LIST", "COMMAND COUNT", "INFO", "EVAL 'return 1' 0", "EVALSHA x 0", "FCALL spin 0", "CONFIG GET x",
        "SUBSCRIBE c", "PUBLISH c m", "MONITOR", "ACL WHOAMI", "SCRIPT EXISTS a", "SCRIPT LOAD x", "SCRIPT FLUSH",
        "SCRIPT HELP", "FUNCTION LIST", "FUNCTION DUMP", "FUNCTION HELP", "FUNCTION FLUSH", "BLPOP l 1", "WAIT 0 0",
        "OBJECT HELP", "PSYNC ? -1", "SYNC", "FLUSHALL", "SAVE", "ROLE", "SLOWLOG LEN",
    ]
    private static let wrong = [
        "NOSUCH", "NOSUCH a b", "GET", "SET k", "SCRIPT", "SCRIPT NOPE", "SCRIPT KILL a", "FUNCTION", "FUNCTION NOPE",
        "FUNCTION KILL a", "FUNCTION STATS a", "CLIENT", "WATCH", "MULTI x", "RESET x",
    ]

    @Test func `all but a few commands are answered that a script runs`() throws {
        try compare(
            Scene(
                running: [Self.forever],
                meanwhile: (Self.refused + Self.wrong).map { Step("B: \($0)") } + ["C: SCRIPT KILL"],
                after: ["B: GET k", "B: PING", "A: PING", "B: SCRIPT KILL", "B: FUNCTION KILL", "B: FUNCTION STATS"]))
    }

    @Test func `all but a few commands are answered that a function runs`() throws {
        try compare(
            Scene(
                before: [Self.library], running: ["FCALL spin 0"],
                meanwhile: (Self.refused + Self.wrong).map { Step("B: \($0)") } + ["C: FUNCTION KILL"],
                after: ["B: GET k", "B: PING", "A: PING", "B: SCRIPT KILL", "B: FUNCTION KILL"]))
    }

    @Test func `what concerns a client alone works while a script runs`() throws {
        let asked: [Step] = [
            "B: AUTH app wrong", "B: AUTH app secret", "B: AUTH secret", "B: AUTH a b c", .shape("B: HELLO 3"),
            .shape("B: HELLO 2"), "B: HELLO 9", "B: HELLO x", "B: MULTI", "B: MULTI", "B: WATCH k", "B: DISCARD",
            "B: DISCARD", "B: WATCH k l", "B: UNWATCH", "B: REPLCONF listening-port 5", "B: REPLCONF foo", "B: RESET",
            "B: GET k", "B: AUTH app secret", "B: GET k", "D: QUIT", "E: QUIT x", "B: SCRIPT KILL",
        ]
        try compare(Scene(running: [Self.forever], meanwhile: asked, after: ["B: GET k", "B: MULTI", "B: EXEC"]))
    }

    @Test func `a command that is refused ends a transaction`() throws {
        let asked: [Step] = [
            "B: GET k", "B: EXEC", "B: MULTI", "B: UNWATCH", "B: EXEC", "B: EXEC", "B: DISCARD", "C: EXEC",
            "C: DISCARD",
            "D: SET k 1", "E: NOSUCH", "F: UNWATCH", "F: WATCH k", "F: MULTI", "G: DISCARD", "H: SCRIPT KILL",
            "I: SCRIPT KILL",
        ]
        try compare(
            Scene(
                before: "BCDEFGH".map { Step("\($0): MULTI") }, running: [Self.forever], meanwhile: asked,
                after: [
                    "B: EXEC", "C: EXEC", "D: SET k 2", "D: EXEC", "E: EXEC", "F: SET k 3", "F: EXEC", "G: EXEC",
                    "H: EXEC", "B: GET k",
                ]))
    }

    @Test(arguments: [
        ["EVAL 'while true do pcall(function() while true do end end) end' 0"],
        ["EVAL \"while true do pcall(redis.call, 'get', 'x') end\" 0"],
        ["EVAL 'while true do redis.pcall(\"incr\") end' 0"],
        ["EVAL_RO 'repeat local x = redis.call(\"get\", KEYS[1]) until x' 1 k"],
        ["EVAL \"local function f() return f() end\\nf()\" 0"],
        ["EVAL \"return (redis.sha1hex('a'):gsub('.', function() while true do end end))\" 0"],
        ["EVAL \"table.sort({1, 2, 3}, function() while true do end end)\" 0"],
        ["EVAL \"local t = setmetatable({}, {__index = function() while true do end end})\\nreturn t.x\" 0"],
        [
            "SET k v", "GET k", "EVAL 'while true do end' 0", "GET k", "ECHO behind", "INCR n",
            "EVAL 'return KEYS' 2 a b",
        ],
        ["MULTI", "SET a 1", "EVAL 'while true do end' 0", "SET b 2", "MGET a b", "EXEC", "GET b"],
    ])
    func `SCRIPT KILL ends a script, whatever it catches, and what is behind it runs`(running: [String]) throws {
        try compare(
            Scene(
                running: running, meanwhile: ["B: FUNCTION KILL", "B: FUNCTION STATS", "B: SCRIPT KILL"],
                after: ["A: PING", "B: EVAL 'return 1' 0", "B: MGET a b k n", "B: SCRIPT KILL"]))
    }

    @Test func `FUNCTION STATS names the function that runs, and FUNCTION KILL ends it`() throws {
        for call in ["FCALL spin 0", "FCALL_RO SPIN 2 k l a b", "fcall spin 0 'a b' \"c\\r\\nd\""] {
            try compare(
                Scene(
                    before: [Self.library], running: [call, "PING"],
                    meanwhile: [
                        .approximately("B: FUNCTION STATS", by: 20_000), "B: SCRIPT KILL", "B: GET k",
                        "B: FUNCTION KILL",
                    ], after: ["B: FUNCTION STATS", "B: FUNCTION KILL", "B: PING"]))
        }
        try compare(
            Scene(
                before: [Self.library], running: ["MULTI", "SET k v", "FCALL spin 0", "GET k", "EXEC"],
                meanwhile: [.approximately("B: FUNCTION STATS", by: 20_000), "B: FUNCTION KILL"], after: ["B: GET k"]))
    }

    @Test func `what has written cannot be killed`() throws {
        let asked: [Step] = ["B: SCRIPT KILL", "B: FUNCTION KILL", "B: GET k", "B: SCRIPT KILL"]
        for body in [
            "redis.call('set', KEYS[1], 'v')", "redis.call('del', KEYS[1])",
            "redis.call('set', KEYS[1], 'v') redis.pcall('lpush', KEYS[1], 'a')",
        ] {
            try compare(
                Scene(
                    running: [
                        "EVAL \"\(body) for i = 1, 60000000 do end return redis.call('get', KEYS[1])\" 1 k", "GET k",
                    ],
                    meanwhile: asked, after: ["B: GET k", "B: SCRIPT KILL"]))
        }
        try compare(
            Scene(
                before: [Self.library], running: ["FCALL write 1 k 60000000", "GET k"],
                meanwhile: asked + [.approximately("B: FUNCTION STATS", by: 20_000)],
                after: ["B: GET k", "B: FUNCTION KILL"]))
        // Neither of these is a write.
        try compare(
            Scene(
                running: ["EVAL \"redis.call('publish', 'c', 'm') redis.call('pfcount', 'h') while true do end\" 0"],
                meanwhile: ["B: SCRIPT KILL"]))
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `random requests of several clients while a script runs`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let commands = [
            "MULTI", "MULTI", "EXEC", "EXEC", "DISCARD", "WATCH k", "UNWATCH", "GET k", "SET k v", "PING", "NOSUCH",
            "GET",
            "AUTH app secret", "FUNCTION STATS", "FUNCTION KILL", "SCRIPT", "REPLCONF listening-port 1", "SUBSCRIBE c",
        ]
        let asked = (0..<300).map { _ in
            Step("\("BCDE".randomElement(using: &random) ?? "B"): \(commands.randomElement(using: &random) ?? "PING")")
        }
        try compare(
            Scene(
                running: ["SET k 1", Self.forever, "GET k"], meanwhile: asked + ["F: SCRIPT KILL"],
                after: "BCDE".flatMap { [Step("\($0): EXEC"), Step("\($0): GET k")] }, isRandom: true))
    }
}
#endif
