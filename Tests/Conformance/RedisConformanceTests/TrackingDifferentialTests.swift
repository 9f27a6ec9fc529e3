import TestKit
import Testing

/// CLIENT TRACKING: who is told of which key, when, and in which order.
@Suite(.comparedWithRedis)
struct TrackingDifferentialTests {
    /// Client A tracks; B changes. After each step, what A was told.
    private func compareTold(_ options: String, _ steps: [Step], versions: [Int] = [3]) throws {
        try compare(
            [Step("CLIENT TRACKING ON \(options)")] + Self.collecting(steps)
                + ["CLIENT TRACKINGINFO", "CLIENT TRACKING OFF"],
            versions: versions)
    }

    /// Between MULTI and EXEC nothing can be asked in between.
    private static func collecting(_ steps: [Step]) -> [Step] {
        var isInTransaction = false
        return steps.flatMap { step -> [Step] in
            if step.line == "MULTI" { isInTransaction = true }
            if ["EXEC", "DISCARD"].contains(step.line) { isInTransaction = false }
            return isInTransaction ? [step] : [step, .collected("A")]
        }
    }

    @Test(arguments: ["", " NOLOOP"])
    func `what somebody who waited takes is that one's change`(_ option: String) async throws {
        let waits = [
            "BLPOP k 0", "BLPOP k k 0", "BRPOP k 0", "BLMOVE k d LEFT RIGHT 0", "BLMOVE k k LEFT RIGHT 0",
            "BRPOPLPUSH k d 0",
            "BLMPOP 0 1 k LEFT", "BZPOPMIN z 0", "BZMPOP 0 1 z MAX COUNT 2",
        ]
        let script = "redis.call('RPUSH','k','x','y') redis.call('ZADD','z','1','a','2','b') "
        let adding: [[Step]] = [
            [.collected("A: RPUSH k x y"), .collected("A: ZADD z 1 a 2 b")],
            [
                "A: MULTI", "A: RPUSH k x y", "A: ZADD z 1 a 2 b", "A: LRANGE k 0 -1", "A: ZRANGE z 0 -1",
                .collected("A: EXEC"),
            ],
            [.collected("A: EVAL \"\(script)return redis.call('LRANGE','k',0,-1)\" 1 k")],
        ]
        for wait in waits {
            for steps in adding {
                let dialogue = try Dialogue(version: 3)
                for reader in [
                    "A: CLIENT TRACKING on\(option)", "C: CLIENT TRACKING on", "W: CLIENT TRACKING on\(option)",
                ] {
                    try dialogue.run(Step(stringLiteral: reader))
                    try dialogue.run(Step(stringLiteral: "\(reader.prefix(2)) LRANGE d 0 -1"))
                    try dialogue.run(Step(stringLiteral: "\(reader.prefix(2)) LRANGE k 0 -1"))
                }
                let (ours, theirs) = try dialogue.connection("W")
                let observers = try dialogue.connection("B")
                for (client, observer) in [(ours, observers.ours), (theirs, observers.theirs)] {
                    try client.send(try CommandLine.arguments(wait))
                    try await eventually("it waits") {
                        try observer.call("INFO", "clients").text?.contains("blocked_clients:1") == true
                    }
                }
                for step in steps { try dialogue.run(step) }
                for name in ["W", "C"] { try dialogue.run(.collected(name)) }
                for change in ["B: RPUSH k z", "B: RPUSH d z", "B: ZADD z 9 z"] {
                    try dialogue.run(Step(stringLiteral: change))
                }
                for name in ["A", "C", "W"] { try dialogue.run(.collected(name)) }
                #expect(dialogue.isEqual, "\(wait)\n\(dialogue.transcript())")
            }
        }
    }

