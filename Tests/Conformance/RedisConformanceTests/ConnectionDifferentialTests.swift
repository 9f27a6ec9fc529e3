import TestKit
import Testing

@Suite(.comparedWithRedis)
struct ConnectionDifferentialTests {
    @Test func `PING, ECHO and unknown commands answer as Redis does`() throws {
        let long = String(repeating: "y", count: 200)
        try compare([
            "PING", "PING hi", "PING \"\"", "PING a b", "ECHO hi", "ECHO", "ECHO a b", "bogus", "BOGUS a b c",
            "Bogus \"a b\" \"\"", Step("\(long) a b"), Step("bogus \(long) b"), Step("bogus a \(long) c"),
            Step("bogus \(String(repeating: "ab ", count: 80))"), "\"\"", "\"\" a", "\"bo\\r\\ngus\" \"x\\r\\ny\"",
            "get", "GET a b c", "gEt nothing", "SELECT 0", "BOGUS|SUB x", "config|get x", "CONFIG", "CONFIG BOGUS",
            Step("CONFIG \(long)"), "CLIENT", "CLIENT BOGUS", "OBJECT BOGUS a b", "pubsub bogus a b",
            "\"bo\\x00gus\" \"a\\x00b\"", "\"\\xff\\xfe\" \"\\xc3\"",
        ])
    }

    @Test func `HELLO changes the version and answers about the server`() throws {
        try compare([
            .shape("HELLO"), .shape("HELLO 2"), .shape("HELLO 3"), "PING", "HGETALL none", "HELLO 1", "HELLO 4",
            "HELLO x", "HELLO 3 BOGUS", "HELLO 3 SETNAME", "HELLO 3 SETNAME \"a b\"", .shape("HELLO 3 SETNAME me"),
            "CLIENT GETNAME", "HELLO 2 AUTH", "HELLO 2 AUTH x", .errorClass("HELLO 2 AUTH x y"),
            "HELLO 3 AUTH x y BOGUS", .shape("HELLO 2"), "HGETALL none", "HELLO \"\"", "HELLO 03",
            "HELLO 9223372036854775808", .shape("hello 3 setname you"), "CLIENT GETNAME",
        ])
    }

    @Test func `AUTH refuses a wrong password`() throws {
        try compare([
            "AUTH", "AUTH a b c", "AUTH nobody wrong", "PING", "AUTH wrong", "AUTH app wrong", "AUTH secret",
            "AUTH default secret", "AUTH app secret", "MULTI", "AUTH wrong", "AUTH app secret", "HELLO 3",
            .shape("EXEC"), "PING",
        ])
    }

    @Test func `CLIENT names and describes connections`() throws {
        try compare([
            "CLIENT GETNAME", "CLIENT SETNAME me", "CLIENT GETNAME", "CLIENT SETNAME \"a b\"",
            "CLIENT SETNAME \"a\\nb\"", "CLIENT SETNAME \"\"", "CLIENT GETNAME", "CLIENT SETNAME", "CLIENT GETNAME x",
            .shape("CLIENT ID"), "CLIENT ID x",
            .shape("CLIENT INFO"), .shape("CLIENT LIST"), "CLIENT LIST BOGUS", "CLIENT LIST TYPE",
            "CLIENT LIST TYPE bogus", .shape("CLIENT LIST TYPE normal"), "CLIENT LIST TYPE pubsub",
            "CLIENT LIST TYPE replica", "CLIENT LIST ID", "CLIENT LIST ID x",
            .shape("CLIENT LIST ID 99999999"), "CLIENT KILL", "CLIENT KILL x", "CLIENT KILL ID x",
            "CLIENT KILL ID 99999999", "CLIENT KILL ID 0", "CLIENT KILL TYPE bogus", "CLIENT KILL BOGUS x",
            "CLIENT KILL ADDR", "CLIENT KILL ADDR 1.2.3.4:5", "CLIENT KILL SKIPME maybe", "CLIENT KILL USER nobody",
            "CLIENT KILL LADDR 1.2.3.4:5", "CLIENT KILL ID 99999999 SKIPME", "CLIENT KILL TYPE pubsub SKIPME no",
            "CLIENT GETREDIR", "CLIENT NO-EVICT on", "CLIENT NO-EVICT off", "CLIENT NO-EVICT x",
            "CLIENT UNBLOCK 99999999", "CLIENT UNBLOCK x", "CLIENT UNBLOCK 99999999 TIMEOUT",
            "CLIENT UNBLOCK 99999999 ERROR", "CLIENT UNBLOCK 99999999 BOGUS", "CLIENT UNBLOCK 1 2 3", "CLIENT REPLY x",
            "CLIENT REPLY on", "CLIENT REPLY",
            "CLIENT KILL ID 99999998 ID 99999999",
        ])
    }

