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

    @Test func `a command that waits is kept when it is served, and not when its time is over`() async throws {
        for driver in LoopUnderTest.allCases {
            let dialogue = try Dialogue(version: 2, driver: driver)
            var kept: [[[String]]] = []
            let (ours, theirs) = try dialogue.connection("A")
            let waiting = try dialogue.connection("W")
            for (client, waiter) in [(ours, waiting.ours), (theirs, waiting.theirs)] {
                try client.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
                try client.call("SLOWLOG", "RESET")
                _ = try client.call("BLPOP", "nothing", "0.01")
                #expect(try arguments(client).allSatisfy { $0.first != "BLPOP" })
                try waiter.send(["BLPOP", "l", "0"].map { Array($0.utf8) })
                try await eventually("it waits") {
                    try client.call("INFO", "clients").text?.contains("blocked_clients:1") == true
                }
                try client.call("SLOWLOG", "RESET")
                try client.call("RPUSH", "l", "x")
                _ = try waiter.receive()
                try client.call("CONFIG", "SET", "slowlog-log-slower-than", "10000")
                kept.append(try arguments(client))
                // That it has waited for longer does not make it slow.
                try client.call("SLOWLOG", "RESET")
                try waiter.send(["BLPOP", "l", "0"].map { Array($0.utf8) })
                _ = try client.call("BLPOP", "nothing", "0.03")
                try client.call("RPUSH", "l", "x")
                _ = try waiter.receive()
                #expect(try arguments(client).isEmpty)
            }
            #expect(kept[0] == kept[1])
            #expect(kept[0].contains { $0.first == "BLPOP" })
        }
    }

    /// What the log keeps of each of the commands, which are asked with a threshold of nothing.
    private func kept(_ commands: [String], _ client: RedisClient) throws -> [[String]] {
        try client.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
        var kept: [[String]] = []
        for command in commands {
            try client.call("SLOWLOG", "RESET")
            _ = try client.call(try CommandLine.arguments(command))
            // The newest is the RESET in front where the command was not noted.
            kept += try arguments(client).filter { $0.first?.uppercased() != "SLOWLOG" }
        }
        try client.call("CONFIG", "SET", "slowlog-log-slower-than", "10000")
        return kept
    }

    @Test func `secrets are not shown`() throws {
        let commands = [
            "AUTH foo", "auth nobody bar", "HELLO 2 AUTH nobody p SETNAME x", "HELLO 2 SETNAME x AUTH nobody p",
            "HELLO 2 AUTH app secret", "hello 2 auth app secret SETNAME n auth app secret", "HELLO 2 SETNAME y",
            "HELLO 9", "CONFIG SET masterauth pw", "CONFIG SET hz 10 MasterAuth pw masteruser u",
            "CONFIG SET bogus x masterauth pw", "CONFIG SET masterauth pw hz x",
            "CONFIG SET masterauth a masterauth b", "CONFIG SET hz 10 maxmemory 0", "CONFIG SET requirepass \"\"",
            "CONFIG SET masterauth \"\"", "CONFIG SET masteruser \"\"", "CONFIG GET masterauth",
            "ACL SETUSER u on >secret ~*", "ACL SETUSER u", "ACL SETUSER u >p bogus", "ACL GETUSER u", "ACL DELUSER u",
            "ACL DRYRUN app get x", "GET k", "SET auth secret", "ECHO masterauth",
        ]
        for driver in LoopUnderTest.allCases {
            let (ours, theirs) = try Dialogue(version: 2, driver: driver).connection("A")
            let (mine, others) = (try kept(commands, ours), try kept(commands, theirs))
            #expect(mine == others)
            #expect(mine.count == commands.count)
            let shown = mine.flatMap { $0 }
            #expect(shown.filter { $0 == "(redacted)" }.count > 30)
        }
    }

    @Test func `secrets of a transaction, and of what is written wrongly, are not shown`() throws {
        let wrong = [
            "AUTH canary canary canary", "HELLO AUTH u canary", "HELLO 3 AUTH canary", "HELLO 2 x AUTH u canary",
            "HELLO x AUTH u canary", "CONFIG SET masterauth canary hz", "CONFIG SET tls-key-file-pass canary",
            "CONFIG SET bogus x requirepass canary tls-client-key-file-pass canary",
            "MIGRATE h 1 k 0 10 AUTH canary", "MIGRATE h 1 \"\" 0 10 COPY auth2 u canary KEYS auth k",
            "MIGRATE h 1 k 0 10 bogus AUTH canary",
        ]
        for driver in LoopUnderTest.allCases {
            let client = try Dialogue(version: 2, driver: driver).connection("A").ours
            try client.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
            for command in ["MULTI", "AUTH nobody canary", "ACL SETUSER u >canary", "EXEC"] + wrong {
                _ = try client.call(try CommandLine.arguments(command))
            }
            let shown = try arguments(client)
            try client.call("CONFIG", "SET", "slowlog-log-slower-than", "10000")
            try client.call("ACL", "DELUSER", "u")
            #expect(shown.count >= wrong.count)
            #expect(!shown.joined().contains { $0.contains("canary") }, "\(shown)")
            #expect(shown.contains(["AUTH", "(redacted)", "(redacted)", "named "]))
        }
    }
}
