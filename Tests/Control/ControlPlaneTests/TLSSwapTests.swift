import BrokerModel
import TestKit
import Testing

@testable import ControlPlane

/// A server over TLS behind connected clients: every part of a swap goes through the tunnel.
@Suite(.requires(.redisServer)) struct TLSSwapTests {
    @Test func `a swap to a server over TLS, and the way back, keep clients and data`() async throws {
        let files = try await TLSFiles()
        let port = try FreePort.find()
        try await RealServer.run(.redisServer, arguments: files.arguments(port: port), secret: "pw") { server in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache")
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                for number in 0..<500 { try client.ask("SET k\(number) \(number)") }
                try client.ask("SETRANGE big 3000000 end")

                let place = "rediss://:pw@127.0.0.1:\(port)/2?ssl_ca_certs=\(files.authority)"
                let there = try await broker.swap("cache", to: place, cold: false, maxPause: 5000)
                #expect(there.moved == 1)
                #expect(there.copy?.keys == 501)
                #expect(there.undo == "broker rollback cache")
                #expect(try client.ask("GET k499") == "499")
                #expect(try client.ask("GET big").utf8.count == 3_000_003)
                #expect(try client.ask("INCR counter") == ":1")
                let direct = try RedisClient("redis://:pw@127.0.0.1:\(server.port ?? 0)/0")
                #expect(try direct.ask("SELECT 2") == "+OK")
                #expect(try direct.ask("DBSIZE") == ":502")

                #expect(try await broker.rollback("cache").to == "emulator")
                #expect(try client.ask("GET counter") == "1")
                try await eventually("the tunnel is closed") {
                    broker.names(in: "").allSatisfy { !$0.hasPrefix("tls-") }
                }
            }
        }
    }

    @Test func `a certificate that is not trusted changes nothing`() async throws {
        let files = try await TLSFiles()
        let port = try FreePort.find()
        try await RealServer.run(.redisServer, arguments: files.arguments(port: port)) { (_) async throws -> Void in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache")
                let error = await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: "rediss://127.0.0.1:\(port)", cold: false)
                }
                #expect(error?.code == .serverUnreachable)
                #expect(error?.why == "its certificate is not signed by this system's authorities, or is over")
                #expect(try await broker.resource("cache")?.provider == "emulator")
            }
        }
    }
}
