import TestKit
import Testing

/// What a client may do that is logged in as a user with few rights.
@Suite(.comparedWithRedis)
struct AccessSessionDifferentialTests {
    @Test func `AUTH and HELLO know made users`() throws {
        try compare([
            "ACL SETUSER u on >one >two ~* &* +@all", "B: AUTH u three", "B: AUTH u", "B: ACL WHOAMI", "B: AUTH u one",
            "B: ACL WHOAMI", "B: AUTH u two", .shape("B: HELLO 3 AUTH u one SETNAME n"), "B: CLIENT GETNAME",
            "B: HELLO 3 AUTH u three", "B: ACL WHOAMI", "ACL SETUSER u off", "B: PING", "B: AUTH u one",
            "B: ACL WHOAMI", "ACL SETUSER u on <one", "B: AUTH u one", "ACL SETUSER u nopass", "B: AUTH u whatever",
            "B: AUTH app secret", "B: ACL WHOAMI", "B: AUTH u x", "B: RESET", "B: PING", "B: AUTH u x",
            "B: ACL WHOAMI", "ACL SETUSER u resetpass", "B: AUTH u x", "B: ACL WHOAMI", "B: MULTI",
            "B: AUTH app secret",
            "B: ACL WHOAMI", "B: EXEC", "B: ACL WHOAMI", "ACL LOG RESET", "B: AUTH nobody x", "B: auth nobody x",
            "B: HELLO 3 AUTH u x", .timeless("ACL LOG"),
        ])
    }

    @Test func `commands, keys and channels are refused as in Redis`() throws {
        var steps: [Step] = ["ACL SETUSER u on nopass ~k* %R~r* %RW~l* &c* +@all -@admin -del -object|freq"]
        steps += ["SET r1 v", "SET k v", "RPUSH l 2 1", "B: AUTH u x", "B: ACL WHOAMI"]
        for command in [
            "GET k", "MGET k x1", "GET nope", "SET r1 v", "SET r1 v GET", "BITFIELD r1 GET u8 0", "PUBLISH c m",
            "PUBLISH d m", "DEL k", "OBJECT FREQ r1", "OBJECT ENCODING r1", "OBJECT HELP", "CLIENT LIST", "CLIENT",
            "CLIENT BOGUS", "CONFIG GET x", "BOGUS", "GET", "ACL LOG", "ACL USERS", "ACL CAT bogus", "ACL SETUSER v",
            "SORT l", "SORT l BY x*", "SORT l BY x", "SORT l GET #", "SORT l GET x*", "SORT l BY nosort GET #",
            "SORT l STORE l2", "SORT l STORE q", "SORT_RO l BY x", "SORT_RO l GET #", "SORT_RO l BY *", "SORT l LIMIT",
            "EVAL \"return redis.call('GET', 'nope')\" 0", "EVAL \"return redis.call('DEL', 'r1')\" 0",
            "EVAL \"return redis.call('PUBLISH', 'zz', 'r1')\" 0", "EVAL \"return redis.call('GET', 'r1')\" 0",
            "EVAL \"return redis.pcall('GET', 'nope')\" 0", "EVAL \"return redis.pcall('SET', 'r1', 'x')\" 0",
            "EVAL \"return redis.acl_check_cmd('GET', 'nope')\" 0",
            "EVAL \"return redis.acl_check_cmd('GET', 'r1')\" 0",
            "EVAL \"return redis.acl_check_cmd('GET')\" 0", "EVAL \"return redis.acl_check_cmd('BOGUS')\" 0",
            "EVAL \"return redis.acl_check_cmd('CONFIG', 'BOGUS')\" 0",
            "EVAL \"return redis.acl_check_cmd('CONFIG', 'GET', 'x')\" 0",
            "EVAL \"return redis.acl_check_cmd('DEL', 'k')\" 0",
            "EVAL \"return redis.pcall('SORT', 'l', 'BY', 'x*')\" 0",
            "EVAL \"return redis.pcall('GET', 'r1')\" 1 r1", "EVAL_RO \"return redis.pcall('GET', 'r1')\" 1 r1",
            "SSUBSCRIBE d", "SUBSCRIBE d", "PSUBSCRIBE c", "PSUBSCRIBE d*", "WATCH nope", "WATCH r1", "UNWATCH",
            "COPY r1 k2", "COPY k r1", "RENAME k r1", "TOUCH nope", "XREAD STREAMS nope 0",
        ] { steps.append(Step("B: \(command)")) }
        try compare(steps + [.timeless("ACL LOG 100"), .timeless("ACL LOG 1"), .timeless("ACL LOG")])
    }

