import TestKit
import Testing

/// Commands that block, with clients that wait: every reply of every client is compared, step by step.
@Suite(.comparedWithRedis)
struct BlockingDifferentialTests {
    private static let commands = [
        "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP",
    ]

    @Test(arguments: commands)
    func `a command with a wrong number of arguments is refused`(_ command: String) throws {
        let words = [
            "", " l", " .01 l", " .01 1 l", " .01 1 l LEFT x", " .01 1 l MIN x", " l l LEFT RIGHT .01 .01",
            " .01 0 l LEFT",
        ]
        try compare(words.map { Step("\(command)\($0)") })
    }

    @Test func `what is there is taken at once`() throws {
        try compare([
            "RPUSH l a b c d e f g h i j", "ZADD z 1 a 2 b 3 c 4.5 d 5 e", "BLPOP l 0", "BRPOP l 0", "BLPOP none l 0.5",
            "BLPOP none l l 1", "BRPOP none none l 0", "BLMOVE l m LEFT RIGHT 0", "BRPOPLPUSH l m 0", "LRANGE l 0 -1",
            "LRANGE m 0 -1", "BLMOVE l l LEFT RIGHT 0", "BRPOPLPUSH l l 0", "BLMPOP 0 2 none m RIGHT",
            "BLMPOP 0 1 m LEFT COUNT 9", "EXISTS m", "BZPOPMIN z 0", "BZPOPMAX none z 0", "BZMPOP 0 1 z MIN",
            "BZMPOP 0 2 none z MAX COUNT 9", "EXISTS z l", "BLPOP l 0",
        ])
    }

    @Test func `a time is checked as Redis does`() throws {
        var steps: [Step] = ["RPUSH l a b c d e f g h", "ZADD z 1 a 2 b 3 c"]
        for time in [
            "x", "-1", "-0.1", "inf", "-inf", "nan", "1e16", "9223372036854775808", "\"\"", "\" 1\"", "1x", "-5e9",
        ] {
            for command in [
                "BLPOP l \(time)", "BRPOP l \(time)", "BLMOVE l m LEFT LEFT \(time)", "BRPOPLPUSH l m \(time)",
                "BLMPOP \(time) 1 l LEFT", "BZPOPMIN z \(time)", "BZPOPMAX z \(time)", "BZMPOP \(time) 1 z MIN",
            ] { steps.append(Step(command)) }
        }
        steps += [
            "BLPOP l 0x10", "BLPOP l 1e3", "BLPOP l -0.0001", "BLPOP l 9223372036854775", "LRANGE l 0 -1",
            "BLMPOP x 0 l LEFT", "BLMPOP x 1 l NOWHERE", "BLMPOP -1 1 l LEFT COUNT 0", "BLMPOP 0 1 l LEFT COUNT 1 2",
            "BLMPOP 0 1 l LEFT LIMIT 1", "BLMPOP 0 x l LEFT", "BLMPOP 0 5 l LEFT", "BLMPOP 0 1 l LEFT COUNT x",
            "BLMOVE l m UP DOWN x", "BLMOVE l m LEFT DOWN 0", "BZMPOP x 0 z MIN", "BZMPOP x 1 z NOWHERE",
            "BZMPOP 0 1 z MIN COUNT 0", "BZMPOP 0 5 z MIN", "BZMPOP 0 1 z LEFT", "BZMPOP 0 x z MIN",
        ]
        try compare(steps)
    }

    @Test func `a key of another type is refused when it is asked for, unless one is found before it`() throws {
        try compare([
            "SET s v", "RPUSH l a b c d e", "ZADD z 1 a 2 b 3 c", "BLPOP s 0", "BRPOP none s l 0", "BLPOP l s 0",
            "BLPOP z 0", "BLMOVE s l LEFT LEFT 0", "BLMOVE l s LEFT LEFT 0", "BRPOPLPUSH l z 0", "BRPOPLPUSH z l 0",
            "BLMPOP 0 2 none s LEFT", "BLMPOP 0 2 l s LEFT", "BZPOPMIN l 0", "BZPOPMAX none s z 0", "BZPOPMIN z s 0",
            "BZMPOP 0 2 s z MIN", "BZMPOP 0 2 z s MIN", "LRANGE l 0 -1", "ZRANGE z 0 -1",
        ])
    }

