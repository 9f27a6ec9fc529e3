import EventLoop
import Gateway
import TestKit
import Testing

/// Users of the attachments' own at a server, while clients are moved to it.
@Suite(.requires(.redisServer)) struct OwnUserMoveTests {
    @Test(arguments: LoopUnderTest.allCases)
    func `a client that logs in after its connection to the target was made is its own user there`(
        driver: LoopUnderTest
    ) async throws {
        try await RealServer.run(.redisServer, secret: "pw") { server in
            try await GatewayUnderTest.run(driver) { test in
                let client = try test.connect()
                let other = try test.connect(as: GatewayUnderTest.web)
                #expect(try client.ask("PING").hasPrefix("-NOAUTH"))
                let users = OwnUsers(prefix: "broker-test-", key: "key")
                let target = Upstream.RedisServer(
                    address: server.address, user: nil, secret: "pw", database: 0, ownUsers: users)
                let (id, limit) = (GatewayUnderTest.endpoint, Duration.seconds(5))
                #expect(await test.gateway.prepare(id, for: .redisServer(target), within: limit) == nil)
                #expect(try client.ask("AUTH \(GatewayUnderTest.web.secret)") == "+OK")
                #expect(await test.gateway.pause(id, within: limit) == nil)
                #expect(await test.gateway.restore(id, within: limit) == nil)
                #expect(await test.gateway.adopt(id)?.moved == 2)
                for connection in [client, other] {
                    #expect(try connection.ask("SET k v") == "+OK")
                    #expect(try connection.ask("EVAL \"return redis.call('ACL','WHOAMI')\" 0").hasPrefix("-"))
                }
            }
        }
    }
}