    @Test func `CLIENT HELP lists what there is`() throws {
        try compare(["CLIENT HELP x", .ignored("CLIENT HELP")])
    }

    @Test func `CLIENT LIST has the fields of Redis`() throws {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        func fields(_ client: RedisClient) throws -> [Substring] {
            let line = try #require(try client.call("CLIENT", "INFO").text)
            return line.split(separator: " ").compactMap {
                $0.split(separator: "=", omittingEmptySubsequences: false).first
            }
        }
        // CLIENT SETINFO is of Redis 7.2: clients of today send it, and these are its fields.
        #expect(try fields(ours).filter { !$0.hasPrefix("lib-") } == fields(theirs))
    }

    @Test func `CLIENT KILL and LIST take their filters as Redis does, and flags stand in its order`() throws {
        for driver in LoopUnderTest.allCases {
            let dialogue = try Dialogue(version: 3, driver: driver)
            let (ours, theirs) = try dialogue.connection("A")
            let (mine, other) = try dialogue.connection("B")
            for (client, second) in [(ours, mine), (theirs, other)] {
                func flags() throws -> String? {
                    let words = try client.call("CLIENT", "INFO").text?.split(separator: " ") ?? []
                    // Redis shows that a client came by a unix socket.
                    return words.first { $0.hasPrefix("flags=") }.map { String($0.filter { $0 != "U" }) }
                }
                guard case .integer(let id) = try client.call("CLIENT", "ID"),
                    case .integer(let victim) = try second.call("CLIENT", "ID")
                else { throw HarnessError("no id") }
                let lines = try client.call("CLIENT", "LIST", "ID", "\(victim)", "\(id)", "\(victim)").text
                let ids = lines?.split(separator: "\n").compactMap {
                    $0.split(separator: " ").first?.replacing("txt:", with: "")
                }
                #expect(ids == ["id=\(victim)", "id=\(id)", "id=\(victim)"])
                try client.call("CLIENT", "NO-EVICT", "ON")
                #expect(try flags() == "flags=e")
                try client.call("WATCH", "w")
                try second.call("SET", "w", "1")
                try client.call("CLIENT", "TRACKING", "ON", "BCAST")
                #expect(try flags() == "flags=tBde")
                try client.call("CLIENT", "NO-EVICT", "OFF")
                try client.call("CLIENT", "TRACKING", "OFF")
                try client.call("SUBSCRIBE", "c")
                #expect(try flags() == "flags=Pd")
                #expect(try client.call("CLIENT", "KILL", "ID", "9999999", "ID", "\(victim)") == .integer(1))
            }
        }
    }

    @Test func `CLIENT LIST tells what is not read, on either side`() async throws {
        for driver in LoopUnderTest.allCases {
            let dialogue = try Dialogue(version: 2, driver: driver)
            let (ours, theirs) = try dialogue.connection("A")
            let (mine, other) = try dialogue.connection("B")
            for (slow, client) in [(ours, mine), (theirs, other)] {
                try client.call("SET", "large", String(repeating: "x", count: 1 << 20))
                // More than the kernel takes, and what comes behind a command that blocks.
                try slow.send(raw: Array(String(repeating: "GET large\r\n", count: 24).utf8))
                try slow.send(raw: Array("BLPOP none 0\r\n\(String(repeating: "PING\r\n", count: 2000))".utf8))
                func field(_ name: String) throws -> Int {
                    let lines = try client.call("CLIENT", "LIST").text?.split(separator: "\n") ?? []
                    let words = lines.first { $0.contains(" flags=b") }?.split(separator: " ") ?? []
                    let word = words.first { $0.hasPrefix(name + "=") }
                    return word.flatMap { Int($0.dropFirst(name.count + 1)) } ?? 0
                }
                try await eventually("it waits, and what follows has come") { try field("qbuf") >= 12_000 }
                #expect(try field("omem") > 1 << 20)
                #expect(try field("tot-mem") > 1 << 20)
            }
        }
    }

    @Test func `CLIENT REPLY silences the server`() throws {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        for client in [ours, theirs] {
            try client.send(
                raw: Array(
                    "CLIENT REPLY OFF\r\nSET a 5\r\nGET a\r\nBOGUS\r\nCLIENT REPLY ON\r\nCLIENT REPLY SKIP\r\nGET a\r\nGET a\r\n"
                        .utf8))
            #expect(try client.receive() == .simple(Array("OK".utf8)))
            #expect(try client.receive() == .bulk(Array("5".utf8)))
            #expect(try client.call("ECHO", "end") == .bulk(Array("end".utf8)))
        }
    }

