import TestKit
import Testing

@Suite(.comparedWithRedis)
struct SetDifferentialTests {
    @Test func `members are added, found and removed`() throws {
        try compare([
            "SADD s a b c", "SADD s c d", "SCARD s", .sorted("SMEMBERS s"), "SISMEMBER s a", "SISMEMBER s x",
            "SISMEMBER none x",
            "SMISMEMBER s a x d", "SMISMEMBER none a b", "SREM s a x", "SREM s a", "SREM none a", "SREM s b c d d",
            "EXISTS s",
            "SMEMBERS none", "SCARD none", "SADD i 3 1 2 1", "SMEMBERS i", "OBJECT ENCODING i", "SADD i x",
            "OBJECT ENCODING i",
            .sorted("SMEMBERS i"), "SREM i x", "OBJECT ENCODING i", "TYPE i", "SADD e \"\"", "SMEMBERS e",
            "SISMEMBER e \"\"",
            "SADD n 9223372036854775807 -9223372036854775808 0", "SMEMBERS n", "SADD n 9223372036854775808",
            "OBJECT ENCODING n",
            "SADD z 01", "OBJECT ENCODING z", "SADD y -0", "OBJECT ENCODING y", "SADD x 1 2 3", "SISMEMBER x 01",
            "SISMEMBER x +1", "SREM x 01 2", "SMEMBERS x",
        ])
    }

    @Test(arguments: [
        "SADD", "SREM", "SMEMBERS", "SISMEMBER", "SMISMEMBER", "SCARD", "SPOP", "SRANDMEMBER", "SMOVE", "SINTER",
        "SINTERCARD",
        "SINTERSTORE", "SUNION", "SUNIONSTORE", "SDIFF", "SDIFFSTORE", "SSCAN",
    ])
    func `a wrong number of arguments and another type are refused`(_ command: String) throws {
        let words = [
            "", " s", " s 0", " s 0 1", " s s 0 1 2", " v", " v 0", " v 0 1", " 1 v", " 2 s v", " s v", " s v 1",
            " none v", " v none 1", " v s 1",
        ]
        try compare(
            ["SADD s 1", "SET v x", "SADD s2 2"]
                + words.flatMap { ["DEL s", "SADD s 1", "SET v x", Step(command + $0)] } + [.sorted("SMEMBERS s")])
    }

    @Test func `SMOVE moves a member once`() throws {
        try compare([
            "SADD a 1 2 x", "SADD b y", "SMOVE a b x", "SMOVE a b x", "SMOVE a c 1", "SMEMBERS c",
            .sorted("SMEMBERS b"), "SMOVE a a 2",
            "SMOVE a a 9", "SMOVE a b 2", "EXISTS a", "SMOVE a b 2", "SADD a y", "SMOVE a b y", "EXISTS a", "SET s v",
            "SMOVE none s x", "SMOVE b s y",
            "SMOVE s b y", "SMOVE b", .sorted("SMEMBERS b"),
        ])
    }

    @Test func `sets are combined, other types refused, missing keys empty`() throws {
        try compare([
            "SADD a 1 2 3 4", "SADD b 3 4 5", "SADD c 4 x", "SET s v", .sorted("SINTER a b"), "SINTER a b c",
            "SINTER a", "SINTER a none",
            "SINTER none s", "SINTER s none", .sorted("SUNION a b"), .sorted("SUNION a c none"), "SUNION none nope",
            "SUNION a s",
            .sorted("SDIFF a b"), "SDIFF a b c", "SDIFF none a", .sorted("SDIFF a none"), "SDIFF a a", "SDIFF s a",
            "SDIFF none s", "SDIFF a s",
            "SINTERSTORE d a b", "SMEMBERS d", "OBJECT ENCODING d", "SUNIONSTORE d a c", .sorted("SMEMBERS d"),
            "SDIFFSTORE d a b", "SMEMBERS d",
            "SINTERSTORE d a none", "EXISTS d", "SINTERSTORE s a b", "TYPE s", "SET s v", "SINTERSTORE d a s",
            "SINTERSTORE s none a", "EXISTS s",
            "SINTERSTORE a a b", "SMEMBERS a", "SUNIONSTORE a a b", "SMEMBERS a", "SDIFFSTORE a a a", "EXISTS a",
            "SUNIONSTORE", "SUNIONSTORE a",
            "SADD t 1", "EXPIREAT t 4102444800", "SUNIONSTORE t b c", "EXPIRETIME t", "SDIFFSTORE t none b", "EXISTS t",
            "SUNION b b b", "SDIFF b",
        ])
    }

