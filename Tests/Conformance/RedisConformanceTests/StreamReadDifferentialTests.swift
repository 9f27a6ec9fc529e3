import Testing

@Suite(.comparedWithRedis)
struct StreamReadDifferentialTests {
    private static let two = [
        "XADD s 1-1 f a", "XADD s 2-2 f b g c", "XADD s 3-3 h d", "XADD t 5 x y", "XADD t 6 x z",
    ].map { Step($0) }

    @Test func `XREAD reads what is behind an id, from several streams`() throws {
        var steps = Self.two
        for id in StreamDifferentialTests.ids { steps.append(Step("XREAD STREAMS s \(id)")) }
        steps += [
            "XREAD STREAMS s t 0 0", "XREAD STREAMS s t 3-3 5", "XREAD STREAMS s t 3-3 6", "XREAD STREAMS t s 0 2-2",
            "XREAD STREAMS s none t 0 0 0", "XREAD STREAMS none 0", "XREAD STREAMS s s 0 2", "XREAD STREAMS s t $ 5",
            "XREAD STREAMS s t $ $", "XREAD COUNT 1 STREAMS s t 0 0", "XREAD COUNT 2 STREAMS s t 1-1 0",
            "XREAD count 0 streams s t 0 0", "XREAD COUNT -1 STREAMS s 0", "XREAD COUNT 1 COUNT 2 STREAMS s 0",
        ]
        try compare(steps)
    }

    @Test func `XREAD refuses what it does not understand`() throws {
        try compare(
            Self.two + [
                "XREAD", "XREAD STREAMS", "XREAD STREAMS s", "XREAD STREAMS s t 0", "XREAD STREAMS s t u 0 0",
                "XREAD COUNT 1 STREAMS",
                "XREAD COUNT x STREAMS s 0", "XREAD COUNT 1.5 STREAMS s 0", "XREAD BLOCK x STREAMS s 0",
                "XREAD BLOCK -1 STREAMS s 0",
                "XREAD BLOCK 9223372036854775807 STREAMS s 0", "XREAD BLOCK 1.5 STREAMS s 0",
                "XREAD BLOCK 100 STREAMS s 0",
                "XREAD BOGUS STREAMS s 0", "XREAD NOACK STREAMS s 0", "XREAD GROUP g c STREAMS s 0",
                "XREAD GROUP g c STREAMS s >",
                "XREAD STREAMS s >", "XREAD COUNT 1 s 0", "XREAD STREAMS s 0 COUNT 1", "XREAD GROUP g STREAMS",
                "SET string v",
                "XREAD STREAMS string 0", "XREAD STREAMS s string 0 0", "XREAD STREAMS string s x 0",
                "XREAD STREAMS s string x 0",
                "XREAD BLOCK 1 COUNT 1", "XREAD COUNT 1 BLOCK 1 NOACK STREAMS s 0",
            ])
    }

    @Test func `XREADGROUP delivers what is new, once`() throws {
        try compare(
            Self.two + [
                "XGROUP CREATE s g 0", "XGROUP CREATE t g 5", "XREADGROUP GROUP g a COUNT 1 STREAMS s >",
                "XREADGROUP GROUP g b COUNT 1 STREAMS s >", "XREADGROUP GROUP g a STREAMS s t > >",
                "XREADGROUP GROUP g a STREAMS s t > >", .timeless("XINFO STREAM s FULL"),
                .timeless("XINFO STREAM t FULL"),
                "XADD s 4 f v", "XADD s 5 f v", "XADD s 6 f v", "XREADGROUP GROUP g a STREAMS s s > >",
                "XINFO GROUPS s",
                "XADD s 7 f v", "XADD s 8 f v", "XREADGROUP GROUP g a COUNT 1 STREAMS s s > >",
                "XREADGROUP GROUP g a STREAMS s s > 0",
                "XADD t 7 f v", "XREADGROUP GROUP g new STREAMS s t > >", .timeless("XINFO CONSUMERS s g"),
                .timeless("XINFO CONSUMERS t g"), "XREADGROUP GROUP g late STREAMS s >",
                .timeless("XINFO CONSUMERS s g"),
                "XREADGROUP GROUP g a STREAMS s 18446744073709551615-18446744073709551615",
            ])
    }

    @Test func `XREADGROUP shows a consumer what it has not acknowledged`() throws {
        var steps = Self.two
        steps += [
            "XGROUP CREATE s g 0", "XREADGROUP GROUP g a COUNT 2 STREAMS s >", "XREADGROUP GROUP g b STREAMS s >",
        ]
        for id in StreamDifferentialTests.ids { steps.append(Step("XREADGROUP GROUP g a STREAMS s \(id)")) }
        steps += [
            "XREADGROUP GROUP g a COUNT 1 STREAMS s 0", "XREADGROUP GROUP g a COUNT 1 STREAMS s 1-1",
            "XREADGROUP GROUP g b STREAMS s 0",
            .timeless("XPENDING s g - + 10"), "XDEL s 1-1", "XREADGROUP GROUP g a STREAMS s 0",
            .timeless("XPENDING s g - + 10"),
            "XACK s g 1-1", "XREADGROUP GROUP g a STREAMS s 0", "XREADGROUP GROUP g fresh STREAMS s 0",
            "XREADGROUP GROUP g a NOACK STREAMS s 0", .timeless("XINFO STREAM s FULL"),
            "XREADGROUP GROUP g a COUNT 0 STREAMS s 0",
            "XREADGROUP GROUP g a COUNT -5 STREAMS s 0", "XREADGROUP GROUP g a BLOCK 10 STREAMS s 0",
        ]
        try compare(steps)
    }

