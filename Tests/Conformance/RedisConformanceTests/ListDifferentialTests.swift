import Testing

@Suite(.comparedWithRedis)
struct ListDifferentialTests {
    @Test func `pushing answers the new length and keeps the order of the arguments`() throws {
        try compare([
            "LPUSH l a", "LPUSH l b c d", "RPUSH l 1 2 3", "LRANGE l 0 -1", "LLEN l", "TYPE l", "OBJECT ENCODING l",
            "LPUSHX l x y", "RPUSHX l z", "LRANGE l 0 -1", "LPUSHX none x", "RPUSHX none x", "EXISTS none",
            "RPUSH e \"\"", "LPUSH e \"\" \"\"", "LRANGE e 0 -1", "LPUSH b \"\\x00\\xff\\r\\n\"", "LRANGE b 0 -1",
            "RPUSH n 9223372036854775807 -9223372036854775808 007 -0 +1 1.0", "LRANGE n 0 -1",
        ])
    }

    @Test(arguments: [
        "LPUSH", "RPUSH", "LPUSHX", "RPUSHX", "LPOP", "RPOP", "LLEN", "LRANGE", "LINDEX", "LSET", "LINSERT", "LREM",
        "LTRIM", "LPOS", "LMOVE", "RPOPLPUSH", "LMPOP",
    ])
    func `a command with a wrong number of arguments is refused`(_ command: String) throws {
        let words = ["", " l", " l 1", " l 1 2", " l 1 2 3", " l 1 2 3 4"]
        try compare(["RPUSH l 1 2 3 1 2 3"] + words.map { Step("\(command)\($0)") } + ["LRANGE l 0 -1"])
    }

    @Test func `a key of another type is refused whatever the other arguments are`() throws {
        try compare([
            "SET s v", "RPUSH l a", "LPUSH s a", "RPUSH s a", "LPUSHX s a", "RPUSHX s a", "LPOP s", "RPOP s",
            "LPOP s 0",
            "LPOP s 2", "LPOP s x", "LLEN s", "LRANGE s 0 1", "LRANGE s x 1", "LINDEX s 0", "LINDEX s x", "LSET s 0 a",
            "LSET s x a", "LINSERT s BEFORE a b", "LINSERT s NOWHERE a b", "LREM s 0 a", "LREM s x a", "LTRIM s 0 1",
            "LTRIM s x 1", "LPOS s a", "LPOS s a COUNT x", "LMOVE s l LEFT LEFT", "LMOVE l s LEFT LEFT",
            "LMOVE none s LEFT LEFT", "LMOVE s none LEFT NOWHERE", "RPOPLPUSH s l", "RPOPLPUSH l s", "LMPOP 1 s LEFT",
            "LMPOP 2 none s LEFT", "LMPOP 2 l s LEFT", "LMPOP 2 s l LEFT", "GET l", "EXISTS l", "GET s",
        ])
    }

    @Test func `popping takes from the ends and removes an empty list`() throws {
        try compare([
            "LPOP l", "RPOP l", "LPOP l 3", "RPOP l 0", "LPOP l -1", "LPOP l x", "LPOP l 1 2",
            "RPUSH l a b c d e f g", "LPOP l", "RPOP l", "LPOP l 0", "RPOP l 2", "LPOP l 1", "LRANGE l 0 -1",
            "LPOP l 9223372036854775807", "EXISTS l", "RPUSH l a", "LPOP l", "EXISTS l", "RPUSH l a b", "RPOP l 2",
            "EXISTS l", "RPUSH l a b", "LPOP l 9223372036854775808", "LPOP l -9223372036854775808", "LPOP l 1.0",
            "LPOP l \"\"", "LRANGE l 0 -1",
        ])
    }

    @Test func `ranges and indexes count from both ends`() throws {
        let bounds = [
            -9_223_372_036_854_775_807, -100, -7, -6, -5, -2, -1, 0, 1, 2, 4, 5, 6, 100,
            9_223_372_036_854_775_807,
        ]
        var steps: [Step] = ["RPUSH l a b c d e f"]
        for first in bounds {
            steps.append("LINDEX l \(first)")
            for last in bounds { steps.append("LRANGE l \(first) \(last)") }
        }
        steps += [
            "LRANGE l x 1", "LRANGE l 1 x", "LRANGE none x y", "LRANGE none 0 1", "LINDEX l x", "LINDEX none x",
            "LINDEX none 0", "LINDEX l 9223372036854775808", "LRANGE l -9223372036854775808 0",
        ]
        try compare(steps)
    }

