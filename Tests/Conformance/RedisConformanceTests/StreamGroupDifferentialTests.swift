import Testing

@Suite(.comparedWithRedis)
struct StreamGroupDifferentialTests {
    private static let three = ["XADD s 1-1 f a", "XADD s 2-2 f b g c", "XADD s 3-3 h d"].map { Step($0) }
    /// Two consumers with something to acknowledge, and times long ago.
    static let pending: [Step] =
        three + [
            "XADD s 4-4 f v", "XADD s 5-5 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g a COUNT 2 STREAMS s >",
            "XREADGROUP GROUP g b COUNT 2 STREAMS s >", "XCLAIM s g a 0 1-1 TIME 1000 RETRYCOUNT 7",
            "XCLAIM s g b 0 3-3 IDLE 500000 RETRYCOUNT 2",
        ]

    @Test func `XGROUP CREATE makes groups, and streams where it is told to`() throws {
        var steps: [Step] = [
            "XGROUP CREATE s g $", "XGROUP CREATE s g 0 MKSTREAM", "XINFO STREAM s", "XGROUP CREATE s g 0 MKSTREAM",
            "XGROUP CREATE s g 0", "XGROUP CREATE new g $ mkstream", "XINFO GROUPS new", "DEL s",
        ]
        steps += Self.three
        for (number, id) in StreamDifferentialTests.ids.enumerated() {
            steps.append(Step("XGROUP CREATE s g\(number) \(id)"))
        }
        steps += [
            "XINFO GROUPS s", "SET string v", "XGROUP CREATE string g 0", "XGROUP CREATE string g 0 MKSTREAM",
            "XGROUP CREATE string g x BOGUS", "XGROUP CREATE s", "XGROUP CREATE s g", "XGROUP CREATE s h 0 BOGUS",
            "XGROUP CREATE s h 0 ENTRIESREAD", "XGROUP CREATE s h 0 ENTRIESREAD x",
            "XGROUP CREATE s h 0 ENTRIESREAD -2",
            "XGROUP CREATE s h 0 ENTRIESREAD -1", "XGROUP CREATE s i 0 ENTRIESREAD 2 MKSTREAM",
            "XGROUP CREATE s j $ ENTRIESREAD 99",
            "XGROUP CREATE s k 0 MKSTREAM MKSTREAM", "XGROUP CREATE s l 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM",
            "XGROUP CREATE s m 0 ENTRIESREAD 1 ENTRIESREAD 2 MKSTREAM", "XGROUP CREATE none m x MKSTREAM",
            "EXISTS none",
            "XGROUP CREATE s \"\" 0", "XGROUP CREATE s \"\\x00\" 0", "XGROUP CREATE s g1 x", "XINFO GROUPS s",
        ]
        try compare(steps)
    }

    @Test func `XGROUP SETID moves a group`() throws {
        var steps = Self.three + ["XGROUP CREATE s g 0"]
        for id in StreamDifferentialTests.ids { steps += [Step("XGROUP SETID s g \(id)"), "XINFO GROUPS s"] }
        steps += [
            "XGROUP SETID none g 0", "XGROUP SETID s none 0", "XGROUP SETID s none x", "SET string v",
            "XGROUP SETID string g 0",
            "XGROUP SETID s g 0 BOGUS", "XGROUP SETID s g 0 MKSTREAM", "XGROUP SETID s g 0 ENTRIESREAD",
            "XGROUP SETID s g 0 ENTRIESREAD x",
            "XGROUP SETID s g 2-2 ENTRIESREAD 2", "XINFO GROUPS s", "XGROUP SETID s g 2-2 ENTRIESREAD -2",
            "XGROUP SETID s g 2-2 ENTRIESREAD -1", "XINFO GROUPS s", "XGROUP SETID s g 0 ENTRIESREAD 1 ENTRIESREAD 2",
            "XGROUP SETID s", "XGROUP SETID s g", "XGROUP SETID none g 0 ENTRIESREAD x", "XGROUP SETID none g 0 BOGUS",
        ]
        try compare(steps)
    }

    @Test func `XGROUP makes and removes consumers and groups`() throws {
        try compare(
            Self.pending + [
                "XGROUP CREATECONSUMER s g c", "XGROUP CREATECONSUMER s g c", "XGROUP CREATECONSUMER s g a",
                "XGROUP CREATECONSUMER none g c", "XGROUP CREATECONSUMER s none c", "XGROUP CREATECONSUMER s g",
                "XGROUP CREATECONSUMER s g c d", "XGROUP CREATECONSUMER s g \"\"", .timeless("XINFO CONSUMERS s g"),
                "XGROUP DELCONSUMER s g nobody", "XGROUP DELCONSUMER s g a", "XGROUP DELCONSUMER s g c",
                "XGROUP DELCONSUMER none g c",
                "XGROUP DELCONSUMER s none c", "XGROUP DELCONSUMER s g", "XGROUP DELCONSUMER s g c d",
                .timeless("XINFO STREAM s FULL"),
                "XPENDING s g", "XGROUP DESTROY s none", "XGROUP DESTROY none g", "XGROUP DESTROY s",
                "XGROUP DESTROY s g h",
                "SET string v", "XGROUP DESTROY string g", "XGROUP CREATECONSUMER string g c",
                "XGROUP DELCONSUMER string g c",
                "XGROUP DESTROY s g", "XGROUP DESTROY s g", "XINFO GROUPS s", "XGROUP HELP", "XGROUP HELP x", "XGROUP",
                "XGROUP BOGUS",
                "XGROUP BOGUS s g", "XGROUP create s g $", "XINFO GROUPS s", "XREADGROUP GROUP g a STREAMS s >",
            ])
    }

