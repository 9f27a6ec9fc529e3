import TestKit
import Testing

/// Streams in RDB payloads: the bytes of a dump are Redis's own, nodes included, and each server restores what the other
/// has dumped, groups and times included.
@Suite(.comparedWithRedis)
struct StreamDumpDifferentialTests {
    private static let made: [String] = {
        var commands: [String] = []
        for number in 1...350 {
            let name = number % 5 == 0 ? "other" : "field"
            commands.append("XADD long \(number)-\(number % 4) \(name) value:\(number) n \(number * 37)")
        }
        for number in stride(from: 2, through: 350, by: 5) { commands.append("XDEL long \(number)-\(number % 4)") }
        commands += [
            "XTRIM long MINID 7", "XADD short 1-1 a 1 b \"\"", "XADD short 1-2 a 2 b \"x\\x00y\"", "XADD gone 5 f v",
            "XDEL gone 5",
            "XGROUP CREATE made g 0 MKSTREAM", "XADD wide 1 f \(String(repeating: "w", count: 9000))",
            "XADD wide 2 f v",
        ]
        // The id of the last entry was put back behind one that is deleted: later entries come in front of it.
        commands += ["XADD back 1-0 a b", "XADD back 5-0 a b", "XDEL back 5-0", "XSETID back 1-0", "XADD back 3-0 c d"]
        commands += (1...250).map { "XADD stepped \($0) a \($0)" }
        commands += (150...250).map { "XDEL stepped \($0)" } + ["XSETID stepped 149-0", "XADD stepped 170-0 c d"]
        commands += (171...300).map { "XADD stepped \($0) a \($0)" }
        return commands
    }()

    private static let grouped = [
        "XGROUP CREATE long g 0", "XGROUP CREATE long h $ ENTRIESREAD 3", "XGROUP CREATE long \"\" 100",
        "XREADGROUP GROUP g a COUNT 130 STREAMS long >", "XREADGROUP GROUP g b COUNT 50 STREAMS long >",
        "XCLAIM long g c 0 20-0 21-1 TIME 12345 RETRYCOUNT 300", "XDEL long 24-0",
        "XGROUP CREATECONSUMER long h nobody",
        "XREADGROUP GROUP g a STREAMS long 0",
    ]
    private static let keys = ["long", "short", "gone", "wide", "made", "back", "stepped"]

    @Test func `a dump of a stream has the bytes of Redis's`() throws {
        try compare(Self.made.map { Step($0) } + Self.keys.map { Step("DUMP \($0)") }, versions: [2])
    }

    @Test func `times at the ends of what there is are borne`() throws {
        // An entry that was delivered, and a consumer that was seen, in the smallest millisecond of 64 bits.
        let payload = """
            \\x13\\x01\\x10\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x1d\
            \\x1d\\x00\\x00\\x00\\x0a\\x00\\x01\\x01\\x00\\x01\\x01\\x01\\x81\\x66\\x02\\x00\\x01\\x02\\x01\\x00\
            \\x01\\x00\\x01\\x81\\x76\\x02\\x04\\x01\\xff\\x01\\x01\\x01\\x01\\x01\\x00\\x00\\x01\\x01\\x01\\x47\
            \\x01\\x01\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\
            \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x01\\x01\\x01\\x41\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\
            \\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x0a\\x00\\x02\
            \\x09\\x6a\\x94\\x9a\\x65\\x94\\x32
            """
        let restored = Step("RESTORE x 0 \"\(payload)\" REPLACE")
        try compare(
            [
                "XPENDING x G - + 10", "XPENDING x G IDLE 5 - + 10", "XPENDING x G IDLE 5 - + 10 A",
                "XCLAIM x G B 5 1-1",
                "XAUTOCLAIM x G B 5 0", "XAUTOCLAIM x G B 0 0 JUSTID", "XCLAIM x G B 0 1-1 JUSTID", "XINFO GROUPS x",
                "XPENDING x G", "XINFO CONSUMERS x G",
            ].flatMap { [restored, $0] })
    }

    @Test(arguments: [false, true])
    func `what one server has dumped the other restores, and goes on alike`(fromReal: Bool) throws {
        let pair = try #require(ServerPair.current)
        let emulated = try pair.emulatorPath(LoopUnderTest.allCases[0])
        let paths = fromReal ? (pair.real.socketPath, emulated) : (emulated, pair.real.socketPath)
        let (source, target) = (try RedisClient(path: paths.0), try RedisClient(path: paths.1))
        for client in [source, target] { try client.authenticate() }
        for client in [source, target] { _ = try client.call("FLUSHALL") }
        for command in Self.made + Self.grouped { _ = try source.call(try CommandLine.arguments(command)) }
        for key in Self.keys {
            guard case .bulk(let dump) = try source.call("DUMP", key) else {
                Issue.record("no dump of \(key)")
                continue
            }
            let restored = try target.call([Array("RESTORE".utf8), Array(key.utf8), Array("0".utf8), dump])
            #expect(restored == .simple(Array("OK".utf8)), "\(key)")
            #expect(try target.call("DUMP", key) == .bulk(dump), "\(key)")
        }
        let after = [
            "XINFO STREAM long FULL COUNT 0", "XINFO GROUPS long", "XPENDING long g", "XTRIM long MAXLEN ~ 150",
            "XINFO STREAM long",
            "XADD long 400-1 other 1 n 2", "XADD long 400-2 x y", "XDEL long 300-0 301-1", "XACK long g 10-2 20-0",
            "XINFO STREAM long",
            "XRANGE long - +", "XGROUP DELCONSUMER long g b", "XPENDING long g", "XADD gone 5 f v", "XADD gone 6 f v",
            "XINFO STREAM gone", "XINFO STREAM wide", "XINFO STREAM made",
            "XRANGE back - +", "XREVRANGE back + -", "XINFO STREAM back FULL", "XADD back 4-0 e f",
            "XRANGE back 2 + COUNT 2",
            "XINFO STREAM stepped", "XRANGE stepped 140 175", "XREVRANGE stepped 260 240",
            "XDEL stepped 170-0 200-0 99",
            "XRANGE stepped 165 +", "XTRIM stepped MINID 172", "XINFO STREAM stepped", "XLEN stepped",
        ]
        for command in after {
            let arguments = try CommandLine.arguments(command)
            #expect(try target.call(arguments) == source.call(arguments), "\(command)")
        }
    }
}