    @Test func `inside MULTI nobody waits`() throws {
        try compare([
            "MULTI", "BLPOP l 0", "BRPOP l 0", "BLMOVE l m LEFT LEFT 0", "BRPOPLPUSH l m 0", "BLMPOP 0 1 l LEFT",
            "BZPOPMIN z 0", "BZPOPMAX z 0", "BZMPOP 0 1 z MIN", "BLPOP l x", "EXEC", "MULTI", "RPUSH l a b c d",
            "ZADD z 1 a 2 b", "BLPOP l 0", "BLMOVE l m LEFT LEFT 0", "BRPOPLPUSH l m 0", "BLMPOP 0 1 l LEFT",
            "BZPOPMIN z 0", "BZMPOP 0 1 z MIN", "EXEC", "LRANGE m 0 -1",
        ])
    }

    @Test func `who waits is served in the order of waiting`() throws {
        try compareWaiting([
            "B: BLPOP l 0", "C: BRPOP l 0", "D: BLPOP l 0", "E: BLMPOP 0 1 l LEFT COUNT 2", "A: RPUSH l 1",
            "A: RPUSH l 2 3 4 5 6", "A: LRANGE l 0 -1", "B: BZPOPMIN z 0", "C: BZPOPMAX z 0",
            "D: BZMPOP 0 1 z MAX COUNT 2", "A: ZADD z 1 a", "A: ZADD z 1 a 2 b 3 c 4 d", "A: ZRANGE z 0 -1",
            "A: DEL z l",
            "B: BLPOP l 0", "C: BLPOP l 0", "A: LPUSH l 1 2 3", "A: LRANGE l 0 -1",
        ])
    }

    @Test func `several keys are looked at in the order in which they come`() throws {
        try compareWaiting([
            "B: BLPOP k1 k2 k3 0", "A: RPUSH k3 c", "B: BLPOP k1 k2 k3 0", "A: MULTI", "A: RPUSH k2 b", "A: RPUSH k1 a",
            "A: EXEC", "A: EXISTS k1 k2", "A: FLUSHALL", "B: BLPOP k1 k1 k1 0", "C: BLPOP k1 0", "A: RPUSH k1 a",
            "A: RPUSH k1 b", "B: BZPOPMIN k1 k2 0", "C: BLPOP k2 k1 0", "D: BZPOPMAX k2 0", "A: MULTI",
            "A: ZADD k2 1 a 2 b",
            "A: RPUSH k1 x", "A: EXEC", "A: EXISTS k1 k2", "B: BLPOP a b 0", "C: BLPOP b a 0", "A: MULTI",
            "A: SET b x", "A: RPUSH a 1", "A: DEL b", "A: RPUSH b 2", "A: EXEC",
        ])
    }

    @Test func `a key of another type wakes nobody`() throws {
        try compareWaiting([
            "B: BLPOP k 0", "C: BZPOPMIN k 0", "A: SET k v", "A: DEL k", "A: SADD k a", "A: DEL k", "A: HSET k f v",
            "A: DEL k", "A: ZADD k 1 a 2 b", "A: DEL k", "A: RPUSH k a", "A: EXISTS k", "B: BLPOP k 0",
            "C: BZPOPMIN k 0",
            "D: BLPOP k 0", "E: BZPOPMIN k 0", "A: RPUSH k a", "A: ZADD k 1 a", "A: ZADD k 1 b", "A: RPUSH k b",
            "B: BLPOP k 0", "A: SET k v", "A: RPUSH src 1 2", "A: ZADD zsrc 1 a", "A: ZUNIONSTORE k 1 zsrc",
            "A: TYPE k",
            "C: BZPOPMIN k 0", "A: DEL k", "A: RPUSH k 1",
        ])
    }

    @Test func `who wants another type waits on where it stands`() throws {
        try compareWaiting([
            "B: BZPOPMIN k 0", "C: BLPOP k 0", "D: BZPOPMIN k 0", "E: BLPOP k 0", "A: RPUSH k 1", "A: ZADD k 1 a",
            "A: ZADD k 2 b", "A: RPUSH k 2",
        ])
    }

    @Test func `a moved element serves who waits for it in its turn`() throws {
        try compareWaiting([
            "B: BLMOVE a b LEFT RIGHT 0", "C: BLPOP b 0", "A: RPUSH a 1", "A: EXISTS a b", "B: BRPOPLPUSH a b 0",
            "C: BRPOPLPUSH b c 0", "D: BLMOVE c d LEFT LEFT 0", "E: BLPOP d 0", "A: LPUSH a x y", "A: LRANGE a 0 -1",
            "A: EXISTS b c d", "A: FLUSHALL", "B: BLMOVE a a LEFT RIGHT 0", "C: BLPOP a 0", "A: RPUSH a 1",
            "B: BLMOVE a s LEFT LEFT 0", "C: BLPOP a 0", "A: SET s v", "A: RPUSH a 1", "A: RPUSH a 2", "A: EXISTS a",
            "B: BLMOVE a b LEFT LEFT 0", "C: BLMOVE b a LEFT LEFT 0", "A: RPUSH a 1", "A: LRANGE a 0 -1", "A: EXISTS b",
        ])
    }