    @Test func `LTRIM keeps a range and removes a list of which nothing is left`() throws {
        var steps: [Step] = ["LTRIM none 0 1", "LTRIM none x 1", "LTRIM none 1 x"]
        for (first, last) in [
            (0, -1), (1, -1), (0, -2), (2, 3), (-3, -2), (0, 0), (-1, -1), (5, 9), (6, 9), (3, 2),
            (-100, 100),
        ] {
            steps += ["DEL l", "RPUSH l a b c d e f", "LTRIM l \(first) \(last)", "LRANGE l 0 -1", "EXISTS l"]
        }
        try compare(steps)
    }

    @Test func `LSET replaces an element that exists`() throws {
        try compare([
            "LSET none 0 a", "LSET none x a", "RPUSH l a b c", "LSET l 0 A", "LSET l -1 C",
            "LSET l 1 longer-than-it-was",
            "LRANGE l 0 -1", "LSET l 3 x", "LSET l -4 x", "LSET l x y", "LSET l 1 \"\"", "LRANGE l 0 -1",
        ])
    }

    @Test func `LINSERT puts an element beside the first pivot`() throws {
        try compare([
            "LINSERT none BEFORE a b", "LINSERT none NOWHERE a b", "RPUSH l a b a c", "LINSERT l BEFORE a 1",
            "LINSERT l AFTER a 2", "LINSERT l after c 3", "LINSERT l before b 4", "LINSERT l BEFORE x 5",
            "LINSERT l NOWHERE a 6", "LRANGE l 0 -1", "LLEN l",
        ])
    }

    @Test func `LREM takes equal elements from either end`() throws {
        var steps: [Step] = ["LREM none 0 a", "LREM none x a"]
        for count in ["0", "1", "2", "-1", "-2", "10", "-10", "9223372036854775807", "-9223372036854775808"] {
            steps += ["DEL l", "RPUSH l a b a c a d a", "LREM l \(count) a", "LRANGE l 0 -1", "LREM l \(count) x"]
        }
        steps += [
            "LREM l x a", "DEL l", "RPUSH l a a a", "LREM l 0 a", "EXISTS l", "RPUSH l 1 2 1", "LREM l 0 01",
            "LREM l 0 1",
        ]
        try compare(steps)
    }

    @Test func `LPOS finds matches by rank, count and length`() throws {
        var steps: [Step] = ["RPUSH l a b c 1 2 3 c c a"]
        for rank in ["", " RANK 1", " RANK 2", " RANK 4", " RANK -1", " RANK -2", " RANK -9223372036854775808"] {
            for count in ["", " COUNT 0", " COUNT 1", " COUNT 2", " COUNT 100"] {
                for length in ["", " MAXLEN 0", " MAXLEN 1", " MAXLEN 3", " MAXLEN 100"] {
                    steps += ["LPOS l c\(rank)\(count)\(length)", "LPOS l x\(rank)\(count)\(length)"]
                }
            }
        }
        steps += [
            "LPOS none a", "LPOS none a COUNT 0", "LPOS l a RANK 0", "LPOS l a RANK x", "LPOS l a COUNT -1",
            "LPOS l a COUNT x", "LPOS l a MAXLEN -1", "LPOS l a MAXLEN x", "LPOS l a RANK", "LPOS l a COUNT",
            "LPOS l a FOO 1", "LPOS l a COUNT 1 RANK", "LPOS none a RANK 0", "LPOS l a RANK 1 RANK 2",
            "LPOS l a rank -1 count 1",
            "LPOS l a RANK -9223372036854775807 COUNT 0",
        ]
        try compare(steps)
    }

    @Test func `LMOVE and RPOPLPUSH move between lists and within one`() throws {
        var steps: [Step] = [
            "LMOVE none l LEFT RIGHT", "RPOPLPUSH none l", "EXISTS l", "RPUSH l a b c d", "LMOVE l l LEFT UP",
            "LMOVE l l UP LEFT", "LMOVE none l UP LEFT",
        ]
        for from in ["LEFT", "right"] {
            for to in ["left", "RIGHT"] {
                steps += [
                    "LMOVE l m \(from) \(to)", "LMOVE l l \(from) \(to)", "LRANGE l 0 -1", "LRANGE m 0 -1",
                    "RPUSH one x", "LMOVE one one \(from) \(to)", "LRANGE one 0 -1", "LMOVE one l \(from) \(to)",
                    "EXISTS one",
                ]
            }
        }
        steps += ["RPOPLPUSH l l", "RPOPLPUSH l m", "RPOPLPUSH m n", "LRANGE l 0 -1", "LRANGE m 0 -1", "LRANGE n 0 -1"]
        try compare(steps)
    }