    @Test func `SINTERCARD counts up to its limit`() throws {
        try compare([
            "SADD a 1 2 3 4 5", "SADD b 2 3 4 9", "SINTERCARD 2 a b", "SINTERCARD 2 a b LIMIT 2",
            "SINTERCARD 2 a b LIMIT 0",
            "SINTERCARD 2 a b LIMIT 100", "SINTERCARD 1 a", "SINTERCARD 2 a none", "SINTERCARD 0 a", "SINTERCARD -1 a",
            "SINTERCARD x a",
            "SINTERCARD 3 a b", "SINTERCARD 2 a b LIMIT", "SINTERCARD 2 a b LIMIT -1", "SINTERCARD 2 a b LIMIT x",
            "SINTERCARD 2 a b BOGUS 1",
            "SINTERCARD 1 a b", "SINTERCARD 2 a b LIMIT 1 LIMIT 2", "SET s v", "SINTERCARD 2 a s",
            "SINTERCARD 2 none s", "SINTERCARD 1 s LIMIT x",
            "SINTERCARD 9223372036854775807 a", "SINTERCARD 9223372036854775808 a",
        ])
    }

    @Test func `SPOP and SRANDMEMBER refuse what Redis refuses`() throws {
        try compare([
            "SPOP none", "SPOP none 3", "SPOP none 0", "SPOP none -1", "SPOP none x", "SPOP none 1 2",
            "SRANDMEMBER none", "SRANDMEMBER none 3",
            "SRANDMEMBER none -3", "SRANDMEMBER none x", "SADD s a", "SRANDMEMBER s", "SRANDMEMBER s 0",
            "SRANDMEMBER s 1", "SRANDMEMBER s 9",
            "SRANDMEMBER s -3", "SRANDMEMBER s x", "SRANDMEMBER s 1 2", "SRANDMEMBER s -9223372036854775808",
            "SPOP s 0", "SPOP s -1",
            "SPOP s x", "SPOP s 1 2", "SPOP s", "EXISTS s", "SADD s 1 2 3", "SPOP s 10", "EXISTS s", "SADD s 1 2 3",
            "SPOP s 3", "EXISTS s",
            "SADD s 1 2 3 4 5", .shape("SRANDMEMBER s 3"), .shape("SRANDMEMBER s -7"), .shape("SPOP s"),
            .shape("SPOP s 2"), "SCARD s",
            "SRANDMEMBER s 9223372036854775807 x", "SPOP s 9223372036854775808",
        ])
    }

    @Test(arguments: ["", "x"]) func `SPOP takes members that were there, each once`(_ prefix: String) throws {
        let members = (0..<700).map { "\(prefix)\($0)" }
        let dialogue = try Dialogue(version: 2)
        let client = try dialogue.connection("A").ours
        _ = try client.call((["SADD", "s"] + members).map { Array($0.utf8) })
        var taken: Set<String> = []
        while case .array(let some) = try client.call("SPOP", "s", "37"), !some.isEmpty {
            let texts = some.compactMap(\.text)
            #expect(texts.count == some.count)
            #expect(taken.isDisjoint(with: texts))
            taken.formUnion(texts)
            #expect(try client.call("SCARD", "s") == .integer(Int64(members.count - taken.count)))
        }
        #expect(taken == Set(members))
        #expect(try client.call("EXISTS", "s") == .integer(0))
    }

    @Test(arguments: [10, 100, 1000, 5000]) func `SRANDMEMBER and HRANDFIELD draw different ones, as many as asked for`(
        _ count: Int
    ) throws {
        let client = try Dialogue(version: 2).connection("A").ours
        let names = (0..<3000).map { "m\($0)" }
        _ = try client.call((["SADD", "s"] + names).map { Array($0.utf8) })
        _ = try client.call((["HSET", "h"] + names.flatMap { [$0, "v"] }).map { Array($0.utf8) })
        for command in [["SRANDMEMBER", "s"], ["HRANDFIELD", "h"]] {
            let some = try client.call(command[0], command[1], "\(count)").elements ?? []
            #expect(some.count == min(count, names.count))
            #expect(Set(some).count == some.count)
            #expect(Set(some.compactMap(\.text)).isSubset(of: names))
            let repeated = try client.call(command[0], command[1], "-\(count)").elements ?? []
            #expect(repeated.count == count)
            #expect(Set(repeated.compactMap(\.text)).isSubset(of: names))
        }
    }

    @Test func `every member is drawn about as often`() throws {
        let client = try Dialogue(version: 2).connection("A").ours
        for prefix in ["", "x"] {
            try client.call("DEL", "s")
            _ = try client.call((["SADD", "s"] + (0..<40).map { "\(prefix)\($0)" }).map { Array($0.utf8) })
            var counts: [Reply: Int] = [:]
            for reply in try client.call("SRANDMEMBER", "s", "-40000").elements ?? [] { counts[reply, default: 0] += 1 }
            // A thousand each; 6.5 standard deviations are 205.
            #expect(counts.count == 40)
            #expect(counts.values.allSatisfy { (795...1205).contains($0) }, "\(counts.values.sorted())")
        }
    }

