import TestKit
import Testing

@Suite(.comparedWithRedis)
struct HyperLogLogDifferentialTests {
    private static let empty = "HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"

    @Test func `elements are added and counted`() throws {
        try compare([
            "PFADD h", "GET h", "PFADD h", "PFCOUNT h", "GET h", "PFADD h a b c", "GET h", "PFADD h a", "PFCOUNT h",
            "GET h",
            "PFCOUNT h", "PFADD h a b c", "GET h", "PFADD h d \"\" \"\\x00\\xff\" 12345678 123456789012345678", "GET h",
            "PFCOUNT h", "DUMP h", "OBJECT ENCODING h", "STRLEN h", "PFCOUNT none", "EXISTS none", "PFADD i x",
            "PFCOUNT h i",
            "PFCOUNT h i none", "PFCOUNT none nope", "TYPE h", "EXPIREAT h 4102444800", "PFADD h more", "EXPIRETIME h",
            "PFCOUNT h", "EXPIRETIME h", "COPY h j", "PFCOUNT j", "SETRANGE j 15 \"\\x80\"", "PFCOUNT j", "GET j",
        ])
    }

    @Test func `unions are made`() throws {
        try compare([
            "PFADD a 1 2 3", "PFADD b 3 4 5", "PFMERGE c a b", "GET c", "PFCOUNT c", "GET c", "PFMERGE c", "GET c",
            "PFMERGE d none",
            "GET d", "PFCOUNT d", "GET d", "PFMERGE a b", "PFCOUNT a", "PFMERGE a a a", "GET a", "DUMP a",
            "OBJECT ENCODING a",
            "EXPIREAT a 4102444800", "PFMERGE a c", "EXPIRETIME a",
        ])
    }

    @Test func `what is wrong is refused`() throws {
        try compare([
            "PFADD", "PFCOUNT", "PFMERGE", "SET s v", "PFADD s a", "PFCOUNT s", "PFCOUNT s none", "PFMERGE s none",
            "PFMERGE d s",
            "EXISTS d", "RPUSH l a", "PFADD l a", "PFCOUNT l", "PFCOUNT none l", "PFMERGE l", "PFMERGE d l", "SET n 5",
            "PFADD n a", "PFCOUNT n", "SET e \"\"", "PFADD e a",
            Step("SET c \"\(Self.empty)\\x80\""), "PFCOUNT c", "PFADD c a", "PFCOUNT c c", "PFMERGE d c", "EXISTS d",
            Step("SET c \"\(Self.empty)\\x80\\x7f\""), "PFCOUNT c", "PFCOUNT c none", "PFMERGE d c",
            Step("SET c \"\(Self.empty)\\x80\\x00\\x7f\\xff\""), "PFCOUNT c", "PFCOUNT c none", "PFMERGE d c",
            Step("SET c \"\(Self.empty)\\x80\\x3f\""), "PFCOUNT c", "PFCOUNT c none", "PFMERGE d c", "PFADD c x",
            "PFADD c a b c d",
            "SET c \"HYLL\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"", "PFCOUNT c",
            "SET c \"HYLL\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"", "PFADD c a",
            "SET c \"HYLX\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"", "PFADD c a",
            Step("SET c \"\(Self.empty)\\x05\""), "PFCOUNT c", "PFADD c a", "PFCOUNT c a",
        ])
    }

    @Test(arguments: [400, 1300, 5000]) func `many elements make the same bytes`(_ count: Int) throws {
        var steps: [Step] = []
        for first in stride(from: 0, to: count, by: 50) {
            steps.append(Step("PFADD h \((first..<first + 50).map { "element:\($0)" }.joined(separator: " "))"))
            if first % 100 == 0 { steps += ["STRLEN h", "GET h"] }
            if first % 400 == 0 { steps += ["PFCOUNT h", "GET h", "DUMP h"] }
        }
        try compare(
            steps + [
                "PFADD s one two", "PFMERGE s h", "GET s", "PFCOUNT s", "GET s", "PFCOUNT h s", "PFMERGE h s", "GET h",
            ])
    }

    @Test func `the form changes where Redis changes it`() throws {
        // One by one through the largest size of the sparse form.
        let steps = (0..<700).flatMap { number -> [Step] in
            let words = number < 550 ? (0..<2).map { "e\(number).\($0)" }.joined(separator: " ") : "e\(number)"
            return [Step("PFADD h \(words)"), "STRLEN h"]
        }
        try compare(steps + ["GET h", "PFCOUNT h", "GET h"])
    }

    @Test func `random HyperLogLogs behave alike`() throws {
        try compareRandomly { random in
            let key = random.pick(["a", "b", "c", "d"])
            switch random.below(10) {
            case 0...3:
                let range = random.pick([20, 1000, 1_000_000])
                let words = (0..<random.below(40)).map { _ in "\(random.below(range))" }.joined(separator: " ")
                return Step("PFADD \(key) \(words)")
            case 4: return Step("PFCOUNT \(key)\(random.maybe(random.pick(["a", "b"])))")
            case 5: return Step("PFMERGE \(key) \(random.pick(["a", "b", "c"]))\(random.maybe("d"))")
            case 6 where random.oneIn(6): return Step("DEL \(key)")
            case 7 where random.oneIn(20):
                // Of the last count: what is wrong with the registers is told by Redis only in the middle of its work.
                return Step("SETRANGE \(key) \(8 + random.below(8)) \"\\x\(random.pick(["00", "80", "7f", "41"]))\"")
            case 8: return Step("STRLEN \(key)")
            default: return Step("GET \(key)")
            }
        }
    }
}