    @Test func `LMPOP pops from the first list that has elements`() throws {
        try compare([
            "LMPOP 1 none LEFT", "LMPOP 2 a b RIGHT", "RPUSH a 1 2 3 4 5", "RPUSH b x y z", "LMPOP 2 none a LEFT",
            "LMPOP 2 a b RIGHT COUNT 2", "LMPOP 2 a b left count 100", "EXISTS a", "LMPOP 2 a b LEFT COUNT 1",
            "LRANGE b 0 -1", "LMPOP 0 a LEFT", "LMPOP -1 a LEFT", "LMPOP x a LEFT", "LMPOP 1 a", "LMPOP 2 a LEFT",
            "LMPOP 3 a b LEFT", "LMPOP 1 a UP", "LMPOP 1 a LEFT COUNT", "LMPOP 1 a LEFT COUNT 0",
            "LMPOP 1 a LEFT COUNT -1", "LMPOP 1 a LEFT COUNT x", "LMPOP 1 a LEFT COUNT 1 COUNT 2",
            "LMPOP 1 a LEFT FOO 1", "LMPOP 1 a LEFT COUNT 0 FOO", "LMPOP 1 a LEFT COUNT 1 FOO", "LMPOP 100 a LEFT",
        ])
    }

    @Test func `lists over many chunks answer as short ones do`() throws {
        var steps: [Step] = []
        for start in stride(from: 0, to: 20_000, by: 500) {
            let elements = (start..<start + 500).map { "element:\($0)" }.joined(separator: " ")
            steps.append(Step((start / 500).isMultiple(of: 2) ? "RPUSH l \(elements)" : "LPUSH l \(elements)"))
        }
        for index in [0, 1, 499, 500, 9_999, 10_000, 10_001, 19_999, 20_000, -1, -10_000, -20_000, -20_001] {
            steps += ["LINDEX l \(index)", "LRANGE l \(index) \(index + 30)", "LSET l \(index) changed:\(index)"]
        }
        steps += [
            "LINSERT l BEFORE element:7777 new", "LINSERT l AFTER element:12345 new", "LPOS l new COUNT 0",
            "LPOS l new RANK -1", "LREM l 1 new", "LREM l -1 element:18000", "LTRIM l 3000 15000", "LLEN l",
            "LRANGE l 0 50", "LRANGE l -50 -1", "LPOP l 1000", "RPOP l 1000", "LLEN l", "LRANGE l 0 -1", "COPY l m",
            "LRANGE m 0 -1", "LTRIM l 5000 -1", "LTRIM l 0 9", "LRANGE l 0 -1", "LTRIM m 4000 4010", "LRANGE m 0 -1",
        ]
        try compare(steps, versions: [2])
    }

    @Test func `elements larger than a chunk stay whole`() throws {
        let sizes = [1, 63, 64, 126, 127, 128, 129, 4_000, 4_060, 4_096, 5_000, 70_000]
        var steps: [Step] = []
        for (index, size) in sizes.enumerated() {
            let element = String(repeating: Character(UnicodeScalar(UInt8(97 + index))), count: size)
            steps += ["RPUSH l \(element)", "LPUSH l small\(index)", "LPUSH l \(element)", "RPUSH l \(size)"]
        }
        let long = String(repeating: "z", count: 9_000)
        steps += [
            "LRANGE l 0 -1", "LINSERT l BEFORE 4000 \(long)", "LINSERT l AFTER small3 \(long)", "LSET l 0 short",
            "LSET l -1 \(long)", "LSET l 5 \(long)", "LPOS l \(long) COUNT 0", "LRANGE l 0 -1", "LREM l 1 \(long)",
            "LMOVE l l LEFT RIGHT", "LMOVE l l RIGHT LEFT", "LMOVE l m RIGHT LEFT", "LRANGE l 0 -1", "LREM l 0 \(long)",
            "LPOP l 10", "RPOP l 10", "LRANGE l 0 -1", "LRANGE m 0 -1",
        ]
        try compare(steps, versions: [2])
    }

    @Test func `changes of a list are seen by who watches it`() throws {
        let changes = [
            "LPUSH l x", "LPUSHX none x", "LPOP l", "LPOP l 0", "LPOP none", "LSET l 0 x", "LSET l 9 x", "LREM l 0 b",
            "LREM l 0 nothing", "LTRIM l 0 -1", "LINSERT l BEFORE b x", "LINSERT l BEFORE nothing x",
            "LMOVE l other LEFT LEFT", "LMOVE other l LEFT LEFT", "LMPOP 1 l LEFT", "LRANGE l 0 -1",
        ]
        var steps: [Step] = []
        for change in changes {
            steps += [
                "DEL l other", "RPUSH l a b c", "RPUSH other d", "WATCH l", "B: \(change)", "MULTI", "LLEN l",
                "EXEC",
            ]
        }
        try compare(steps, versions: [2])
    }

    @Test func `expiry stays with a list that changes and goes with one that is emptied`() throws {
        try compare([
            "RPUSH l a b", "EXPIRE l 1000", "RPUSH l c", "LPOP l", .approximately("TTL l", by: 1), "LPOP l 5",
            "RPUSH l a", "TTL l", "EXPIRE l 1000", "LTRIM l 1 0", "RPUSH l a", "TTL l",
        ])
    }
}