    @Test func `QUIT and RESET end what was set up`() throws {
        try compare(["QUIT", "PING"])
        try compare(["QUIT a b", "PING"])
        try compare(["MULTI", "SET a 1", "QUIT", "PING", "B: EXISTS a"])
        try compare([
            "SELECT 3", "CLIENT SETNAME me", "WATCH a", "MULTI", "SET a 1", "RESET", "PING", "AUTH app secret",
            "CLIENT GETNAME", "HGETALL none", "EXEC", "SET b 1", "B: GET b",
        ])
        try compare(["RESET x"])
    }

    @Test func `CLIENT KILL closes the connection that is meant`() throws {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        let other = try Dialogue(version: 2).connection("B")
        for (killer, victim) in [(ours, other.ours), (theirs, other.theirs)] {
            guard case .integer(let id) = try victim.call("CLIENT", "ID") else { throw HarnessError("no id") }
            #expect(try killer.call("CLIENT", "KILL", "ID", "\(id)") == .integer(1))
            #expect(try victim.receive() == .closed)
            #expect(try killer.call("CLIENT", "KILL", "ID", "\(id)") == .integer(0))
            guard case .integer(let own) = try killer.call("CLIENT", "ID") else { throw HarnessError("no id") }
            #expect(try killer.call("CLIENT", "KILL", "ID", "\(own)") == .integer(0))
            #expect(try killer.call("CLIENT", "KILL", "ID", "\(own)", "SKIPME", "no") == .integer(1))
            #expect(try killer.receive() == .closed)
        }
    }

    @Test func `CLIENT REPLY does not silence what SUBSCRIBE confirms`() throws {
        let commands = [
            "SUBSCRIBE a b", "PSUBSCRIBE p*", "SSUBSCRIBE s", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE x",
            "SUBSCRIBE a\r\nUNSUBSCRIBE a\r\nGET none", "MULTI\r\nSUBSCRIBE a\r\nUNSUBSCRIBE a\r\nEXEC",
            "SUBSCRIBE", "SSUBSCRIBE a\r\nSUNSUBSCRIBE\r\nECHO x",
        ]
        for driver in LoopUnderTest.allCases {
            let dialogue = try Dialogue(version: 2, driver: driver)
            for command in commands {
                for opening in ["", "HELLO 3\r\n"] {
                    let end = "PING\r\nRESET\r\nAUTH app secret\r\nPING\r\nQUIT\r\n"
                    let off = "CLIENT REPLY OFF\r\n\(opening)\(command)\r\n\(end)"
                    try dialogue.run(raw: Array(off.utf8))
                    let begin = "CLIENT REPLY OFF\r\n\(opening)CLIENT REPLY ON\r\nCLIENT REPLY SKIP\r\n"
                    let skip = "\(begin)\(command)\r\nPING\r\nQUIT\r\n"
                    try dialogue.run(raw: Array(skip.utf8))
                }
            }
            // Its own messages, which come before the reply that does not.
            let opening = "CLIENT REPLY OFF\r\nHELLO 3\r\n"
            for messages in [
                "SUBSCRIBE c\r\nPUBLISH c x\r\nSPUBLISH c x",
                "SUBSCRIBE c\r\nEVAL \"return redis.call('publish', 'c', 'x')\" 0",
                "CONFIG SET notify-keyspace-events KEA\r\nPSUBSCRIBE __key*:*\r\nSET k 1\r\nDEL k",
                "CLIENT TRACKING ON\r\nGET k\r\nSET k 1", "SUBSCRIBE c\r\nMULTI\r\nPUBLISH c x\r\nPUBLISH c y\r\nEXEC",
                "CLIENT TRACKING ON\r\nGET k\r\nMULTI\r\nSET k 2\r\nEXEC",
            ] {
                try dialogue.run(raw: Array("\(opening)\(messages)\r\nCLIENT REPLY ON\r\nQUIT\r\n".utf8))
                guard !messages.contains("MULTI") else { continue }
                let skipped = messages.replacing("\r\n", with: "\r\nCLIENT REPLY SKIP\r\n")
                try dialogue.run(raw: Array("\(opening)CLIENT REPLY ON\r\n\(skipped)\r\nPING\r\nQUIT\r\n".utf8))
            }
            if !dialogue.isEqual { Issue.record("\(driver)\n\(dialogue.transcript())") }
        }
    }
}