    @Test(arguments: [
        "LPUSH k 1", "RPUSH k 1 2", "LMOVE src k LEFT LEFT", "RPOPLPUSH src k", "RENAME src k", "RENAMENX src k",
        "COPY src k", "COPY src k REPLACE", "LPUSHX k 1", "LINSERT k BEFORE 1 2", "SET k v", "LMPOP 1 src LEFT",
    ])
    func `a list that comes to be wakes who waits`(_ command: String) throws {
        try compareWaiting([
            "A: RPUSH src 1 2", "B: BLPOP k 0", "C: BLPOP k 0", "A: \(command)", "A: EXISTS k src", "A: DEL k",
            "A: RPUSH k x y",
        ])
    }

    @Test(arguments: [
        "ZADD k 1 a", "ZADD k NX 1 a 2 b", "ZADD k XX 1 a", "ZINCRBY k 1 a", "ZADD k INCR 1 a", "RENAME src k",
        "COPY src k",
        "ZUNIONSTORE k 1 src", "ZINTERSTORE k 1 src", "ZDIFFSTORE k 2 src none", "ZRANGESTORE k src 0 -1",
        "ZRANGESTORE k src 5 9", "ZUNIONSTORE k 1 none",
    ])
    func `a sorted set that comes to be wakes who waits`(_ command: String) throws {
        try compareWaiting([
            "A: ZADD src 1 a 2 b", "B: BZPOPMIN k 0", "C: BZPOPMAX k 0", "A: \(command)", "A: EXISTS k src", "A: DEL k",
            "A: ZADD k 1 x 2 y",
        ])
    }

    @Test func `keys that come from other databases wake who waits`() throws {
        try compareWaiting([
            "B: SELECT 1", "C: SELECT 2", "B: BLPOP k 0", "C: BLPOP k 0", "A: RPUSH k 1", "A: MOVE k 1", "A: RPUSH k 2",
            "A: COPY k k DB 2", "A: EXISTS k", "B: BLPOP k 0", "C: BLPOP other k 0", "A: SWAPDB 0 1", "A: EXISTS k",
            "A: RPUSH other x", "A: SWAPDB 0 2", "B: BLPOP k 0", "A: FLUSHALL", "A: SWAPDB 1 2", "D: SELECT 1",
            "D: RPUSH k a", "D: EXISTS k",
        ])
    }

    @Test func `a restored key wakes who waits`() throws {
        let list = "\"\\x12\\x01\\x02\\t\\t\\x00\\x00\\x00\\x01\\x00\\x01\\x01\\xff\\n\\x00"
        // The footer of a payload is not checked when it is zero.
        let payload = list + "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\""
        try compareWaiting([
            "B: BLPOP k 0", "A: RESTORE k 0 \(payload)", "A: EXISTS k", "B: BLPOP k 0", "A: SET k v",
            "A: RESTORE k 0 \(payload) REPLACE", "A: EXISTS k", "B: BLPOP k 0", "A: RESTORE k 1 \(payload) ABSTTL",
            "A: RPUSH k x",
        ])
    }

    @Test func `behind EXEC all of it counts at once`() throws {
        try compareWaiting([
            "B: BLPOP k 0", "A: MULTI", "A: RPUSH k 1", "A: DEL k", "A: EXEC", "A: MULTI", "A: RPUSH k 1", "A: DEL k",
            "A: SET k v", "A: EXEC", "A: DEL k", "A: MULTI", "A: RPUSH k 1 2", "A: LPUSH k 0", "A: LLEN k", "A: EXEC",
            "A: LRANGE k 0 -1", "C: WATCH w", "C: MULTI", "C: PING", "B: BLMOVE w2 w LEFT LEFT 0", "A: RPUSH w2 1",
            "C: EXEC",
        ])
    }

    @Test func `requests behind one that blocks wait for its reply`() throws {
        try compareWaiting([
            "B: BLPOP k 0", "B: PING", "B: RPUSH other 1", "B: BLPOP k 0", "B: ECHO end", "A: EXISTS other",
            "A: RPUSH k 1",
            "A: EXISTS other", "A: RPUSH k 2 3", "A: LRANGE k 0 -1", "B: BLMOVE q r LEFT LEFT 0", "B: BLPOP r 0",
            "C: BLPOP r 0", "A: RPUSH q 1", "A: RPUSH r 2",
        ])
    }

