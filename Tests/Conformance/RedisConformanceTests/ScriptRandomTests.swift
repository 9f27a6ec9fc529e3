import TestKit
import Testing

/// Random values and random bytes through the libraries of scripts.
@Suite(.comparedWithRedis)
struct ScriptRandomTests {
    @Test func `random values convert alike`() throws {
        try compareRandomly { random in
            let value = Self.value(&random, depth: 0)
            let result = random.pick([
                "v", "cjson.encode(v)", "cmsgpack.pack(v)", "cjson.decode(cjson.encode(v))",
                "cmsgpack.unpack(cmsgpack.pack(v))", "{type(v), v}", "{pcall(cjson.encode, v)}",
            ])
            let version = random.pick(["", "redis.setresp(3) "])
            return .eval("\(version)local v = \(value) return \(result)", "0")
        }
    }

    @Test func `random bytes are unpacked or refused alike`() throws {
        try compareRandomly { random in
            let body =
                "local r = {pcall(cmsgpack.unpack, ARGV[1])} for i = 1, #r do r[i] = tostring(r[i]):gsub('0x%x+', '') end"
            return .eval(body + " return r", "0 \(Self.quoted(Self.packed(&random)))")
        }
    }

    @Test func `random texts are decoded or refused alike`() throws {
        try compareRandomly { random in
            var text = Array(Self.json(&random, depth: 0).utf8)
            Self.mutate(&text, &random, with: Array("{}[],:\"\\u0123eE+-.ntf \t\n".utf8))
            return .eval("return cjson.encode({pcall(cjson.decode, ARGV[1])})", "0 \(Self.quoted(text))")
        }
    }

