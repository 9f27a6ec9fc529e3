import TestKit
import Testing

/// Readers of streams that wait: every reply of every client is compared, step by step.
@Suite(.comparedWithRedis)
struct StreamBlockingDifferentialTests {
    @Test func `XREAD waits for what is behind its ids`() throws {
        try compareWaiting([
            "B: XREAD BLOCK 0 STREAMS s $", "C: XREAD BLOCK 0 STREAMS s 0", "D: XREAD BLOCK 0 COUNT 1 STREAMS t s 5 7",
            "A: XADD s 5 f v", "A: XADD s 6 f v", "A: XADD s 8 f v", "B: XREAD BLOCK 0 STREAMS s $", "A: DEL s",
            "A: XADD s 3 f v", "A: XADD s 9 f v", "B: XREAD BLOCK 0 STREAMS t $", "A: SET t v", "A: DEL t",
            "A: XADD t 1-1 f v", "B: XREAD BLOCK 0 STREAMS u u 0 $", "A: XADD u 1 f v", "B: XREAD BLOCK 0 STREAMS v $",
            "A: MULTI", "A: XADD v 1 f v", "A: XADD v 2 f v", "A: XDEL v 1", "A: EXEC", "B: XREAD BLOCK 0 STREAMS v $",
            "A: MULTI", "A: XADD v 3 f v", "A: XDEL v 3", "A: EXEC", "B: XREAD BLOCK 0 STREAMS w $", "A: COPY v w",
            "A: RENAME v y", "C: XREAD BLOCK 0 STREAMS z 0", "A: RENAME y z",
        ])
    }

    @Test func `XREADGROUP waits for what its group has not got, in turns`() throws {
        try compareWaiting([
            "A: XGROUP CREATE s g $ MKSTREAM", "A: XGROUP CREATE s h 0",
            "B: XREADGROUP GROUP g b BLOCK 0 COUNT 1 STREAMS s >",
            "C: XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "D: XREADGROUP GROUP h d BLOCK 0 NOACK STREAMS s >",
            "A: XADD s 1 f v", "A: XINFO GROUPS s", "A: XADD s 2 f v", "A: XPENDING s g", "A: XPENDING s h",
            "B: XREADGROUP GROUP g b BLOCK 0 COUNT 1 STREAMS s >", "C: XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
            "A: MULTI", "A: XADD s 3 f v", "A: XADD s 4 f v", "A: XADD s 5 f v", "A: EXEC", "A: XPENDING s g",
            "A: XINFO GROUPS s", "B: XREADGROUP GROUP g b BLOCK 0 STREAMS s 0", "A: XACK s g 1 3",
            "B: XREADGROUP GROUP g b BLOCK 0 STREAMS s 0", "B: XREADGROUP GROUP g b BLOCK 0 STREAMS s >",
            "A: XGROUP SETID s g 0", "A: XADD s 6 f v", "B: XREADGROUP GROUP g b BLOCK 0 STREAMS s >", "A: MULTI",
            "A: XADD s 7 f v", "A: XDEL s 7", "A: EXEC", "A: XINFO GROUPS s",
        ])
    }

    @Test func `who waits for a group is told when it is gone`() throws {
        var steps: [WaitingStep] = []
        for change in [
            "DEL s", "XGROUP DESTROY s g", "SET s v", "FLUSHALL", "RENAME s other", "PEXPIREAT s 1", "UNLINK s",
            "XGROUP DESTROY s h",
        ] {
            steps += [
                "A: DEL s other", "A: XGROUP CREATE s g $ MKSTREAM", "A: XGROUP CREATE s h $",
                "B: XREADGROUP GROUP g b BLOCK 0 STREAMS s >", "C: XREADGROUP GROUP h c BLOCK 0 STREAMS s >",
                "D: XREAD BLOCK 0 STREAMS s $", "A: \(change)", "A: DEL s", "A: XADD s 1 f v",
            ]
        }
        try compareWaiting(steps)
    }

    @Test func `waiting ends by its time, by CLIENT UNBLOCK, and inside MULTI at once`() throws {
        try compareWaiting([
            "A: XGROUP CREATE s g $ MKSTREAM", "B: XREAD BLOCK 30 STREAMS s $", .answered("B"),
            "B: XREADGROUP GROUP g b BLOCK 30 STREAMS s >", .answered("B"), "B: XREAD BLOCK 0 STREAMS s $",
            "A: CLIENT UNBLOCK {B}", "B: XREADGROUP GROUP g b BLOCK 0 STREAMS s >", "A: CLIENT UNBLOCK {B} ERROR",
            "A: XINFO GROUPS s", "A: MULTI", "A: XREAD BLOCK 0 STREAMS s $",
            "A: XREADGROUP GROUP g b BLOCK 0 STREAMS s >",
            "A: EXEC", "B: XREAD BLOCK 0 STREAMS s $", .gone("B"), "A: XADD s 1 f v",
        ])
    }

    @Test func `who waits for a group is told when its stream's time is over, though nobody looks at it`() throws {
        try compareWaiting([
            "A: XGROUP CREATE s g $ MKSTREAM", "A: XGROUP CREATE s h $",
            "B: XREADGROUP GROUP g b BLOCK 5000 STREAMS s >", "C: XREADGROUP GROUP h c BLOCK 0 STREAMS s >",
            "D: XREAD BLOCK 0 STREAMS s $", "A: PEXPIRE s 50", .answered("B"), .answered("C"), "A: XADD s 1 f v",
        ])
    }
}
