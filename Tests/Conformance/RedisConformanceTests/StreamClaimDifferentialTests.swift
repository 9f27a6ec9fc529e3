import Testing

@Suite(.comparedWithRedis)
struct StreamClaimDifferentialTests {
    private static let pending = StreamGroupDifferentialTests.pending

    @Test func `XAUTOCLAIM of more than there is memory for`() throws {
        try compare([
            "XADD s 1 a b", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >",
            "XAUTOCLAIM s g d 0 0 COUNT 576460752303423487", "XAUTOCLAIM s none d 0 0 COUNT 576460752303423487",
            "XAUTOCLAIM none g d 0 0 COUNT 576460752303423487", "XPENDING s g", "XAUTOCLAIM s g d 0 0 COUNT 1000",
        ])
    }

    @Test func `XCLAIM takes pending entries over`() throws {
        try compare(
            Self.pending + [
                "XCLAIM s g b 0 1-1", "XCLAIM s g b 0 1-1 2-2", .timeless("XINFO STREAM s FULL"), "XCLAIM s g c 0 5-5",
                .timeless("XINFO CONSUMERS s g"), "XCLAIM s g c 0 9-9", "XCLAIM s g c 99999999 1-1",
                "XCLAIM s g c 100000 3-3 1-1",
                "XCLAIM s g a -5 3-3", "XCLAIM s g d 0 3-3 JUSTID", .timeless("XPENDING s g - + 10"),
                "XCLAIM s g d 0 x",
                "XCLAIM s g d 0 1-1 1-1", .timeless("XPENDING s g - + 10"), "XDEL s 2-2", "XCLAIM s g d 0 2-2 1-1",
                "XPENDING s g",
                "XDEL s 1-1", "XCLAIM s g e 99999999 1-1 JUSTID", .timeless("XINFO STREAM s FULL"), "XCLAIM s g d 0 3",
            ])
    }

    @Test func `XCLAIM sets times, counts, and the last id`() throws {
        try compare(
            Self.pending + [
                "XCLAIM s g a 0 1-1 IDLE 100000", .approximately("XPENDING s g 1-1 1-1 1", by: 5000),
                "XCLAIM s g a 0 1-1 TIME 5000",
                .approximately("XPENDING s g 1-1 1-1 1", by: 5000), "XCLAIM s g a 0 1-1 TIME 99999999999999",
                .timeless("XPENDING s g 1-1 1-1 1"), "XCLAIM s g a 0 1-1 TIME -5", "XCLAIM s g a 0 1-1 TIME -1",
                "XCLAIM s g a 0 1-1 IDLE -1",
                "XCLAIM s g a 0 1-1 RETRYCOUNT 0", "XCLAIM s g a 0 1-1 RETRYCOUNT 9 JUSTID",
                .timeless("XPENDING s g 1-1 1-1 1"),
                "XCLAIM s g a 0 1-1 RETRYCOUNT -1", "XCLAIM s g a 0 1-1 RETRYCOUNT -7",
                .timeless("XPENDING s g 1-1 1-1 1"),
                "XCLAIM s g a 0 5-5 FORCE", .timeless("XPENDING s g - + 10"), "XACK s g 5-5",
                "XCLAIM s g a 0 5-5 FORCE JUSTID",
                .timeless("XPENDING s g - + 10"), "XCLAIM s g a 9999999 9-9 FORCE", "XACK s g 5-5",
                "XCLAIM s g a 9999999 5-5 FORCE RETRYCOUNT 4", .timeless("XINFO STREAM s FULL"),
                "XCLAIM s g a 0 1-1 LASTID 4-4",
                "XINFO GROUPS s", "XCLAIM s g a 0 1-1 LASTID 9-9", "XINFO GROUPS s", "XCLAIM s g a 0 9-9 LASTID 10",
                "XINFO GROUPS s",
                "XCLAIM s g a 0 1-1 FORCE JUSTID IDLE 5 RETRYCOUNT 3 LASTID 0-1", "XCLAIM s g a 0 force",
                "XCLAIM s g zz 0 FORCE",
                .timeless("XINFO CONSUMERS s g"),
            ])
    }