    @Test func `options and their errors`() throws {
        try compare([
            "CLIENT TRACKING", "CLIENT TRACKING ON", "CLIENT TRACKING on", "CLIENT TRACKINGINFO", "CLIENT GETREDIR",
            "CLIENT TRACKING OFF", "CLIENT TRACKINGINFO", "CLIENT GETREDIR", "CLIENT TRACKING OFF",
            "CLIENT TRACKING maybe", "CLIENT TRACKING ON maybe", "CLIENT TRACKING ON REDIRECT",
            "CLIENT TRACKING ON REDIRECT x", "CLIENT TRACKING ON REDIRECT 123456789",
            "CLIENT TRACKING ON REDIRECT 123456789 nonsense", "CLIENT TRACKING OFF REDIRECT 123456789",
            "CLIENT TRACKING ON PREFIX a", "CLIENT TRACKING ON PREFIX", "CLIENT TRACKING ON BCAST OPTIN",
            "CLIENT TRACKING ON BCAST OPTOUT", "CLIENT TRACKING ON OPTIN OPTOUT", "CLIENT TRACKINGINFO",
            "CLIENT TRACKING ON OPTIN", "CLIENT TRACKINGINFO", "CLIENT TRACKING ON OPTOUT", "CLIENT TRACKING ON",
            "CLIENT TRACKINGINFO", "CLIENT TRACKING ON BCAST", "CLIENT TRACKING OFF",
            "CLIENT TRACKING ON OPTOUT NOLOOP", "CLIENT TRACKINGINFO", "CLIENT TRACKING ON OPTIN",
            "CLIENT TRACKING OFF", "CLIENT TRACKING ON BCAST", "CLIENT TRACKINGINFO", "CLIENT TRACKING ON",
            "CLIENT TRACKING ON BCAST PREFIX a", "CLIENT TRACKINGINFO", "CLIENT TRACKING OFF",
            "CLIENT TRACKING ON BCAST PREFIX ab PREFIX cd", "CLIENT TRACKING ON BCAST PREFIX a",
            "CLIENT TRACKING ON BCAST PREFIX abc", "CLIENT TRACKING ON BCAST PREFIX x PREFIX xy",
            "CLIENT TRACKING ON BCAST PREFIX x PREFIX x", "CLIENT TRACKING ON BCAST PREFIX ef",
            .sorted("CLIENT TRACKINGINFO"), "CLIENT TRACKING ON BCAST", "CLIENT TRACKING OFF", "CLIENT TRACKINGINFO",
            "CLIENT TRACKINGINFO more", "CLIENT GETREDIR more",
        ])
    }

    @Test func `CACHING is for the next command only`() throws {
        try compare([
            "CLIENT CACHING", "CLIENT CACHING YES", "CLIENT CACHING NO", "CLIENT CACHING maybe", "CLIENT TRACKING ON",
            "CLIENT CACHING YES", "CLIENT CACHING NO", "CLIENT CACHING maybe", "CLIENT TRACKING OFF",
            "CLIENT TRACKING ON OPTIN", "CLIENT CACHING NO", "CLIENT CACHING YES", "CLIENT TRACKINGINFO",
            "CLIENT TRACKINGINFO", "GET k", "CLIENT TRACKINGINFO", "CLIENT CACHING YES", "MULTI",
            "CLIENT CACHING YES", "GET k", "EXEC", "CLIENT TRACKINGINFO", "CLIENT CACHING YES x",
            "CLIENT TRACKING OFF", "CLIENT TRACKING ON OPTOUT", "CLIENT CACHING YES", "CLIENT CACHING NO",
            "CLIENT TRACKINGINFO", "PING", "CLIENT TRACKINGINFO", "CLIENT TRACKING OFF",
        ])
    }