    @Test func `XREADGROUP with NOACK leaves nothing pending`() throws {
        try compare(
            Self.two + [
                "XGROUP CREATE s g 0", "XREADGROUP GROUP g a NOACK COUNT 2 STREAMS s >",
                .timeless("XINFO STREAM s FULL"),
                "XREADGROUP GROUP g a NOACK STREAMS s >", "XREADGROUP NOACK GROUP g b STREAMS s >",
                .timeless("XINFO STREAM s FULL"),
                "XREADGROUP GROUP g a NOACK STREAMS s 0", "XPENDING s g",
            ])
    }

    @Test func `an entry that is delivered again belongs to who got it last`() throws {
        try compare(
            Self.two + [
                "XGROUP CREATE s g 0", "XREADGROUP GROUP g a STREAMS s >", "XREADGROUP GROUP g a STREAMS s 0",
                "XGROUP SETID s g 1-1",
                "XREADGROUP GROUP g b STREAMS s >", .timeless("XINFO STREAM s FULL"), .timeless("XPENDING s g - + 10"),
                "XPENDING s g",
                "XGROUP SETID s g 0", "XREADGROUP GROUP g b STREAMS s >", .timeless("XINFO STREAM s FULL"),
                "XGROUP SETID s g 0", "XREADGROUP GROUP g c NOACK STREAMS s >", .timeless("XINFO STREAM s FULL"),
            ])
    }

    @Test func `XREADGROUP refuses what it does not understand`() throws {
        try compare(
            Self.two + [
                "XGROUP CREATE s g 0", "XREADGROUP", "XREADGROUP GROUP g c STREAMS s",
                "XREADGROUP GROUP g c STREAMS s t >",
                "XREADGROUP STREAMS s > a b c", "XREADGROUP COUNT 1 STREAMS s t 0 0",
                "XREADGROUP GROUP g STREAMS s > x",
                "XREADGROUP GROUP g c STREAMS s $", "XREADGROUP GROUP g c STREAMS none >",
                "XREADGROUP GROUP none c STREAMS s >",
                "XREADGROUP GROUP none c STREAMS s x", "XREADGROUP GROUP g c STREAMS s t > >",
                "XREADGROUP GROUP g c STREAMS s none 0 0",
                "SET string v", "XREADGROUP GROUP g c STREAMS string >", "XREADGROUP GROUP g c STREAMS s string > >",
                "XINFO GROUPS s",
                "XREADGROUP GROUP g c COUNT x STREAMS s >", "XREADGROUP GROUP g c BOGUS STREAMS s >",
                "XREADGROUP GROUP g c BLOCK -1 STREAMS s >", "XREADGROUP GROUP g c BLOCK x STREAMS s >",
                "XREADGROUP GROUP g c GROUP h d STREAMS s >", "XREADGROUP GROUP \"\" \"\" STREAMS s >",
                "XGROUP CREATE s \"\" 0",
                "XREADGROUP GROUP \"\" \"\" STREAMS s >", .timeless("XINFO STREAM s FULL"),
                "COMMAND GETKEYS XREAD STREAMS a b 1 2",
                "COMMAND GETKEYS XREADGROUP GROUP g c COUNT 1 STREAMS a b > >", "COMMAND GETKEYS XGROUP CREATE k g 0",
                "COMMAND GETKEYS XADD k * f v", "COMMAND GETKEYS XINFO STREAM k",
            ])
    }

    @Test func `a script may not ask to wait, a transaction may and does not`() throws {
        let commands = [
            "XREAD BLOCK 0 STREAMS s $", "xread block 10 STREAMS s $", "XREAD BLOCK 0 STREAMS s 0",
            "XREAD BLOCK x STREAMS s $", "XREAD COUNT 1 BLOCK -1 STREAMS s $", "XREAD BLOCK 0 STREAMS s",
            "XREAD BLOCK 0", "XREAD BLOCK 1 BOGUS s $", "XREAD BOGUS BLOCK 1", "XREAD BLOCK 1 NOACK STREAMS s 0",
            "XREADGROUP GROUP g a BLOCK 0 STREAMS s >", "XReadGroup BLOCK 10 GROUP g a STREAMS s >",
            "XREADGROUP GROUP g a BLOCK x STREAMS s >", "XREADGROUP GROUP none a BLOCK 0 STREAMS s >",
            "XREADGROUP GROUP g a BLOCK 0 STREAMS s 0", "XREAD STREAMS s $", "XREADGROUP GROUP g a STREAMS s >",
            "BLMPOP 0 1 l LEFT", "BZMPOP 0 1 z MIN", "BLPOP l 0",
        ]
        let library = """
            #!lua name=waits
            redis.register_function('call', function(keys, args) return redis.call(unpack(args)) end)
            redis.register_function('pcall', function(keys, args) return redis.pcall(unpack(args)) end)
            """
        try compare(
            ["FUNCTION FLUSH", "XGROUP CREATE s g $ MKSTREAM", Step("FUNCTION LOAD \(Step.quoted(library))")]
                + commands.flatMap { command -> [Step] in
                    [
                        Step("EVAL \"return redis.call(unpack(ARGV))\" 0 \(command)"),
                        Step("EVAL \"return redis.pcall(unpack(ARGV))\" 0 \(command)"),
                        Step("FCALL call 0 \(command)"), Step("FCALL pcall 0 \(command)"), "MULTI", Step(command),
                        Step("EVAL \"return redis.call(unpack(ARGV))\" 0 \(command)"), "EXEC",
                    ]
                } + ["FUNCTION FLUSH"])
    }
}
