import EventLoop
import Gateway
import TestKit
import Testing

/// A real redis-server behind an endpoint.
@Suite(.requires(.redisServer)) struct RelayTests {
    private func run(
        _ driver: LoopUnderTest, secret: String? = "of-the-server",
        _ body: (GatewayUnderTest, RealServer) async throws -> Void
    ) async throws {
        try await RealServer.run(.redisServer, secret: secret) { server in
            try await GatewayUnderTest.run(driver, routed: false) { test in
                await test.gateway.route(GatewayUnderTest.endpoint, to: Self.upstream(server, secret: secret))
                try await body(test, server)
            }
        }
    }

    private static func upstream(_ server: RealServer, secret: String?) -> Upstream {
        .redisServer(Upstream.RedisServer(address: server.address, user: nil, secret: secret, database: nil))
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `the attachment's secret opens the endpoint and the server's does not`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let stranger = try test.connect()
            #expect(try stranger.ask("GET a").hasPrefix("-NOAUTH"))
            #expect(try stranger.ask("AUTH of-the-server").hasPrefix("-WRONGPASS"))
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("SET a 1") == "+OK")
            #expect(try client.ask("INCR a") == ":2")
            #expect(try client.ask("ACL WHOAMI") == "$3")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `more clients at once than a unix socket's queue holds are all served`(driver: LoopUnderTest) async throws {
        try await RealServer.run(.redisServer, at: .unixSocket, arguments: ["--tcp-backlog", "4"]) { server in
            try await GatewayUnderTest.run(driver, routed: false) { test in
                await test.gateway.route(GatewayUnderTest.endpoint, to: Self.upstream(server, secret: nil))
                let clients = try (0..<100).map { _ in try test.connect(as: GatewayUnderTest.web) }
                for client in clients { try client.send("PING\r\n") }
                for client in clients { #expect(try client.line() == "+PONG") }
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a client that goes while it blocks takes no element with it`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let other = try test.connect(as: GatewayUnderTest.web)
            let gone = try test.connect(as: GatewayUnderTest.web)
            try gone.send("BLPOP q 0\r\n")
            try await Self.isBlocked(other, clients: 1)
            gone.close()
            try await eventually("it is gone") { await test.connections() == 1 }
            try await eventually("the server knows") {
                #expect(try other.ask("DEL q").hasPrefix(":"))
                #expect(try other.ask("RPUSH q job") == ":1")
                return try other.ask("LLEN q") == ":1"
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a client that goes while it is held behind what blocks takes nothing either`(
        driver: LoopUnderTest
    ) async throws {
        try await run(driver) { test, _ in
            let other = try test.connect(as: GatewayUnderTest.web)
            let gone = try test.connect(as: GatewayUnderTest.web)
            try gone.send("BLPOP q 0\r\nCLIENT ID\r\nPING\r\n")
            try await Self.isBlocked(other, clients: 1)
            gone.close()
            try await eventually("it is gone") { await test.connections() == 1 }
            try await Self.isBlocked(other, clients: 0)

            // One that stays is answered in order; what it sends meanwhile is kept, and not without end.
            let patient = try test.connect(as: GatewayUnderTest.web)
            try patient.send("BLPOP q 0\r\nCLIENT GETNAME\r\nPING\r\n")
            try await Self.isBlocked(other, clients: 1)
            let flood = Array(String(repeating: "PING\r\n", count: 2_000_000).utf8)
            #expect(try patient.sendSome(flood[...]) < flood.count)
            #expect(try other.ask("RPUSH q job") == ":1")
            let expected = "*2\r\n$1\r\nq\r\n$3\r\njob\r\n$-1\r\n+PONG\r\n"
            #expect(String(decoding: try patient.receive(exactly: expected.utf8.count), as: UTF8.self) == expected)
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `what the front refuses inside MULTI aborts the transaction`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect(as: GatewayUnderTest.web)
            for refused in ["SAVE", "CONFIG SET maxmemory 1", "CLIENT ID", "ACL LIST", "CLIENT"] {
                #expect(try client.ask("MULTI") == "+OK")
                #expect(try client.ask("SET k v") == "+QUEUED")
                #expect(try client.ask(refused).hasPrefix("-"))
                #expect(try client.ask("EXEC").hasPrefix("-EXECABORT"))
                #expect(try client.ask("EXISTS k") == ":0")
            }
            #expect(try client.ask("CLIENT ID").hasPrefix(":"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a reply that looks like a message is one only for a subscriber`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            for version in ["2", "3"] {
                let client = try test.connect(as: GatewayUnderTest.web)
                try client.send("HELLO \(version)\r\nDEL l\r\nRPUSH l message a\r\nECHO ready\r\n")
                _ = try client.receive(until: "$5\r\nready\r\n")
                let list = "*2\r\n$7\r\nmessage\r\n$1\r\na\r\n"
                let begin = version == "2" ? "*3" : ">3"
                for _ in 0..<2 {
                    try client.send("LRANGE l 0 -1\r\nSUBSCRIBE c\r\nUNSUBSCRIBE c\r\nLRANGE l 0 -1\r\nCLIENT ID\r\n")
                    let expected =
                        list + "\(begin)\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
                        + "\(begin)\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n" + list + ":"
                    let got = try client.receive(exactly: expected.utf8.count)
                    #expect(String(decoding: got, as: UTF8.self) == expected)
                    _ = try client.line()
                    #expect(try client.ask("PING") == "+PONG")
                }
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a name with a zero byte in it is no command of the front's`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect()
            for name in ["auth", "hello", "client", "acl", "quit", "reset"] {
                try client.send("*1\r\n$\(name.utf8.count + 1)\r\n\(name)\0\r\n")
                #expect(try client.line().hasPrefix("-NOAUTH"))
            }
            // Redis itself takes one for the name in front of its zero where both happen to fall into one place of its
            // table: by chance one may, but not most of them.
            var unknown = 0
            for name in ["auth", "hello", "client", "acl", "quit", "reset"] {
                let client = try test.connect(as: GatewayUnderTest.web)
                try client.send("*1\r\n$\(name.utf8.count + 1)\r\n\(name)\0\r\n")
                if try client.line().hasPrefix("-ERR unknown command") { unknown += 1 }
            }
            #expect(unknown >= 4)
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a revoked or rerouted client that is blocked is cut off and takes nothing more`(
        driver: LoopUnderTest
    ) async throws {
        try await run(driver) { test, server in
            let direct = try SocketClient(to: server.address, timeout: .seconds(5))
            #expect(try direct.ask("AUTH of-the-server") == "+OK")
            for revokes in [true, false] {
                let blocked = try test.connect(as: GatewayUnderTest.web)
                try blocked.send("BLPOP q 0\r\n")
                try await Self.isBlocked(direct, clients: 1)
                if revokes {
                    await test.gateway.revoke(holder: GatewayUnderTest.web.holder, on: GatewayUnderTest.endpoint)
                    await test.gateway.grant(GatewayUnderTest.web, on: GatewayUnderTest.endpoint)
                } else {
                    await test.gateway.route(GatewayUnderTest.endpoint, to: .cache(test.emulator))
                }
                #expect(try blocked.isEnded())
                try await Self.isBlocked(direct, clients: 0)
                #expect(try direct.ask("RPUSH q job") == ":1")
                #expect(try direct.ask("LLEN q") == ":1")
                #expect(try direct.ask("DEL q") == ":1")
            }
        }
    }

    private static func isBlocked(_ client: SocketClient, clients count: Int) async throws {
        try await eventually("\(count) clients are blocked") {
            try client.send("INFO clients\r\n")
            let size = Int(try client.line().dropFirst()) ?? 0
            return String(decoding: try client.receive(exactly: size + 2), as: UTF8.self)
                .contains("blocked_clients:\(count)")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a database of a server is flushed with the options that were given, or not at all`(
        driver: LoopUnderTest
    ) async throws {
        try await RealServer.run(.redisServer) { server in
            try await GatewayUnderTest.run(driver, routed: false) { test in
                let upstream = Upstream.RedisServer(address: server.address, user: nil, secret: nil, database: 3)
                await test.gateway.route(GatewayUnderTest.endpoint, to: .redisServer(upstream))
                let client = try test.connect(as: GatewayUnderTest.web)
                #expect(try client.ask("SET a 1") == "+OK")
                #expect(try client.ask("FLUSHALL bogus").hasPrefix("-ERR syntax error"))
                #expect(try client.ask("COPY a b") == ":1")
                #expect(try client.ask("COPY a b DB 0").hasPrefix("-NOPERM"))
                #expect(try client.ask("FLUSHALL ASYNC") == "+OK")
                #expect(try client.ask("DBSIZE") == ":0")
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `of a server that others use, one database is the resource's, also when it is the first`(
        driver: LoopUnderTest
    ) async throws {
        try await RealServer.run(.redisServer) { server in
            try await GatewayUnderTest.run(driver, routed: false) { test in
                let theirs = try SocketClient(to: server.address, timeout: .seconds(5))
                #expect(try theirs.ask("SELECT 1") == "+OK")
                #expect(try theirs.ask("SET k theirs") == "+OK")
                let upstream = Upstream.RedisServer(
                    address: server.address, user: nil, secret: nil, database: 0, product: "valkey 8.1.0")
                await test.gateway.route(GatewayUnderTest.endpoint, to: .redisServer(upstream))
                let client = try test.connect(as: GatewayUnderTest.web)
                #expect(try client.ask("SET k mine") == "+OK")
                #expect(try client.ask("SELECT 1") == "-ERR DB index is out of range")
                #expect(try client.ask("SELECT 0") == "+OK")
                #expect(try client.ask("SWAPDB 0 1").hasPrefix("-NOPERM"))
                #expect(try client.ask("FLUSHALL") == "+OK")
                #expect(try client.ask("EXISTS k") == ":0")
                #expect(try theirs.ask("EXISTS k") == ":1")
                try client.send("HELLO\r\n")
                #expect(
                    String(decoding: try client.receive(until: "8.1.0\r\n"), as: UTF8.self).contains(
                        "\r\nvalkey\r\n"))
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a subscriber of version 2 cannot change the version under its messages`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect(as: GatewayUnderTest.web)
            try client.send("SUBSCRIBE c\r\n")
            _ = try client.receive(until: ":1\r\n")
            #expect(try client.ask("HELLO 3").hasPrefix("-ERR Can't execute 'hello'"))
            #expect(try test.connect(as: GatewayUnderTest.web).ask("PUBLISH c m") == ":1")
            #expect(try client.line() == "*3")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `replies of the front and of the server keep the order of a pipeline`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect(as: GatewayUnderTest.web)
            try client.send("SET a 1\r\nCLIENT SETNAME n\r\nINCR a\r\nCLIENT GETNAME\r\nSHUTDOWN\r\nINCR a\r\nQUIT\r\n")
            let lines = try (0..<8).map { _ in try client.line() }
            #expect(lines[..<4] == ["+OK", "+OK", ":2", "$1"])
            #expect(lines[4] == "n")
            #expect(lines[5].hasPrefix("-NOPERM"))
            #expect(lines[6...] == [":3", "+OK"])
            #expect(try client.isEnded())
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a large pipeline and large values come through whole`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect(as: GatewayUnderTest.web)
            let value = String(repeating: "0123456789", count: 400_000)
            try client.send("*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$\(value.utf8.count)\r\n\(value)\r\n")
            #expect(try client.line() == "+OK")
            try client.send("GET v\r\n")
            #expect(try client.line() == "$4000000")
            #expect(try client.receive(exactly: 4_000_002).dropLast(2).elementsEqual(value.utf8))
            try client.send(String(repeating: "INCR n\r\n", count: 20_000))
            for number in 1...20_000 { #expect(try client.line() == ":\(number)") }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a client that sends all of a large pipeline before it reads is answered`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect(as: GatewayUnderTest.web)
            let value = String(repeating: "v", count: 5000)
            #expect(try client.ask("SET large \(value)\(value)") == "+OK")
            let pair = "GET large\r\nSET small \(value)\r\n"
            // More than all buffers on the way hold.
            for _ in 0..<30 { try client.send(String(repeating: pair, count: 100)) }
            let replies = Array("$10000\r\n\(value)\(value)\r\n+OK\r\n".utf8)
            for _ in 0..<3000 { #expect(try client.receive(exactly: replies.count) == replies) }
            #expect(try client.ask("PING") == "+PONG")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `messages pass to subscribers, and the front still answers afterwards`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let subscriber = try test.connect(as: GatewayUnderTest.web)
            try subscriber.send("SUBSCRIBE a b\r\n")
            for _ in 0..<12 { _ = try subscriber.line() }
            let publisher = try test.connect(as: GatewayUnderTest.web)
            #expect(try publisher.ask("PUBLISH a hello") == ":1")
            let message = try (0..<7).map { _ in try subscriber.line() }
            #expect(message == ["*3", "$7", "message", "$1", "a", "$5", "hello"])
            try subscriber.send("UNSUBSCRIBE\r\n")
            for _ in 0..<12 { _ = try subscriber.line() }
            #expect(try subscriber.ask("CLIENT ID").hasPrefix(":"))
            #expect(try subscriber.ask("GET nothing") == "$-1")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `HELLO 3 changes the version on both sides`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, _ in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("HSET h f v") == ":1")
            #expect(try client.ask("HELLO 3") == "%7")
            var line = ""
            while line != "modules" { line = try client.line() }
            #expect(try client.line() == "*0")
            #expect(try client.ask("HGETALL h") == "%1")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `an exchange of the upstream closes clients after their reply and serves the next`(
        driver: LoopUnderTest
    ) async throws {
        try await run(driver) { test, server in
            let clients = try (0..<20).map { _ in try test.connect(as: GatewayUnderTest.web) }
            for client in clients { #expect(try client.ask("INCR n").hasPrefix(":")) }
            let closed = await test.gateway.route(GatewayUnderTest.endpoint, to: .cache(test.emulator))
            #expect(closed == 20)
            for client in clients { #expect(try client.isEnded()) }
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("GET n") == "$-1")
            await test.gateway.route(
                GatewayUnderTest.endpoint, to: Self.upstream(server, secret: "of-the-server"))
            let again = try test.connect(as: GatewayUnderTest.web)
            #expect(try again.ask("GET n") == "$2")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a reply that is on its way is delivered before the connection closes`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, server in
            let direct = try SocketClient(to: server.address, timeout: .seconds(5))
            #expect(try direct.ask("AUTH of-the-server") == "+OK")
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("PING") == "+PONG")
            #expect(try direct.ask("CLIENT PAUSE 60000 WRITE") == "+OK")
            try client.send("SET a 1\r\nINCR a\r\n")
            try await eventually("the command is with the server") {
                try direct.send("CLIENT LIST\r\n")
                let size = Int(try direct.line().dropFirst()) ?? 0
                return String(decoding: try direct.receive(exactly: size + 2), as: UTF8.self).contains("cmd=set")
            }
            await test.gateway.route(GatewayUnderTest.endpoint, to: .cache(test.emulator))
            #expect(try direct.ask("CLIENT UNPAUSE") == "+OK")
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "+OK\r\n:2\r\n")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a server that dies ends its clients, and one that is not there is named`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, server in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("PING") == "+PONG")
            await server.stop()
            #expect(try client.isEnded())
            let late = try test.connect(as: GatewayUnderTest.web)
            #expect(try late.ask("PING").hasPrefix("-ERR the server behind this resource cannot be reached"))
            #expect(try late.isEnded())
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a wrong secret of the provider is told without showing it`(driver: LoopUnderTest) async throws {
        try await run(driver) { test, server in
            await test.gateway.route(GatewayUnderTest.endpoint, to: Self.upstream(server, secret: "stale"))
            let client = try test.connect(as: GatewayUnderTest.web)
            let reply = try client.ask("PING")
            #expect(reply.hasPrefix("-ERR the server behind this resource refused the broker: WRONGPASS"))
            #expect(!reply.contains("stale"))
        }
    }
}