    @Test func `a key that was read is told of once`() throws {
        try compareTold(
            "",
            [
                "SET k 1", "GET k", "B: SET k 2", "B: SET k 3", "GET k", "B: DEL k", "GET k", "B: SET k 1",
                "MGET a b c", "B: MSET a 1 c 2", "B: SET b 1", "EXISTS h", "B: HSET h f v", "HGETALL h",
                "B: HDEL h f", "LRANGE l 0 -1", "B: RPUSH l a b", "B: LPOP l", "LLEN l", "B: LPOP l", "SMEMBERS s",
                "B: SADD s a", "SINTER s t", "B: SADD t a", "ZRANGE z 0 -1", "B: ZADD z 1 a", "ZSCORE z a",
                "B: ZINCRBY z 1 a", "TTL k", "B: EXPIRE k 100", "B: PERSIST k", "STRLEN k", "B: PERSIST k",
                "B: EXPIRE k 100", "GET k", "B: PEXPIREAT k 1", "GET r", "B: RENAME a r", "GET q", "B: COPY b q",
                "GET b", "B: SELECT 1", "B: SET b other", "B: SELECT 0", "GET b", "B: MOVE b 2", "XLEN x",
                "B: XADD x 1-1 f v", "XRANGE x - +", "B: XTRIM x MAXLEN 0", "PFCOUNT p", "B: PFADD p a",
                "BITCOUNT n", "B: SETBIT n 1 1", "GETRANGE n 0 1", "B: INCRBYFLOAT f 1", "B: APPEND n x",
                "SORT_RO l", "B: LPUSH l 1", "GEODIST g a b", "B: GEOADD g 1 1 a", "SDIFF s t", "B: SREM t a",
                "TYPE k", "B: SET k x", "OBJECT ENCODING k", "B: SET k y", "DUMP k", "B: SET k z", "RANDOMKEY",
                "B: SET k 1", "KEYS *", "B: SET k 2", "SCAN 0 COUNT 1000", "B: SET k 3", "TOUCH k", "B: SET k 4",
            ].map {
                Step($0, $0.hasPrefix("KEYS") || $0.hasPrefix("SCAN") || $0.hasPrefix("RANDOM") ? .shape : .exactly)
            })
    }

    @Test func `what was read stays known when the client tracks anew, or stops for a while`() throws {
        try compareTold(
            "",
            [
                "GET k", "CLIENT TRACKING ON NOLOOP", "B: SET k 1", "B: SET k 2", "GET k", "CLIENT TRACKING OFF",
                "CLIENT TRACKING ON", "B: SET k 3", "GET k", "GET m", "CLIENT TRACKING OFF", "B: SET k 4",
                "CLIENT TRACKING ON", "B: SET k 5", "B: SET m 5", "MULTI", "CLIENT TRACKING ON OPTOUT", "MGET d c",
                "SADD d 2", "CLIENT TRACKING ON", "EXEC", "B: SADD c 1", "GET k",
            ])
    }

    @Test func `a write reads nothing, and one's own change is told, too`() throws {
        let steps: [Step] = [
            "SET k 1", "GETSET k 2", "B: SET k 3", "GETEX k", "B: SET k 4", "GETDEL k", "B: SET k 5", "GET k",
            "SET k 6",
            "GET k", "INCR k", "INCR k", "GET k", "DEL k", "GET a", "GET b", "MSET a 1 b 2", "GET a", "APPEND a x",
            "EVAL \"return redis.call('GET', 'a')\" 0", "B: SET a 1",
            "EVAL \"redis.call('GET', 'a') redis.call('SET', 'a', 'y') return 1\" 0",
            "EVAL_RO \"return redis.call('GET', KEYS[1])\" 1 a", "B: SET a 2", "EVAL_RO \"return 1\" 1 a", "B: SET a 3",
        ]
        try compareTold("", steps)
        try compareTold("NOLOOP", steps)
    }

    @Test func `in a transaction all is told behind EXEC`() throws {
        try compareTold(
            "",
            [
                "GET k", "MULTI", "GET a", "SET k 1", "GET k", "SET k 2", "EXEC", "B: SET a 1", "B: SET k 3", "MULTI",
                "GET a", "DISCARD", "B: SET a 2", "GET a", "B: MULTI", "B: SET a 3", "B: SET a 4", "B: EXEC",
            ])
    }

    @Test func `OPTIN and OPTOUT`() throws {
        try compareTold(
            "OPTIN",
            [
                "GET a", "B: SET a 1", "CLIENT CACHING YES", "GET a", "B: SET a 2", "GET a", "B: SET a 3",
                "CLIENT CACHING YES", "MULTI", "GET a", "GET b", "EXEC", "B: MSET a 1 b 1", "CLIENT CACHING YES",
                "PING", "GET a", "B: SET a 4", "CLIENT CACHING YES", "MGET a b", "B: DEL a b",
            ])
        try compareTold(
            "OPTOUT",
            [
                "GET a", "B: SET a 1", "CLIENT CACHING NO", "GET a", "B: SET a 2", "GET a", "B: SET a 3",
                "CLIENT CACHING NO", "MULTI", "GET a", "GET b", "EXEC", "B: MSET a 1 b 1", "CLIENT CACHING NO", "PING",
                "GET a", "B: SET a 4",
            ])
    }

