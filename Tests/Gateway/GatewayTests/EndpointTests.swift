import EventLoop
import Gateway
import TestKit
import Testing

/// Endpoints: bound, held, served, counted, closed.
@Suite struct EndpointTests {
    @Test(arguments: LoopUnderTest.allCases)
    func `clients that come before an upstream are held and then served`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver, routed: false) { test in
            let client = try test.connect()
            try client.send("AUTH web-secret\r\nPING\r\n")
            try await eventually("the client is held") { await test.connections() == 1 }
            await test.gateway.route(GatewayUnderTest.endpoint, to: .cache(test.emulator))
            #expect(try client.line() == "+OK")
            #expect(try client.line() == "+PONG")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a held client that goes is forgotten, and one that waits too long is told`(driver: LoopUnderTest) async throws
    {
        try await GatewayUnderTest.run(driver, routed: false) { test in
            let client = try test.connect()
            try client.send("AUTH web-secret\r\nSET a 1\r\n")
            try await eventually("the client is held") { await test.connections() == 1 }
            client.close()
            try await eventually("it is forgotten") { await test.connections() == 0 }
            await test.gateway.route(GatewayUnderTest.endpoint, to: .cache(test.emulator))
            #expect(try test.connect(as: GatewayUnderTest.web).ask("EXISTS a") == ":0")
        }
        try await GatewayUnderTest.run(driver, routed: false, longestHold: .milliseconds(20)) { test in
            let client = try test.connect()
            try client.send("AUTH web-secret\r\n")
            #expect(try client.line().hasPrefix("-LOADING"))
            #expect(try client.isEnded())
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `an address that somebody holds cannot be opened`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            _ = await #expect(throws: SocketError.self) {
                try await test.gateway.open(EndpointID("other"), at: test.address)
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `closing sends what waits, ends the clients and frees the address`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(await test.gateway.close(GatewayUnderTest.endpoint) == 1)
            #expect(try client.isEnded())
            try await test.gateway.open(EndpointID("other"), at: test.address)
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `connections and unknown commands are counted, also over an exchange`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("NOSUCH a").hasPrefix("-ERR unknown command 'NOSUCH'"))
            #expect(try client.ask("nosuch").hasPrefix("-ERR unknown command 'nosuch'"))
            #expect(await test.connections() == 1)
            client.close()
            try await eventually("the client is gone") { await test.connections() == 0 }
            await test.gateway.route(GatewayUnderTest.endpoint, to: nil)
            let statistics = await test.gateway.statistics()[GatewayUnderTest.endpoint]
            #expect(statistics?.unsupported == ["NOSUCH": 2])
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a client that never reads its replies is not read, and others are served`(driver: LoopUnderTest) async throws
    {
        try await GatewayUnderTest.run(driver) { test in
            let greedy = try test.connect(as: GatewayUnderTest.web)
            let value = String(repeating: "x", count: 100_000)
            #expect(try greedy.ask("SET v \(value.prefix(60_000))") == "+OK")
            var sent = 0
            let request = Array(String(repeating: "GET v\r\n", count: 1000).utf8)
            while sent < 32_000_000 {
                guard let more = try? greedy.sendSome(request[...]), more > 0 else { break }
                sent += more
            }
            #expect(sent < 32_000_000, "the gateway reads on though nobody takes the replies")
            let other = try test.connect(as: GatewayUnderTest.worker)
            #expect(try other.ask("PING") == "+PONG")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a client that sends all of a large pipeline before it reads is answered`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
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

    @Test(arguments: LoopUnderTest.allCases.prefix(1))
    func `subscribers that do not read are dropped before they take the memory of all`(
        driver: LoopUnderTest
    ) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let reader = try test.connect(as: GatewayUnderTest.web)
            try reader.send("SUBSCRIBE c\r\n")
            _ = try reader.receive(until: ":1\r\n")
            var silent: [SocketClient] = []
            for _ in 0..<8 {
                let client = try SocketClient(to: test.address, receiveBuffer: 4096, timeout: .seconds(5))
                try client.send("AUTH \(GatewayUnderTest.web.secret)\r\nSUBSCRIBE c\r\n")
                _ = try client.receive(until: ":1\r\n")
                silent.append(client)
            }
            let publisher = try test.connect(as: GatewayUnderTest.worker)
            let message = String(repeating: "m", count: 1 << 20)
            var most = 0
            var listeners = 9
            // Alone, each would be let alone up to 32 MiB.
            for _ in 0..<24 {
                try publisher.send("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$\(message.utf8.count)\r\n\(message)\r\n")
                listeners = try #require(Int(try publisher.line().dropFirst()))
                _ = try reader.receive(until: "mm\r\n")
                most = max(most, listeners)
            }
            #expect(most == 9)
            // 48 MiB for all: two that have 24 each, and the one that reads.
            #expect((2...4).contains(listeners), "\(listeners) listen")
            #expect(try publisher.ask("PING") == "+PONG")
            for client in silent { client.close() }
            try await eventually("they are gone") { await test.connections() == 2 }
        }
    }
}