    @Test func `a time that is over answers nil`() throws {
        try compareWaiting([
            "B: BLPOP k 0.02", .answered("B"), "B: BRPOP k j 0.001", .answered("B"), "B: BLMOVE k j LEFT LEFT 0.02",
            .answered("B"), "B: BRPOPLPUSH k j 0.02", .answered("B"), "B: BLMPOP 0.02 1 k LEFT", .answered("B"),
            "B: BZPOPMIN k 0.02", .answered("B"), "B: BZPOPMAX k 0.02", .answered("B"), "B: BZMPOP 0.02 1 k MAX",
            .answered("B"), "B: BLPOP k 0.02", "B: PING", .answered("B"), "A: RPUSH k 1", "A: LRANGE k 0 -1",
            "B: BLPOP j 0.03", "C: BLPOP j 0", .answered("B"), "A: RPUSH j 1",
        ])
    }

    @Test func `a client that goes takes nothing`() throws {
        try compareWaiting([
            "B: BLPOP k 0", "C: BLPOP k 0", .gone("B"), "A: RPUSH k 1", "A: EXISTS k", "C: BLPOP k 0", "D: BLPOP k 0",
            "A: CLIENT KILL ID {C}", .gone("C"), "A: RPUSH k 2", "A: EXISTS k", "B: BZPOPMIN z y 0", .gone("B"),
            "A: ZADD z 1 a", "A: ZADD y 1 a", "A: EXISTS y z",
        ])
    }

    @Test func `CLIENT UNBLOCK ends a wait as its time or with an error`() throws {
        try compareWaiting([
            "B: BLPOP k 0", "A: CLIENT UNBLOCK {B}", "A: CLIENT UNBLOCK {B}", "B: BLMOVE k j LEFT LEFT 0",
            "A: CLIENT UNBLOCK {B} TIMEOUT", "B: BZPOPMIN k 0", "B: PING", "A: CLIENT UNBLOCK {B} ERROR",
            "A: CLIENT UNBLOCK {B} error", "A: CLIENT UNBLOCK {B} BOGUS", "A: CLIENT UNBLOCK x", "A: CLIENT UNBLOCK 0",
            "A: CLIENT UNBLOCK {A}", "A: CLIENT UNBLOCK", "A: CLIENT UNBLOCK {B} ERROR x", "B: BLMPOP 0 1 k LEFT",
            "C: BLPOP k 0", "A: CLIENT UNBLOCK {B}", "A: RPUSH k 1", "A: EXISTS k",
        ])
    }

    @Test func `a pause postpones what writes, or everything`() throws {
        try compareWaiting([
            "A: CLIENT PAUSE 10000 WRITE", "A: GET k", "B: SET k v", "B: GET k", "C: PUBLISH c m", "A: CLIENT UNPAUSE",
            "A: GET k", "B: MULTI", "B: GET k", "C: MULTI", "C: SET k w", "A: CLIENT PAUSE 10000 write", "B: EXEC",
            "C: EXEC",
            "D: LPUSH", "D: BOGUS", "E: BLPOP l 0", "F: BLPOP l 0.01", "A: EXISTS l", "A: CLIENT UNPAUSE",
            .answered("F"),
            "A: RPUSH l 1", "B: CLIENT PAUSE 20 WRITE", "A: SET k x", .answered("A"), "A: CLIENT PAUSE 0",
            "A: GET k", "E: BLPOP q 0", "A: CLIENT PAUSE 10000 WRITE", "B: RPUSH q 1", .gone("B"), "A: CLIENT UNPAUSE",
            "A: EXISTS q", "A: CLIENT UNPAUSE", "A: CLIENT PAUSE", "A: CLIENT PAUSE x", "A: CLIENT PAUSE -1",
            "A: CLIENT PAUSE 9223372036854775807", "A: EXISTS q", "A: CLIENT UNPAUSE", "A: CLIENT PAUSE 10 BOGUS",
            "A: CLIENT PAUSE x BOGUS", "A: CLIENT PAUSE 10 WRITE x", "A: CLIENT UNPAUSE x",
        ])
    }