    @Test func `rights are looked at when a command is queued and when it runs`() throws {
        try compare([
            "ACL SETUSER u on nopass ~k* %R~r* &c* +@all -del", "B: AUTH u x", "B: MULTI", "B: SET k 1", "B: GET nope",
            "B: EXEC", "B: MULTI", "B: SET k 1", "B: DEL k", "B: EXEC", "B: MULTI", "B: PUBLISH d m", "B: EXEC",
            "B: MULTI", "B: SET k 2", "B: GET k", "B: PUBLISH c m", "ACL SETUSER u -get", "B: EXEC", "B: MULTI",
            "B: SET k 3", "B: PUBLISH c m", "ACL SETUSER u resetchannels", "B: EXEC", "B: MULTI", "B: SET k 3",
            "ACL SETUSER u resetkeys", "B: EXEC", "ACL SETUSER u ~* +get", "B: MULTI", "B: GET k", "B: EXEC",
            .timeless("ACL LOG 100"), "ACL SETUSER u -exec", "B: MULTI", "B: EXEC", "B: PING", "ACL SETUSER u -@all",
            "B: PING", "B: GET k", "B: QUIT",
        ])
    }

    @Test func `a deleted user's connections are closed`() throws {
        try compare([
            "ACL SETUSER u on nopass ~* &* +@all", "B: AUTH u x", "C: AUTH u x", "B: PING", "C: SUBSCRIBE c",
            "ACL DELUSER u", "B: PING", "C: PING", "ACL SETUSER u on nopass ~* &* +@all", "D: AUTH u x", "D: PING",
            "ACL SETUSER u off", "D: PING", "ACL SETUSER u reset", "D: PING", "D: GET k", "D: AUTH app secret",
            "D: PING",
            "ACL DELUSER u", "D: PING",
        ])
    }

    @Test func `SETUSER that takes channels away closes subscribers`() throws {
        try compare([
            "ACL SETUSER u on nopass ~* &a &b* +@all", "B: AUTH u x", "B: SUBSCRIBE a", "C: AUTH u x",
            "C: PSUBSCRIBE b*",
            "D: AUTH u x", "D: SUBSCRIBE b1", "E: AUTH u x", "F: AUTH u x", "F: SSUBSCRIBE a",
            "ACL SETUSER u resetchannels &b* &c", "PUBSUB NUMSUB a b1", "PUBSUB SHARDNUMSUB a", "PUBLISH a 1",
            "PUBSUB NUMPAT",
            "B: PING", "C: PING", "D: PING", "E: PING", "F: PING",
            "ACL SETUSER u allchannels", "C: PING", "E: SUBSCRIBE x", "ACL SETUSER u -@all", "C: PING", "D: PING",
            "ACL SETUSER u +@all resetchannels &b1", "C: PING", "D: PING", "E: PING",
        ])
    }

    @Test func `the log counts what comes again and keeps as many as are wanted`() throws {
        var steps: [Step] = ["ACL SETUSER u on nopass ~k* +get +set", "B: AUTH u x"]
        for number in 0..<14 { steps += [Step("B: GET x\(number)"), Step("B: GET x\(number % 3)")] }
        steps += [
            .timeless("ACL LOG"), .timeless("ACL LOG 100"), .timeless("ACL LOG 3"), "CONFIG SET acllog-max-len 2",
        ]
        steps += ["B: DEL k", .timeless("ACL LOG"), "CONFIG SET acllog-max-len 0", "B: MGET k", "ACL LOG"]
        try compare(
            steps + ["CONFIG SET acllog-max-len 128", "CONFIG GET acllog-max-len", "ACL LOG RESET", "ACL LOG"])
    }

    @Test func `SLOWLOG shows no passwords`() throws {
        for driver in LoopUnderTest.allCases {
            let (ours, theirs) = try Dialogue(version: 2, driver: driver).connection("A")
            func shown(_ client: RedisClient) throws -> [[String?]] {
                try client.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
                try client.call("SLOWLOG", "RESET")
                try client.call("ACL", "SETUSER", "u", ">password", "+get")
                try client.call("ACL", "GETUSER", "u")
                try client.call("ACL", "DELUSER", "u")
                try client.call("ACL", "WHOAMI")
                let entries = try client.call("SLOWLOG", "GET").elements ?? []
                try client.call("CONFIG", "SET", "slowlog-log-slower-than", "10000")
                try client.call("SLOWLOG", "RESET")
                return entries.map { ($0.elements?[3].elements ?? []).map(\.text) }
            }
            let mine = try shown(ours)
            #expect(mine == (try shown(theirs)))
            #expect(!"\(mine)".contains("password"))
        }
    }

    @Test func `CLIENT LIST and KILL name made users`() throws {
        for driver in LoopUnderTest.allCases {
            let dialogue = try Dialogue(version: 2, driver: driver)
            let (a, b) = (try dialogue.connection("A"), try dialogue.connection("B"))
            for (client, other) in [(a.ours, b.ours), (a.theirs, b.theirs)] {
                try client.call("ACL", "SETUSER", "u", "on", "nopass", "+@all")
                try other.call("AUTH", "u", "x")
                #expect(try other.call("CLIENT", "INFO").text?.contains(" user=u ") == true)
                #expect(try client.call("CLIENT", "KILL", "USER", "u") == .integer(1))
                #expect(try other.receive() == .closed)
                #expect(try client.call("CLIENT", "KILL", "USER", "u") == .integer(0))
                try client.call("ACL", "DELUSER", "u")
            }
        }
    }
}
