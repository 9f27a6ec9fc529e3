import Gateway
import TestKit
import Testing

/// Who may use an endpoint, and what a stranger gets.
@Suite struct AuthenticationTests {
    @Test(arguments: LoopUnderTest.allCases)
    func `a client without a secret gets NOAUTH and no data`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect()
            for command in ["GET a", "SET a 1", "INFO", "CLIENT LIST", "ACL WHOAMI", "PING", "SUBSCRIBE c"] {
                #expect(try client.ask(command) == "-NOAUTH Authentication required.")
            }
            #expect(try client.ask("HELLO 3").hasPrefix("-NOAUTH HELLO must be called"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a secret names its attachment, with or without the user`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect()
            #expect(try client.ask("AUTH wrong").hasPrefix("-WRONGPASS"))
            #expect(try client.ask("AUTH worker web-secret").hasPrefix("-WRONGPASS"))
            #expect(try client.ask("AUTH web-secret") == "+OK")
            #expect(try client.ask("ACL WHOAMI") == "$3")
            #expect(try client.line() == "web")
            #expect(try client.ask("AUTH worker worker-secret") == "+OK")
            #expect(try client.ask("ACL WHOAMI") == "$6")
            #expect(try client.line() == "worker")
            #expect(try client.ask("AUTH default web-secret") == "+OK")
            #expect(try client.ask("HELLO 3 AUTH web web-secret SETNAME n") == "%7")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `what is right in a HELLO takes effect although something behind it is wrong`(
        driver: LoopUnderTest
    ) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect()
            #expect(
                try client.ask("HELLO 3 AUTH web web-secret SETNAME \"a b\"").hasPrefix("-ERR Client names cannot"))
            #expect(try client.ask("GET k") == "$-1")
            #expect(try client.ask("HELLO 2 SETNAME n AUTH web wrong").hasPrefix("-WRONGPASS"))
            #expect(try client.ask("CLIENT GETNAME") == "$1")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a stranger may send ten arguments of 16 KiB at most`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let many = try test.connect()
            #expect(try many.ask("*11") == "-ERR Protocol error: unauthenticated multibulk length")
            #expect(try many.isEnded())
            let long = try test.connect()
            #expect(try long.ask("*2\r\n$4\r\nAUTH\r\n$16385") == "-ERR Protocol error: unauthenticated bulk length")
            #expect(try long.isEnded())
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `revoking closes the connections of its holder and nobody else's`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let web = try test.connect(as: GatewayUnderTest.web)
            let worker = try test.connect(as: GatewayUnderTest.worker)
            #expect(await test.gateway.revoke(holder: GatewayUnderTest.web.holder, on: GatewayUnderTest.endpoint) == 1)
            #expect(try web.isEnded())
            #expect(try worker.ask("PING") == "+PONG")
            let late = try test.connect()
            #expect(try late.ask("AUTH web-secret").hasPrefix("-WRONGPASS"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `RESET takes back who the client is`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("RESET") == "+RESET")
            #expect(try client.ask("PING").hasPrefix("-NOAUTH"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `rule 6: what would stop the server or touch its host is refused`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            for command in ["SHUTDOWN", "FAILOVER", "MIGRATE h 1 k 0 1"] {
                #expect(try client.ask(command).hasPrefix("-NOPERM"), "\(command)")
            }
            #expect(try client.ask("DEBUG SLEEP 0").hasPrefix("-ERR DEBUG command not allowed."))
            #expect(try client.ask("REPLICAOF 127.0.0.1 6379").hasPrefix("-ERR this server cannot be"))
            #expect(try client.ask("SAVE").hasPrefix("-ERR this cache is ephemeral"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `what stands behind AUTH in one write has the limits of who has said who he is`(driver: LoopUnderTest)
        async throws
    {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect()
            let pairs = (0..<10).map { "$2\r\nk\($0)\r\n$1\r\nv\r\n" }.joined()
            try client.send("*2\r\n$4\r\nAUTH\r\n$10\r\nweb-secret\r\n*21\r\n$4\r\nMSET\r\n" + pairs)
            #expect(try client.line() == "+OK")
            #expect(try client.line() == "+OK")
            #expect(try client.ask("DBSIZE") == ":10")
        }
    }
}
