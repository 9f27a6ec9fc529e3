import TestKit
import Testing

@Suite(.comparedWithRedis)
struct ProtocolDifferentialTests {
    @Test func `inline commands are split as Redis splits them`() throws {
        let lines = [
            "PING", "  PING  ", "PING\n", "ECHO \"a b\"", "ECHO 'a b'", "ECHO \"\\x41\\n\\t\\\"\\\\\\q\"",
            "ECHO 'it\\'s \\n'", "ECHO \"unclosed", "ECHO 'unclosed", "ECHO \"a\"b", "ECHO a\"b c\"d", "ECHO 'a'b",
            "ECHO a'b c'",
            "", "   ", "\t", "ECHO \\x41", "ECHO \"\\xZZ\"", "ECHO \"\\x4\"", "ECHO \"\"", "ECHO ''", "ECHO\ta",
            "SET a 1\r\nGET a", "\r\n\r\nPING", "ECHO \"a\" \"b\"", "ECHO \"\\a\\b\\r\"", "bogus 'x y' z",
        ]
        try compare(raw: lines.map { $0 + "\r\nQUIT\r\n" })
    }

    @Test func `bytes that are no request are refused and the connection closed`() throws {
        try compare(raw: [
            "*1\r\nPING\r\n", "*x\r\nQUIT\r\n", "*-5\r\nPING\r\nQUIT\r\n", "*0\r\nPING\r\nQUIT\r\n", "*2147483648\r\n",
            "*9999999999999999999999\r\n", "*1\r\n$x\r\n", "*1\r\n$-1\r\n", "*1\r\n$536870913\r\n",
            "*1\r\n$99999999999999999999\r\n",
            "*1\r\n:1\r\n", "*1\r\n*1\r\n", "*1\r\n+PING\r\n", "*2\r\n$4\r\nECHO\r\nx\r\n", "*\r\nQUIT\r\n",
            "*1\r\n$\r\n", "*1\r\n$4\r\nPINGxx*1\r\n$4\r\nQUIT\r\n", "*1\r\n\r\n", "*+1\r\n$4\r\nQUIT\r\n",
            "*01\r\n$4\r\nQUIT\r\n", "*1\r\n$04\r\nQUIT\r\n",
            "* 1\r\n$4\r\nQUIT\r\n", "PING\r\n*1\r\nx\r\n", "*1\r\n$4\r\nquit\r\n",
            "*1\r\n$0\r\n\r\n*1\r\n$4\r\nQUIT\r\n", "*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\n*1\r\n$4\r\nQUIT\r\n",
            "GET / HTTP/1.1\r\nQUIT\r\n", "POST / HTTP/1.1\r\nPING\r\n", "host: localhost\r\nPING\r\n",
            "Host: x\r\nPING\r\n", "*1\r\n\u{1}4\r\n",
        ])
    }

    @Test func `headers that are too long are refused`() throws {
        let long = String(repeating: "1", count: 70_000)
        try compare(raw: [
            "*" + long, "*1\r\n$" + long, long, "ECHO " + String(repeating: "a", count: 65_000) + "\r\nQUIT\r\n",
            "ECHO " + String(repeating: "a", count: 66_000) + "\r\nQUIT\r\n",
        ])
    }

    @Test func `requests in one piece are answered in order`() throws {
        let requests = (0..<500).map {
            "*3\r\n$3\r\nSET\r\n$\("k\($0)".utf8.count)\r\nk\($0)\r\n$1\r\n\($0 % 10)\r\nGET k\($0)\r\nINCR k\($0)\r\n"
        }
        try compare(raw: [
            requests.joined() + "QUIT\r\n", "MULTI\r\nSET a 1\r\nGET\r\nEXEC\r\nQUIT\r\nPING\r\n", "QUIT\r\nPING\r\n",
            "SUBSCRIBE a\r\nPING\r\nGET a\r\nUNSUBSCRIBE\r\nPING\r\nQUIT\r\n",
        ])
    }