    @Test func `random formats are packed and unpacked alike`() throws {
        try compareRandomly { random in
            let options =
                [
                    "b", "B", "h", "H", "i", "I", "l", "L", "T", "f", "d", "x", "s", "c0", "c3", "i3", "I7", "i16", "<",
                    ">",
                ]
                + ["!", "!4", "!8", " ", "c", "I2", "z", "i33", "!3"]
            let format = (0...random.below(6)).map { _ in random.pick(options) }.joined()
            if random.oneIn(2) {
                let values = (0..<7).map { _ in random.oneIn(4) ? "'abcd'" : Self.number(&random) }
                return .eval("return struct.pack('\(format)', \(values.joined(separator: ", ")))", "0")
            }
            let bytes = (0..<random.below(60)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            return .eval(
                "local r = {struct.unpack('\(format)', ARGV[1])} for i = 1, #r do r[i] = tostring(r[i]) end return r",
                "0 \(Self.quoted(bytes))")
        }
    }

    @Test func `random bits are computed alike`() throws {
        try compareRandomly { random in
            let name = random.pick(["band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror", "tohex"])
            let single = random.pick(["bnot", "bswap", "tobit", "tohex"])
            return .eval(
                "return {bit.\(name)(\(Self.number(&random)), \(Self.number(&random))), "
                    + "bit.\(single)(\(Self.number(&random)))}", "0")
        }
    }

    /// Patterns that are tried, refused and captured; in small texts, where nothing takes long in either server.
    @Test func `random patterns match alike`() throws {
        try compareRandomly { random in
            var pattern = random.oneIn(4) ? "^" : ""
            for _ in 0...random.below(5) {
                pattern += random.pick([
                    "a", "b", ".", "%a", "%d", "%S", "%w", "[ab]", "[^a-c%d]", "[]a]", "[a-", "%bab", "%b(", "%f[%a]",
                    "%f",
                    "(", ")", "()", "(a", "b)", "%1", "%2", "%0", "%", "%%", "$", "%z", "-", "^", "ab",
                ])
                pattern += random.pick(["", "", "", "*", "+", "-", "?"])
            }
            if random.oneIn(6) { pattern += "$" }
            let text = (0..<random.below(12)).map { _ in random.pick(["a", "b", "c", "1", " ", "(", ")", "%", "\0"]) }
            let arguments = "0 \(Self.quoted(Array(text.joined().utf8))) \(Self.quoted(Array(pattern.utf8)))"
            let place = random.pick(["1", "-3", "0", "5", "99", "-99"])
            let replacement = random.pick([
                "'<%0>'", "'%1'", "'%2%%'", "'%'", "string.upper", "{a='1', b=false}", "7", "true",
            ])
            return .eval(
                random.pick([
                    "return {string.find(ARGV[1], ARGV[2], \(place))}",
                    "return {string.match(ARGV[1], ARGV[2], \(place))}",
                    "return {string.gsub(ARGV[1], ARGV[2], \(replacement))}",
                    "return {string.gsub(ARGV[1], ARGV[2], \(replacement), \(random.below(4)))}",
                    "local r = {} for a, b in string.gmatch(ARGV[1], ARGV[2]) do r[#r + 1] = a r[#r + 1] = tostring(b) end return r",
                    "return {string.find(ARGV[1], ARGV[2], \(place), true)}",
                ]), arguments)
        }
    }

    // MARK: parts

    private static func number(_ random: inout SeededRandom) -> String {
        let wide = Int64(bitPattern: random.next()) >> Int64(random.below(64))
        return switch random.below(8) {
        case 0: "\(random.below(300) - 150)"
        case 1: "\(Double(random.below(1000)) / 8 - 60)"
        case 2: "\(wide)"
        case 3: random.pick(["0.1", "-0.1", "1e15", "1e14", "-1e100", "2147483648", "4294967296", "-2147483649"])
        case 4: random.pick(["127", "128", "255", "256", "65535", "65536", "-32", "-33", "-128", "-129", "-32769"])
        default: "\(wide % 100_000)"
        }
    }

    /// Long texts as keys of a table come in another order: their hash is the library's own.
    private static func text(_ random: inout SeededRandom, isKey: Bool = false) -> String {
        let words = ["a", "b", "key", "", "é", "x y", "\\n", "\\0", "/", "\\\"", "\\127", "\\200", "long"]
        let many = String(repeating: "q", count: isKey ? 1 : random.pick([1, 31, 32, 255, 256]))
        return "\"" + random.pick(words) + (random.oneIn(8) ? many : random.pick(words)) + "\""
    }

    private static func value(_ random: inout SeededRandom, depth: Int) -> String {
        switch random.below(depth > 4 ? 6 : 12) {
        case 0, 1: return number(&random)
        case 2, 3: return text(&random)
        case 4: return random.pick(["true", "false", "nil"])
        case 5: return random.pick(["cjson.null", "1/0", "{}", "'text'"])
        case 6, 7:
            let count = random.pick([0, 1, 2, 3, 17])
            return "{" + (0..<count).map { _ in value(&random, depth: depth + 2) }.joined(separator: ", ") + "}"
        case 8, 9:
            let fields = (0..<1 + random.below(3)).map { _ in
                // Whole numbers beyond 31 bits overflow in the server that is compared with.
                let key =
                    random.oneIn(3)
                    ? "\(random.below(1000) - 200).\(random.pick(["0", "0", "5"]))" : text(&random, isKey: true)
                return "[\(key)] = \(value(&random, depth: depth + 2))"
            }
            return "{" + fields.joined(separator: ", ") + "}"
        case 10:
            let kind = random.pick(["map", "set", "double", "ok", "err", "big_number"])
            return "{\(kind) = \(value(&random, depth: depth + 2))}"
        default: return "{[\(1 + random.below(14))] = \(value(&random, depth: depth + 2)), 'x'}"
        }
    }

    private static func json(_ random: inout SeededRandom, depth: Int) -> String {
        switch random.below(depth > 3 ? 4 : 6) {
        case 0: return random.pick(["1", "-1.5", "1e3", "0", "12345678901", "0x10", "nan", "-inf", "1.0e-2"])
        case 1: return random.pick(["true", "false", "null"])
        case 2, 3:
            return "\"" + random.pick(["a", "", "\\n", "\\u00e9", "\\ud83d\\ude00", "x\\/y", "\\\"", "\\u20ac", "é"])
                + "\""
        case 4:
            return "[" + (0..<random.below(4)).map { _ in json(&random, depth: depth + 1) }.joined(separator: ", ")
                + "]"
        default:
            return "{"
                + (0..<random.below(3)).map { "\"k\($0)\": " + json(&random, depth: depth + 1) }
                .joined(separator: ",") + "}"
        }
    }

    private static func packed(_ random: inout SeededRandom) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<1 + random.below(5) {
            let heads: [UInt8] = [
                0xc0, 0xc1, 0xc2, 0xc3, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd9, 0xda, 0xdb,
                0xdc, 0xdd, 0xde, 0xdf, 0x80, 0x81, 0x92, 0xa3, 0x05, 0xe1,
            ]
            bytes.append(random.pick(heads))
            for _ in 0..<random.below(9) {
                bytes.append(random.oneIn(2) ? UInt8(random.below(4)) : UInt8(truncatingIfNeeded: random.next()))
            }
        }
        return bytes
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom, with alphabet: [UInt8]) {
        for _ in 0..<random.below(3) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            switch random.below(3) {
            case 0: bytes.remove(at: place)
            case 1: bytes.insert(random.pick(alphabet), at: place)
            default: bytes[place] = random.pick(alphabet)
            }
        }
    }

    private static func quoted(_ bytes: [UInt8]) -> String {
        "\""
            + bytes.map { byte in
                let digits = String(byte, radix: 16)
                return "\\x" + (digits.count == 1 ? "0" : "") + digits
            }.joined() + "\""
    }
}
