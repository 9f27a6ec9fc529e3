import Testing

@Suite(.comparedWithRedis)
struct StreamInfoDifferentialTests {
    private static let pending = StreamGroupDifferentialTests.pending

    @Test func `XINFO STREAM tells what a stream has, in short and in full`() throws {
        var steps =
            Self.pending + [
                "XGROUP CREATE s another 3", "XGROUP CREATECONSUMER s another c", "XINFO STREAM s",
                .timeless("XINFO STREAM s FULL"),
                "XINFO GROUPS s", .timeless("XINFO CONSUMERS s g"), .timeless("XINFO CONSUMERS s another"),
            ]
        for count in ["0", "1", "2", "3", "-1", "-5", "100", "x", "9223372036854775807", "\"\""] {
            steps.append(.timeless("XINFO STREAM s FULL COUNT \(count)"))
        }
        for number in 10...40 { steps.append(Step("XADD s \(number) f v")) }
        steps += [
            "XREADGROUP GROUP g a STREAMS s >", .timeless("XINFO STREAM s FULL"),
            .timeless("XINFO STREAM s full count 0"),
        ]
        try compare(steps)
    }

    @Test func `times are told in milliseconds`() throws {
        try compare(
            Self.pending + [
                .approximately("XINFO STREAM s FULL", by: 5000), .approximately("XINFO CONSUMERS s g", by: 5000),
                .approximately("XPENDING s g - + 10", by: 5000),
            ])
    }

    @Test func `XINFO refuses what it does not understand`() throws {
        try compare(
            Self.pending + [
                "XINFO", "XINFO BOGUS", "XINFO BOGUS s", "XINFO HELP", "XINFO HELP s", "XINFO STREAM",
                "XINFO STREAM none",
                "XINFO STREAM s BOGUS", "XINFO STREAM s FULL COUNT", "XINFO STREAM s FULL BOGUS 1",
                "XINFO STREAM s FULL COUNT 1 x",
                "XINFO STREAM none BOGUS", "XINFO GROUPS", "XINFO GROUPS none", "XINFO GROUPS s g", "XINFO CONSUMERS",
                "XINFO CONSUMERS s",
                "XINFO CONSUMERS none g", "XINFO CONSUMERS s none", "XINFO CONSUMERS s g x", "SET string v",
                "XINFO STREAM string",
                "XINFO STREAM string FULL", "XINFO GROUPS string", "XINFO CONSUMERS string g", "XADD t 1 f v",
                "XINFO GROUPS t",
                "XINFO STREAM t FULL", "XDEL t 1", "XINFO STREAM t", "XINFO STREAM t FULL",
            ])
    }

    @Test func `the nodes of the radix tree are as many as Redis's`() throws {
        var steps: [Step] = []
        let starts: [UInt64] = [1, 200, 256, 65_000, 65_536, 70_000, 1 << 32, 1 << 40, 1 << 56, .max - 5000]
        for (place, start) in starts.enumerated() {
            for number in 0..<120 {
                steps.append(Step("XADD s \(start + UInt64(number * (place + 1)))-\(number * number) f v"))
            }
            steps.append("XINFO STREAM s")
        }
        for number in 0..<300 { steps.append(Step("XADD s \(UInt64.max)-\(number * 7919) f v")) }
        steps.append("XINFO STREAM s")
        for bound in [
            "MAXLEN ~ 1100", "MAXLEN ~ 900", "MINID ~ 65536", "MAXLEN ~ 500", "MAXLEN ~ 150", "MAXLEN ~ 90", "MAXLEN 0",
        ] {
            steps += [Step("XTRIM s \(bound)"), "XINFO STREAM s"]
        }
        try compare(steps, versions: [2])
    }
}
