import TestKit
import Testing

@Suite(.comparedWithRedis)
struct ScanDifferentialTests {
    @Test func `SCAN refuses what Redis refuses`() throws {
        try compare([
            "SCAN 0", "SCAN", "SCAN x", "SCAN -1", "SCAN \"\"", "SCAN 0 COUNT", "SCAN 0 COUNT 0", "SCAN 0 COUNT -1",
            "SCAN 0 COUNT x", "SCAN 0 MATCH", "SCAN 0 BOGUS x",
            "SCAN 0 TYPE", "SCAN 0 TYPE bogus", "SCAN 18446744073709551616", "SET a 1", "SADD s 1",
            "SCAN 0 TYPE string", "SCAN 0 TYPE STRING", "SCAN 0 TYPE set MATCH s* COUNT 100",
            "SCAN 0 MATCH x*", .sorted("SCAN 0 COUNT 1000"), "SCAN 0 MATCH a MATCH s", "SCAN 0 COUNT 5 COUNT x",
            "SCAN 0 COUNT 9223372036854775807 MATCH a", "SCAN +0 COUNT 1000 MATCH a", "SCAN 00 COUNT 100 MATCH a",
            "SCAN 18446744073709551615 MATCH none", "SCAN x COUNT x", "SCAN 0 COUNT x BOGUS y",
        ])
    }

    /// What a whole iteration shows, in the order of showing.
    private func iterate(
        _ client: RedisClient, _ words: [String], between: (() throws -> Void)? = nil
    ) throws -> [String] {
        var shown: [String] = []
        var cursor = "0"
        repeat {
            let place = words[0] == "SCAN" ? 1 : 2
            let arguments = words[..<place] + [cursor] + words[place...]
            let reply = try client.call(arguments.map { Array($0.utf8) })
            guard let parts = reply.elements, parts.count == 2, let next = parts[0].text, let some = parts[1].elements
            else {
                throw HarnessError("SCAN answered \(reply)")
            }
            shown += some.compactMap(\.text)
            cursor = next
            try between?()
        } while cursor != "0"
        return shown
    }

    @Test(arguments: [1, 10, 1000]) func `whole iterations show what Redis shows`(_ count: Int) throws {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        for client in [ours, theirs] {
            for number in 0..<1500 { try client.call("SET", "key:\(number)", "1") }
            for number in 0..<20 { try client.call("SADD", "set:\(number)", "1") }
            for start in stride(from: 0, to: 1500, by: 100) {
                let numbers = start..<start + 100
                _ = try client.call((["SADD", "s"] + numbers.map { "m\($0)" }).map { Array($0.utf8) })
                _ = try client.call((["HSET", "h"] + numbers.flatMap { ["f\($0)", "v\($0)"] }).map { Array($0.utf8) })
                _ = try client.call((["ZADD", "z"] + numbers.flatMap { ["\($0)", "m\($0)"] }).map { Array($0.utf8) })
            }
        }
        let commands = [
            ["SCAN", "COUNT", "\(count)"], ["SCAN", "MATCH", "*7*", "COUNT", "\(count)"],
            ["SCAN", "TYPE", "set", "COUNT", "\(count)"],
            ["SSCAN", "s", "COUNT", "\(count)"], ["HSCAN", "h", "MATCH", "f1*", "COUNT", "\(count)"],
            ["ZSCAN", "z", "COUNT", "\(count)"],
        ]
        for command in commands {
            #expect(Set(try iterate(ours, command)) == Set(try iterate(theirs, command)), "\(command)")
        }
    }

    @Test func `keys that stay are shown though others come and go`() throws {
        let client = try Dialogue(version: 2).connection("A").ours
        var random = SeededRandom(seed: RandomSequence.seed)
        let staying = (0..<3000).map { "stay:\($0)" }
        for key in staying { try client.call("SET", key, "1") }
        var passing: [String] = []
        var number = 0
        for round in 0..<4 {
            let shown = try iterate(client, ["SCAN", "COUNT", "20"]) {
                let some = (0..<40).map { _ in
                    number += 1
                    return "pass:\(number)"
                }
                if round % 2 == 0 || passing.count < 200 {
                    _ = try client.call((["MSET"] + some.flatMap { [$0, "1"] }).map { Array($0.utf8) })
                    passing += some
                } else {
                    passing.shuffle(using: &random)
                    _ = try client.call((["DEL"] + passing.suffix(150)).map { Array($0.utf8) })
                    passing.removeLast(min(150, passing.count))
                }
            }
            #expect(Set(staying).isSubset(of: shown))
        }
    }
}