    @Test func `XCLAIM refuses what it does not understand`() throws {
        try compare(
            Self.pending + [
                "XCLAIM", "XCLAIM s g c 0", "XCLAIM none g c 0 1-1", "XCLAIM none g c x 1-1", "XCLAIM s none c 0 1-1",
                "XCLAIM s g c x 1-1", "XCLAIM s g c 0 1-1 BOGUS", "XCLAIM s g c 0 BOGUS", "XCLAIM s g c 0 1-1 IDLE",
                "XCLAIM s g c 0 1-1 IDLE x",
                "XCLAIM s g c 0 1-1 TIME x", "XCLAIM s g c 0 1-1 TIME", "XCLAIM s g c 0 1-1 RETRYCOUNT x",
                "XCLAIM s g c 0 1-1 RETRYCOUNT",
                "XCLAIM s g c 0 1-1 LASTID x", "XCLAIM s g c 0 1-1 LASTID", "XCLAIM s g c 0 1-1 FORCE 2-2",
                "XCLAIM s g c 0 1-1 - +",
                "SET string v", "XCLAIM string g c 0 1-1", "XCLAIM string g c x 1-1", .timeless("XINFO STREAM s FULL"),
                "XCLAIM s g c 0 1-1 \"a\\x00b\"", "XCLAIM s g c 0 1-1 \"\"",
            ])
    }

    @Test func `XAUTOCLAIM walks through what is pending`() throws {
        try compare(
            Self.pending + [
                "XAUTOCLAIM s g c 0 0 COUNT 1", "XAUTOCLAIM s g c 0 2-2 COUNT 1", "XAUTOCLAIM s g c 0 0",
                "XAUTOCLAIM s g c 0 0 JUSTID",
                .timeless("XINFO STREAM s FULL"), "XAUTOCLAIM s g d 9999999 0", "XAUTOCLAIM s g d 0 (4-4",
                "XAUTOCLAIM s g d 0 - COUNT 2",
                "XAUTOCLAIM s g d 0 + COUNT 2", "XDEL s 2-2 3-3", "XAUTOCLAIM s g e 0 - COUNT 2",
                "XAUTOCLAIM s g e 0 - COUNT 2",
                "XAUTOCLAIM s g e 0 -", "XPENDING s g", .timeless("XINFO STREAM s FULL"),
                "XAUTOCLAIM s g e -7 - COUNT 1 JUSTID",
                "XADD s 9 f v", "XREADGROUP GROUP g a STREAMS s >", "XCLAIM s g a 0 9 IDLE 700000",
                "XAUTOCLAIM s g f 600000 0 COUNT 1",
                "XAUTOCLAIM s g f 600000 0 COUNT 1", "XAUTOCLAIM s g f 0 99", .timeless("XPENDING s g - + 10"),
            ])
    }

    @Test func `XAUTOCLAIM gives up after ten entries for each that it may claim`() throws {
        var steps: [Step] = ["XGROUP CREATE s g 0 MKSTREAM"]
        for number in 1...60 { steps.append(Step("XADD s \(number) f v")) }
        steps += [
            "XREADGROUP GROUP g a STREAMS s >", "XCLAIM s g a 0 55 IDLE 900000", "XAUTOCLAIM s g b 800000 0 COUNT 1",
            "XAUTOCLAIM s g b 800000 11 COUNT 2", "XAUTOCLAIM s g b 800000 31 COUNT 3",
            "XAUTOCLAIM s g b 800000 0 COUNT 6",
            "XDEL s 1 2 3 4 5 6 7 8 9 10 11 12", "XAUTOCLAIM s g b 800000 0 COUNT 1",
            "XAUTOCLAIM s g b 800000 0 COUNT 5",
            "XAUTOCLAIM s g b 0 0 COUNT 8 JUSTID", "XPENDING s g",
        ]
        try compare(steps)
    }

    @Test func `XAUTOCLAIM refuses what it does not understand`() throws {
        try compare(
            Self.pending + [
                "XAUTOCLAIM", "XAUTOCLAIM s g c 0", "XAUTOCLAIM none g c 0 0", "XAUTOCLAIM none g c x 0",
                "XAUTOCLAIM s none c 0 0",
                "XAUTOCLAIM s g c x 0", "XAUTOCLAIM s g c 0 x", "XAUTOCLAIM s g c 0 0 COUNT",
                "XAUTOCLAIM s g c 0 0 COUNT x",
                "XAUTOCLAIM s g c 0 0 COUNT 0", "XAUTOCLAIM s g c 0 0 COUNT -1",
                "XAUTOCLAIM s g c 0 0 COUNT 9223372036854775807",
                "XAUTOCLAIM s g c 0 0 BOGUS", "XAUTOCLAIM s g c 0 0 JUSTID BOGUS",
                "XAUTOCLAIM s g c 0 0 COUNT 1 COUNT 2 JUSTID",
                "XAUTOCLAIM s g c 0 (18446744073709551615-18446744073709551615", "SET string v",
                "XAUTOCLAIM string g c 0 0",
                "XAUTOCLAIM string g c 0 x", "XAUTOCLAIM s g nobody 99999999 0", .timeless("XINFO STREAM s FULL"),
            ])
    }
}