    @Test func `SSCAN answers small sets whole and refuses bad options`() throws {
        try compare([
            "SSCAN none 0", "SSCAN none 5 BOGUS", "SADD i 1 2 3 11", "SSCAN i 0", "SSCAN i 0 MATCH 1*",
            "SSCAN i 0 COUNT 1", "SSCAN i 0 COUNT 0",
            "SSCAN i 0 COUNT x", "SSCAN i 0 COUNT", "SSCAN i 0 BOGUS x", "SSCAN i x", "SSCAN none x",
            "SSCAN i 0 TYPE set", "SET s v", "SSCAN s 0", "SSCAN",
        ])
    }

    @Test func `a set changes its form where Redis does`() throws {
        let many = (0..<512).map(String.init).joined(separator: " ")
        try compare([
            Step("SADD s \(many)"), "OBJECT ENCODING s", "SMEMBERS s", "SADD s 512", "OBJECT ENCODING s", "SCARD s",
            .sorted("SMEMBERS s"),
            "SREM s 512", "OBJECT ENCODING s", Step("SADD t \(many)"), "SUNIONSTORE u s t", "OBJECT ENCODING u",
            "SINTERSTORE v s t", "OBJECT ENCODING v",
            "SDIFFSTORE w t u", "SADD n 1 2 3 4 5 6 7 8 m", "SADD m m 1", "SDIFFSTORE w n m m", "OBJECT ENCODING w",
            "SDIFFSTORE w n m m m m m m", "OBJECT ENCODING w", "SDIFFSTORE w n m", "OBJECT ENCODING w",
            "SDIFFSTORE w n m none none none", "OBJECT ENCODING w", "SADD x 9999", "SUNIONSTORE w x t",
            "OBJECT ENCODING w", "COPY t y",
            "OBJECT ENCODING y", "COPY s z", "OBJECT ENCODING z",
        ])
    }

    @Test func `changes of a set are seen by who watches it`() throws {
        for change in [
            "SADD s 5", "SREM s 1", "SMOVE s t 1", "SMOVE t s x", "SPOP s", "SINTERSTORE s t t",
            "SDIFFSTORE s none none",
        ] {
            try compare([
                "SADD s 1 2", "SADD t x", "WATCH s", Step("B: \(change)", .ignored), "MULTI", .ignored("SCARD s"),
                .shape("EXEC"),
            ])
        }
        for nothing in ["SADD s 1", "SREM s x", "SMOVE s t 9", "SMOVE none s 1", "SPOP s 0", "SMOVE s s 1"] {
            try compare([
                "SADD s 1 2", "SADD t x", "WATCH s", Step("B: \(nothing)", .ignored), "MULTI", "SCARD s", "EXEC",
            ])
        }
    }

    @Test(arguments: [12, 700]) func `random sets behave alike`(_ members: Int) throws {
        let keys = ["a", "b", "c", "d"]
        try compareRandomly { random in
            let key = random.pick(keys)
            let other = random.pick(keys)
            let texts = random.oneIn(40)
            let member = (texts ? "m" : "") + "\(random.below(members))"
            let several = (0..<1 + random.below(members / 6)).map { _ in "\(random.below(members))" }.joined(
                separator: " ")
            let operation = random.pick(["SINTER", "SUNION", "SDIFF"])
            switch random.below(20) {
            case 0...4: return Step("SADD \(key) \(member) \(several)")
            case 5, 6: return Step("SREM \(key) \(member) \(several)")
            case 7: return Step("SISMEMBER \(key) \(member)")
            case 8: return Step("SMISMEMBER \(key) \(member) \(several)")
            case 9: return .sorted("SMEMBERS \(key)")
            case 10: return Step("SCARD \(key)")
            case 11, 12: return Step("SMOVE \(key) \(other) \(member)")
            case 13: return .sorted("\(operation) \(key) \(other)\(random.maybe(random.pick(keys)))")
            case 14:
                return Step("\(operation)STORE \(random.pick(keys)) \(key) \(other)\(random.maybe(random.pick(keys)))")
            case 15: return Step("SINTERCARD 2 \(key) \(other)\(random.maybe("LIMIT \(random.below(9))"))")
            case 16: return Step("OBJECT ENCODING \(key)")
            case 17: return random.oneIn(5) ? .sorted("SPOP \(key) 10000") : .sorted("SRANDMEMBER \(key) 10000")
            case 18: return .shape("SRANDMEMBER \(key) -\(random.below(5))")
            default: return random.oneIn(5) ? Step("COPY \(key) \(other) REPLACE") : Step("EXISTS \(key)")
            }
        }
    }
}