    @Test func `XACK acknowledges what is pending`() throws {
        try compare(
            Self.pending + [
                "XACK", "XACK s", "XACK s g", "XACK none g 1-1", "XACK none g x", "XACK s none 1-1", "XACK s none x",
                "XACK s g x",
                "XACK s g 1-1 x", "XPENDING s g", "XACK s g 1-1", "XACK s g 1-1", "XACK s g 2-2 3-3 2-2 9-9",
                "XPENDING s g",
                .timeless("XINFO STREAM s FULL"), "XACK s g - +", "XACK s g 4", "XACK s g 4-4", "XPENDING s g",
                "SET string v",
                "XACK string g 1-1", "XACK string g x", .timeless("XINFO CONSUMERS s g"),
            ])
    }

    @Test func `XPENDING tells what is pending, in short and in full`() throws {
        var steps =
            Self.pending + [
                "XPENDING s g", .timeless("XPENDING s g - + 10"), .timeless("XPENDING s g - + 10 a"),
                .timeless("XPENDING s g - + 10 b"),
                "XPENDING s g - + 10 nobody", .timeless("XPENDING s g - + 1"), .timeless("XPENDING s g (1-1 (4-4 10"),
                .timeless("XPENDING s g 2 3 10"), "XPENDING s g + - 10", "XPENDING s g - + 0", "XPENDING s g - + -1",
                .approximately("XPENDING s g 1-1 1-1 10", by: 5000),
                .approximately("XPENDING s g 3-3 3-3 10", by: 5000),
            ]
        for idle in ["0", "1", "400000", "600000", "99999999999", "-5", "x"] {
            let isNew = idle == "1"
            for rest in ["- + 10", "- + 10 a", "- + 10 b", "- + 1", "(1-1 + 10 b"] where !isNew {
                steps.append(.timeless("XPENDING s g IDLE \(idle) \(rest)"))
            }
        }
        try compare(steps)
    }

    @Test func `XPENDING refuses what it does not understand`() throws {
        try compare(
            Self.pending + [
                "XPENDING", "XPENDING s", "XPENDING none g", "XPENDING s none", "XPENDING none g - + 1",
                "XPENDING s none - + 1",
                "XPENDING s g -", "XPENDING s g - +", "XPENDING s g - + x", "XPENDING s g x + 1", "XPENDING s g - x 1",
                "XPENDING s g x x x", .timeless("XPENDING s g - + 1 a b"), .timeless("XPENDING s g - + 1 a b c"),
                "XPENDING s g - + 1 a b c d",
                "XPENDING s g IDLE", "XPENDING s g IDLE 1", "XPENDING s g IDLE 1 -", "XPENDING s g IDLE 1 - +",
                "XPENDING s g IDLE x - +",
                "XPENDING s g IDLE x - + 1", "XPENDING s g IDLE 1 - + x", "XPENDING s g IDLE 1 x + 1",
                "XPENDING s g (18446744073709551615-18446744073709551615 + 1", "XPENDING s g - (0-0 1", "SET string v",
                "XPENDING string g", "XPENDING string g - + 1", "XPENDING string g - + x", "XPENDING s g ( + 1",
            ])
    }

    @Test func `the lag of groups is known or not as in Redis`() throws {
        var steps: [Step] = ["XGROUP CREATE s start 0 MKSTREAM", "XGROUP CREATE s end $", "XINFO GROUPS s"]
        for number in 1...12 { steps += [Step("XADD s \(number) f v"), "XINFO GROUPS s"] }
        for (number, id) in ["0", "1", "4", "4-1", "12", "13", "$"].enumerated() {
            steps += [Step("XGROUP CREATE s g\(number) \(id)"), Step("XGROUP CREATE s h\(number) \(id) ENTRIESREAD 3")]
        }
        let groups = ["start", "end"] + (0..<7).flatMap { ["g\($0)", "h\($0)"] }
        for change in [
            "XTRIM s MAXLEN 10", "XDEL s 6", "XDEL s 3", "XADD s 14 f v", "XDEL s 14", "XADD s 15 f v",
            "XTRIM s MINID 8",
            "XSETID s 20 ENTRIESADDED 40", "XTRIM s MAXLEN 0", "XADD s 21 f v", "XADD s 22 f v", "XDEL s 22",
        ] {
            steps += [Step(change), "XINFO GROUPS s"]
            for group in groups { steps.append(Step("XREADGROUP GROUP \(group) c COUNT 1 STREAMS s >")) }
            steps.append("XINFO GROUPS s")
        }
        try compare(steps, versions: [2])
    }
}