    @Test func `replies that are silenced stay silent`() throws {
        try compareWaiting(
            [
                "B: RPUSH x 1", "A: PING", "C: BLPOP l 0", "A: RPUSH l 1 2", "A: LRANGE l 0 -1",
            ], versions: [2])
        for driver in LoopUnderTest.allCases {
            let (ours, theirs) = try Dialogue(version: 2, driver: driver).connection("A")
            let dialogue = try Dialogue(version: 2, driver: driver)
            let pushers = try dialogue.connection("B")
            for (client, pusher) in [(ours, pushers.ours), (theirs, pushers.theirs)] {
                try client.send(
                    raw: Array("CLIENT REPLY SKIP\r\nBLPOP k 0\r\nPING\r\nCLIENT REPLY OFF\r\nBLPOP k 0\r\n".utf8))
                try client.send(raw: Array("CLIENT REPLY ON\r\n".utf8))
                var left = 2
                while left > 0 {
                    guard case .integer = try pusher.call("RPUSH", "k", "1") else { break }
                    while try pusher.call("EXISTS", "k") == .integer(1) {}
                    left -= 1
                }
                #expect(try client.receive().description == "+\"PONG\"")
                #expect(try client.receive().description == "+\"OK\"")
            }
        }
    }

    @Test func `who waits is counted`() throws {
        try compareWaiting([
            "B: BLPOP k 0", "C: BLPOP k k2 0", "A: RPUSH k2 1", "A: DBSIZE", "A: CLIENT UNBLOCK {B}",
        ])
        for driver in LoopUnderTest.allCases {
            let dialogue = try WaitingDialogue(version: 2, driver: driver)
            try dialogue.run("B: BLPOP k 0")
            let path = try #require(try ServerPair.current?.emulatorPath(driver))
            let client = try RedisClient(path: path)
            try client.authenticate()
            #expect(try client.call("INFO", "clients").text?.contains("blocked_clients:1\r\n") == true)
            try dialogue.run("A: RPUSH k 1")
            #expect(try client.call("INFO", "clients").text?.contains("blocked_clients:0\r\n") == true)
        }
    }

    @Test func `a pause of writes lets pass what says that it does not write, whatever it is`() throws {
        let library = """
            #!lua name=paused
            redis.register_function{function_name='ro', callback=function() return 1 end, flags={'no-writes'}}
            redis.register_function('rw', function() return 2 end)
            """
        func script(_ flags: String, _ body: String = "return 1") -> String {
            Step.quoted("#!lua\(flags)\n\(body)")
        }
        let (reads, writes) = ("77f21361171213377cb083e2ffc2ae24ffdff8fb", "cb70127618f0b0be70c53cf6bfcfa54a29d9b0c0")
        let held = [
            "EVAL \"return 1\" 0", "EVAL \(script("")) 0", "EVAL \(script(" flags=no-writes")) 0",
            "EVAL \(script(" flags=allow-oom")) 0", "EVAL \(script(" flags=bogus")) 0",
            "EVAL \(script(" flags=no-writes", "x(")) 0", "EVAL_RO \"return 1\" 0", "EVAL_RO \(script("")) 0",
            "EVAL_RO \(script(" flags=no-writes")) 0", "EVALSHA \(reads) 0", "EVALSHA \(writes) 0",
            "EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0", "EVALSHA ffffffffffffffffffffffffffffffffffffffff 0",
            "EVALSHA_RO e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0", "FCALL ro 0", "FCALL rw 0", "FCALL none 0",
            "FCALL_RO ro 0", "FCALL_RO rw 0", "FCALL_RO none 0", "FCALL RO 0", "FUNCTION LOAD x",
            "FUNCTION DELETE none", "FUNCTION RESTORE x", "FUNCTION FLUSH x", "FUNCTION LIST LIBRARYNAME x",
            "FUNCTION BOGUS", "FUNCTION LOAD", "SCRIPT LOAD \"return 2\"", "SCRIPT FLUSH x", "SCRIPT EXISTS x",
            "XGROUP CREATE s h 0", "XGROUP DESTROY s h", "XGROUP BOGUS", "XINFO GROUPS s", "OBJECT ENCODING s",
            "PFCOUNT none", "SORT none", "SORT_RO none", "RESTORE k", "SPUBLISH a b",
        ]
        try compareWaiting(
            [
                "A: FUNCTION FLUSH", "A: XADD s 1 f v", .ask("A: FUNCTION LOAD \(Step.quoted(library))"),
                "A: SCRIPT LOAD \"return 1\"",
            ]
                + held.flatMap { command -> [WaitingStep] in
                    [
                        "C: MULTI", .ask("C: \(command)"), "A: CLIENT PAUSE 100000 WRITE", .ask("B: \(command)"),
                        "C: EXEC", "A: CLIENT UNPAUSE",
                    ]
                } + ["A: FUNCTION FLUSH"])
    }
}
