import BrokerModel
import Testing

@testable import ServerProviders

@Suite struct RedisFactsTests {
    @Test func `INFO tells the server, its pid and its role`() {
        let facts = RedisFacts(
            info: "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nprocess_id:42\r\nrole:master\r\n")
        #expect(facts.server == "redis 7.0.15")
        #expect(facts.processID == 42)
        #expect(!facts.isCluster && !facts.isReplica)
    }

    @Test func `valkey, a cluster's node and a replica are told apart`() {
        let valkey = RedisFacts(
            info: "redis_version:7.2.4\r\nvalkey_version:8.0.1\r\nredis_mode:cluster\r\nrole:slave\r\n")
        #expect(valkey.server == "valkey 8.0.1")
        #expect(valkey.isCluster && valkey.isReplica)
    }

    @Test(
        arguments: [
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64\n", "redis 7.0.15"),
            ("Valkey server v=8.0.1 sha=00000000:0\n", "valkey 8.0.1"),
            ("warning: x\nRedis server v=6.2.0 sha=0\n", "redis 6.2.0"),
            ("sleep (GNU coreutils) 9.1\n", nil), ("Redis server v=", nil), ("", nil),
        ] as [(String, String?)])
    func `a program says what it is`(text: String, server: String?) {
        #expect(ServerProgram.server(in: text) == server)
    }

    @Test(arguments: [
        (RedisProblem.unreachable("Connection refused"), ErrorCode.serverUnreachable),
        (.otherProtocol("Protocol error"), .wrongServer),
        (.refused("NOAUTH Authentication required."), .credentialsRefused),
        (.refused("WRONGPASS invalid username-password pair or user is disabled."), .credentialsRefused),
        (.refused("ERR AUTH <password> called without any password configured"), .credentialsRefused),
        (.refused("LOADING Redis is loading the dataset in memory"), .serverUnreachable),
        (.refused("ERR DB index is out of range"), .unsupported),
    ])
    func `what a server answers has a code`(problem: RedisProblem, code: ErrorCode) {
        #expect(problem.brokerError("redis://h:1/0", fix: nil).code == code)
    }

    @Test(arguments: [
        ("redis://h:6380/2", "redis://h:6380/2", "redis://h:6380/2"),
        ("redis://:pw@h/0", "redis://:pw@h:6379/0", "redis://:***@h:6379/0"),
        ("redis://me:p%40w@[::1]:1/0", "redis://me:p%40w@[::1]:1/0", "redis://me:***@[::1]:1/0"),
        ("unix://:pw@/run/a%20b.sock?db=3", "unix://:pw@/run/a%20b.sock?db=3", "unix://:***@/run/a%20b.sock?db=3"),
    ])
    func `a direct URL can be read back, and its masked form hides the secret`(
        text: String, url: String, masked: String
    ) throws {
        let direct = DirectURL(RedisLogin(try ProviderURL(text)))
        #expect(direct.url.reveal { $0 } == url)
        #expect(direct.masked == masked)
    }
}
