import TestKit
import Testing

/// DUMP and RESTORE: the bytes of a dump are Redis's own, and each server restores what the other has dumped.
@Suite(.comparedWithRedis)
struct DumpDifferentialTests {
    /// "12" as a string, with the footer of Redis 7.0.
    private static let twelve = #""\x00\xc0\x0c\n\x00""#

    @Test func `a dump has the bytes of Redis's`() throws {
        let text = String(repeating: "abcdefghij", count: 30)
        let words = (0..<200).map { "w\($0)" }.joined(separator: " ")
        try compare([
            "DUMP none", "SET s abc", "DUMP s", "SET e \"\"", "DUMP e", Step("SET long \(text)"), "DUMP long",
            "SET b \"\\x00\\xff\\r\\n\"", "DUMP b", "SET i 12", "DUMP i", "SET i -129", "DUMP i", "SET i 70000",
            "DUMP i",
            "SET i 9223372036854775807", "DUMP i", "APPEND i x", "DUMP i", "SET a 1", "APPEND a 2", "DUMP a",
            "SETRANGE a 10 z", "DUMP a", "INCRBYFLOAT f 1.5", "DUMP f",
            Step("RPUSH l \(words)"), "DUMP l", "RPUSH m 1 two 3", "DUMP m", "SADD n 3 1 2 -70000 5000000000", "DUMP n",
            "HSET h f v g 12 h \"\"", "DUMP h", "HDEL h g", "DUMP h", "ZADD z 1 a 2.5 b -inf c", "DUMP z", "ZREM z a",
            "DUMP z", "SADD one member", "DUMP one", "EXPIRE s 100", "DUMP s", "DUMP", "DUMP s s",
        ])
    }

    @Test func `RESTORE checks its options, the key, the time and the payload, in this order`() throws {
        let good = Self.twelve.dropLast() + #"\x9d\xc2\x1b\xe3\x90\x1c\x1f\x9d""#
        try compare([
            "RESTORE", "RESTORE a", "RESTORE a 0", Step("RESTORE a 0 \(good)"), "RESTORE a 0 x", "RESTORE a x x",
            "RESTORE a -1 x", "RESTORE a 0 \"\"", "RESTORE a 0 x BOGUS", "RESTORE a 0 x IDLETIME", "RESTORE a 0 x FREQ",
            "RESTORE a 0 x IDLETIME x", "RESTORE a 0 x IDLETIME -1", "RESTORE a 0 x FREQ -1", "RESTORE a 0 x FREQ 256",
            "RESTORE a 0 x FREQ 1 IDLETIME 1", "RESTORE a 0 x IDLETIME 1 FREQ 1", "SET a 1", "RESTORE a x x",
            "RESTORE a -1 x REPLACE", "RESTORE a 0 x replace", "RESTORE a 0 0123456789012 REPLACE", "GET a",
        ])
    }

    @Test(arguments: [false, true])
    func `what one server has dumped the other restores, with its time, and dumps alike`(fromReal: Bool) throws {
        let pair = try #require(ServerPair.current)
        let emulated = try pair.emulatorPath(LoopUnderTest.allCases[0])
        let paths =
            fromReal
            ? (pair.real.socketPath, emulated) : (emulated, pair.real.socketPath)
        let (source, target) = (try RedisClient(path: paths.0), try RedisClient(path: paths.1))
        for client in [source, target] { try client.authenticate() }
        for client in [source, target] { _ = try client.call("FLUSHALL") }
        let many = (0..<700)
        let text = String(repeating: "long text ", count: 20)
        let made = [
            "SET s abc", "SET i 12345", "SET l \"\(text)\"",
            "RPUSH list \(many.map { "e\($0)" }.joined(separator: " "))",
            "SADD ints \(many.prefix(300).map(String.init).joined(separator: " "))",
            "SADD manyints \(many.map(String.init).joined(separator: " "))", "SADD set a b c \"\(text)\"",
            "HSET h a 1 b 2", "HSET big \(many.map { "f\($0) \($0)" }.joined(separator: " "))",
            "HSET wide f \"\(text)\"",
            "ZADD z 1 a 2.25 b inf c", "ZADD bigz \(many.map { "\($0).5 m\($0)" }.joined(separator: " "))",
        ]
        for command in made { _ = try source.call(try CommandLine.arguments(command)) }
        for command in made {
            let key = try CommandLine.arguments(command)[1]
            guard case .bulk(let dump) = try source.call([Array("DUMP".utf8), key]) else {
                Issue.record("no dump of \(command.prefix(20))")
                continue
            }
            let time = Array("4102444800000".utf8)
            let restored = try target.call([Array("RESTORE".utf8), key, time, dump, Array("ABSTTL".utf8)])
            #expect(restored == .simple(Array("OK".utf8)), "\(command.prefix(20))")
            for question in ["PEXPIRETIME", "TYPE"] {
                let asked = [Array(question.utf8), key]
                if question == "TYPE" { #expect(try target.call(asked) == source.call(asked)) }
                if question == "PEXPIRETIME" { #expect(try target.call(asked) == .integer(4_102_444_800_000)) }
            }
            let encoding = [Array("OBJECT".utf8), Array("ENCODING".utf8), key]
            #expect(try target.call(encoding) == source.call(encoding), "\(command.prefix(20))")
            #expect(try Self.contents(of: key, target) == Self.contents(of: key, source), "\(command.prefix(20))")
            let again = try target.call([Array("RESTORE".utf8), key, Array("0".utf8), dump])
            #expect(again == .error(Array("BUSYKEY Target key name already exists.".utf8)))
        }
    }

    /// All that a key holds, in an order of its own.
    private static func contents(of key: [UInt8], _ client: RedisClient) throws -> Set<[Reply]> {
        guard case .simple(let type) = try client.call([Array("TYPE".utf8), key]) else { return [] }
        let question =
            switch String(decoding: type, as: UTF8.self) {
            case "list": ["LRANGE", "0", "-1"]
            case "set": ["SMEMBERS"]
            case "hash": ["HGETALL"]
            case "zset": ["ZRANGE", "0", "-1", "WITHSCORES"]
            default: ["GET"]
            }
        let arguments = [Array(question[0].utf8), key] + question.dropFirst().map { Array($0.utf8) }
        let reply = try client.call(arguments)
        guard let elements = reply.elements else { return [[reply]] }
        switch question[0] {
        case "SMEMBERS": return Set(elements.map { [$0] })
        case "LRANGE": return [elements]
        default: return Set(stride(from: 0, to: elements.count, by: 2).map { Array(elements[$0..<$0 + 2]) })
        }
    }
}