    @Test func `requests cut anywhere are put together`() throws {
        let bytes = Array(
            "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nhello\r\nworld\r\nGET k\r\n*2\r\n$6\r\nSTRLEN\r\n$1\r\nk\r\n".utf8)
        let client = try Dialogue(version: 2).connection("A").ours
        for cut in 0...bytes.count {
            try client.send(raw: Array(bytes[..<cut]))
            if cut > 0 { try client.send(raw: []) }
            try client.send(raw: Array(bytes[cut...]))
            #expect(try client.receive() == .simple(Array("OK".utf8)))
            #expect(try client.receive() == .bulk(Array("hello\r\nworld".utf8)))
            #expect(try client.receive() == .integer(12))
        }
    }

    @Test func `large values and many arguments come through`() throws {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        let value = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let words = ["RPUSH", "l"] + (0..<100_000).map { "element \($0)" }
        for client in [ours, theirs] {
            #expect(try client.call([Array("SET".utf8), Array("big".utf8), value]) == .simple(Array("OK".utf8)))
            #expect(try client.call("GET", "big") == .bulk(value))
            #expect(try client.call(words.map { Array($0.utf8) }) == .integer(100_000))
            #expect(try client.call("LRANGE", "l", "0", "-1").elements?.count == 100_000)
        }
    }

    @Test func `who has not authenticated gets no data`() throws {
        guard let pair = ServerPair.current else { throw HarnessError("no servers") }
        let client = try RedisClient(path: pair.emulatorPath(LoopUnderTest.allCases[0]))
        let refused = Reply.error(Array("NOAUTH Authentication required.".utf8))
        for words in [
            ["PING"], ["GET", "a"], ["SUBSCRIBE", "x"], ["MULTI"], ["CLIENT", "ID"], ["CONFIG", "GET", "*"],
            ["COMMAND"], ["SELECT", "1"], ["EVAL", "x", "0"].dropLast(3) + ["INFO"],
        ] {
            #expect(try client.call(words.map { Array($0.utf8) }) == refused, "\(words)")
        }
        #expect(try client.call("GET").text?.hasPrefix("ERR wrong number") == true)
        #expect(
            try client.call("AUTH", "wrong").text == "WRONGPASS invalid username-password pair or user is disabled.")
        #expect(
            try client.call("AUTH", EmulatedRedis.user, "wrong").text
                == "WRONGPASS invalid username-password pair or user is disabled.")
        #expect(try client.call("HELLO", "3").text?.hasPrefix("NOAUTH HELLO must be called") == true)
        #expect(try client.call("HELLO", "3", "AUTH", EmulatedRedis.user, EmulatedRedis.secret).elements?.count == 14)
        #expect(try client.call("PING") == .simple(Array("PONG".utf8)))
        #expect(try client.call("RESET") == .simple(Array("RESET".utf8)))
        #expect(try client.call("PING") == refused)
        #expect(try client.call("AUTH", EmulatedRedis.secret) == .simple(Array("OK".utf8)))
    }

    @Test func `strangers are told what Redis tells them`() throws {
        try compare(
            raw: [
                """
                PING\r\nGET\r\nGET a\r\nBOGUS a b\r\nCONFIG BOGUS\r\nCLIENT ID\r\nHELLO\r\nHELLO 3\r\nHELLO 9\r\nAUTH\r\nAUTH wrong\r\n\
                AUTH app wrong\r\nEXEC\r\nMULTI\r\nDISCARD\r\nRESET\r\nQUIT\r\n
                """,
                "HELLO 3 AUTH app wrong\r\nHELLO 3 SETNAME x\r\nHELLO 2 BOGUS\r\nSUBSCRIBE x\r\nCOMMAND\r\nQUIT\r\n",
                "*11\r\n$4\r\nPING\r\n", "*1\r\n$16385\r\n", "AUTH secret\r\nSET a 1\r\nRESET\r\nGET a\r\nQUIT\r\n",
                "AUTH app secret\r\nMULTI\r\nRESET\r\nEXEC\r\nQUIT\r\n",
            ], authenticated: false)
    }

    @Test func `limits are narrow before authentication`() throws {
        guard let pair = ServerPair.current else { throw HarnessError("no servers") }
        let cases = [
            "*11\r\n$4\r\nPING\r\n": "-ERR Protocol error: unauthenticated multibulk length\r\n",
            "*1\r\n$16385\r\n": "-ERR Protocol error: unauthenticated bulk length\r\n",
        ]
        for (request, answer) in cases {
            let client = try RedisClient(path: pair.emulatorPath(LoopUnderTest.allCases[0]))
            try client.send(raw: Array(request.utf8))
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == answer)
        }
    }
}
