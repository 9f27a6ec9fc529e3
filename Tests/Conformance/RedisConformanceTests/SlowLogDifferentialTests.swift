import TestKit
import Testing

@Suite(.comparedWithRedis)
struct SlowLogDifferentialTests {
    @Test func `its own arguments are checked`() throws {
        try compare([
            "SLOWLOG", "SLOWLOG BOGUS", "SLOWLOG RESET", "SLOWLOG RESET x", "SLOWLOG LEN", "SLOWLOG LEN x",
            "SLOWLOG GET",
            "SLOWLOG GET 0", "SLOWLOG GET 5", "SLOWLOG GET -1", "SLOWLOG GET -2", "SLOWLOG GET x", "SLOWLOG GET 1 2",
            "SLOWLOG GET \"\"", "SLOWLOG GET 1.5", "SLOWLOG GET 99999999999999999999", "SLOWLOG HELP", "SLOWLOG HELP x",
            "CONFIG SET slowlog-log-slower-than -2", "CONFIG SET slowlog-log-slower-than x",
            "CONFIG SET slowlog-max-len -1",
            "CONFIG GET slowlog-max-len", "MULTI", "SLOWLOG LEN", "EXEC",
            "EVAL \"return redis.call('SLOWLOG', 'LEN')\" 0",
        ])
    }

    /// Without the times, which are each server's own, and the address.
    private func arguments(_ client: RedisClient, _ count: String = "-1") throws -> [[String]] {
        let reply = try client.call("SLOWLOG", "GET", count)
        return try #require(reply.elements).map { entry in
            let fields = try #require(entry.elements)
            #expect(fields.count == 6)
            let words = (fields[3].elements ?? []).map { $0.text ?? "" }
            return words + ["named \(fields[5].text ?? "")"]
        }
    }

    @Test func `what took longer than the threshold is kept, shortened, the newest first`() throws {
        let long = String(repeating: "x", count: 300)
        let many = (0..<40).map { "\($0)" }
        for driver in LoopUnderTest.allCases {
            let dialogue = try Dialogue(version: 2, driver: driver)
            let (ours, theirs) = try dialogue.connection("A")
            var kept: [[[String]]] = []
            for client in [ours, theirs] {
                try client.call("CLIENT", "SETNAME", "tester")
                try client.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
                try client.call("SLOWLOG", "RESET")
                let commands: [[String]] = [
                    ["SET", "k", "v"], ["GET", "k"], ["SET", "k", long], ["RPUSH", "l"] + many, ["MULTI"],
                    ["LRANGE", "l", "0", "1"], ["EXEC"], ["EVAL", "return redis.call('GET', KEYS[1])", "1", "k"],
                    ["GET"], ["BOGUS"], ["LPUSH", "k", "x"], ["PING"], ["SORT", "l"],
                ]
                for words in commands { _ = try client.call(words.map { Array($0.utf8) }) }
                kept.append(try arguments(client))
                try client.call("CONFIG", "SET", "slowlog-max-len", "3")
                #expect(try arguments(client).count == 3)
                #expect(try client.call("SLOWLOG", "LEN") == .integer(3))
                #expect(try arguments(client, "2").count == 2)
                try client.call("CONFIG", "SET", "slowlog-max-len", "0")
                try client.call("PING")
                #expect(try client.call("SLOWLOG", "LEN") == .integer(0))
                try client.call("CONFIG", "SET", "slowlog-max-len", "128")
                try client.call("CONFIG", "SET", "slowlog-log-slower-than", "-1")
                try client.call("SLOWLOG", "RESET")
                try client.call("SORT", "l")
                #expect(try client.call("SLOWLOG", "LEN") == .integer(0))
                try client.call("CONFIG", "SET", "slowlog-log-slower-than", "10000")
            }
            #expect(kept[0] == kept[1])
            #expect(kept[0].count > 8)
        }
    }

    @Test func `a command that takes long is noted as it is set at first`() throws {
        for driver in LoopUnderTest.allCases {
            let client = try Dialogue(version: 2, driver: driver).connection("A").ours
            try client.call("SLOWLOG", "RESET")
            let script = "local n = 0 for i = 1, 20000000 do n = n + i end return n"
            try client.call("EVAL", script, "0")
            #expect(try arguments(client).map { $0.first } == ["EVAL"])
        }
    }
}