    @Test func `BCAST tells of every key with the prefix`() throws {
        let steps: [Step] = [
            "B: SET user:1 a", "B: SET other a", "B: MSET user:2 b user:3 c item:1 d", "SET user:4 x", "B: DEL user:1",
            "B: EXPIRE user:2 100", "B: SET user: x", "B: SET use x", "MULTI", "SET user:7 a", "SET user:7 b",
            "SET item:9 a", "EXEC", "B: RENAME user:2 user:9",
            "B: EVAL \"for i = 1, 5 do redis.call('SET', 'user:' .. i, i) end\" 0",
            "GET user:1", "B: FLUSHDB", "B: SET user:1 b",
        ]
        try compareTold("BCAST PREFIX user: PREFIX item:", steps)
        try compareTold("BCAST PREFIX user: NOLOOP", steps)
        try compareTold("BCAST", Array(steps.dropLast(5)))
    }

    @Test func `BCAST without a prefix is for every key, beside the prefixes`() throws {
        try compare([
            "CLIENT TRACKING ON BCAST PREFIX foo", "B: SET other 1", "CLIENT TRACKING ON BCAST",
            .sorted("CLIENT TRACKINGINFO"),
            "B: SET other 2", .collected("A"), "B: SET foo1 3", .collected("A"), .collected("CLIENT TRACKING ON BCAST"),
            "B: SET other 3", .collected("A"), "CLIENT TRACKING OFF",
        ])
    }

    @Test func `a flush is told as everything`() throws {
        try compareTold("", ["GET a", "B: FLUSHALL", "B: FLUSHDB", "FLUSHALL", "GET a", "FLUSHDB", "B: SET a 1"])
        try compareTold("BCAST", ["B: FLUSHALL", "FLUSHALL ASYNC", "MULTI", "SET a 1", "FLUSHDB", "SET b 1", "EXEC"])
    }

    @Test func `a key whose time is over is told of`() throws {
        try compareTold(
            "", ["SET k v PX 30", "GET k", .until("B: EXISTS k", "(integer) 0"), "GET k", "B: SET k w"])
        try compareTold("BCAST NOLOOP", ["SET k v PX 30", .until("B: EXISTS k", "(integer) 0")])
    }

    @Test func `what a client of version 2 tracks goes nowhere`() throws {
        try compareTold(
            "", ["GET k", "B: SET k 1", "GET k", "SET k 2", "B: FLUSHALL", "SUBSCRIBE x"], versions: [2])
    }

    @Test func `who was served behind waiting has changed the key`() throws {
        try compareTold(
            "",
            [
                "LRANGE l 0 -1", "C: LLEN l", "B: RPUSH l a b", "B: BLPOP l 1", "LLEN l", "B: BLMOVE l m LEFT LEFT 1",
                "GET m",
            ])
    }

    @Test func `random commands of two clients`() throws {
        var random = SeededRandom(seed: 7)
        let keys = ["a", "b", "c", "user:1", "user:2"]
        for options in ["", "NOLOOP", "BCAST", "BCAST PREFIX user:", "OPTIN", "OPTOUT NOLOOP"] {
            let steps: [Step] = (0..<250).map { _ in
                let key = keys.randomElement(using: &random)!
                let other = keys.randomElement(using: &random)!
                let from = Bool.random(using: &random) ? "" : "B: "
                let commands = [
                    "GET \(key)", "MGET \(key) \(other)", "SET \(key) 1", "DEL \(key) \(other)", "INCR \(key)",
                    "EXISTS \(key)", "MSET \(key) 1 \(other) 2", "APPEND \(key) x", "STRLEN \(key)", "FLUSHALL",
                    "EXPIRE \(key) 100", "PERSIST \(key)", "RENAME \(key) \(other)", "GETDEL \(key)",
                    "EVAL \"redis.call('GET', KEYS[1]) return redis.call('SET', KEYS[2], 1)\" 2 \(key) \(other)",
                ]
                if from.isEmpty, options.contains("OPT"), Int.random(in: 0..<4, using: &random) == 0 {
                    return Step("CLIENT CACHING \(options.contains("IN") ? "YES" : "NO")")
                }
                return Step(from + commands.randomElement(using: &random)!)
            }
            try compareTold(options, steps)
        }
    }
}
