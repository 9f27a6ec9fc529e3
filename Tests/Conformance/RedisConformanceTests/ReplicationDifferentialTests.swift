import Testing

/// What clients may say about replicas and snapshots, as far as nobody becomes one by it: offsets are each server's own.
@Suite(.comparedWithRedis)
struct ReplicationDifferentialTests {
    @Test func `REPLCONF takes and refuses what Redis does`() throws {
        let long = String(repeating: "x", count: 300)
        try compare([
            "REPLCONF", "REPLCONF a", "REPLCONF bogus 1", "REPLCONF listening-port x", "REPLCONF listening-port 1",
            "REPLCONF listening-port -5", "REPLCONF listening-port 99999999999",
            "REPLCONF listening-port 99999999999999999999", "REPLCONF LISTENING-PORT 6000 IP-ADDRESS 1.2.3.4",
            "REPLCONF ip-address \(long)", "REPLCONF ip-address \(long.prefix(255))",
            "REPLCONF ip-address \(long.prefix(256))", "REPLCONF capa eof capa bogus", "REPLCONF capa psync2",
            "REPLCONF rdb-only 2", "REPLCONF rdb-only -1", "REPLCONF rdb-only x", "REPLCONF rdb-only 1",
            "REPLCONF rdb-only 0", "REPLCONF rdb-filter-only functions", "REPLCONF rdb-filter-only \"\"",
            "REPLCONF rdb-filter-only \"functions functions\"", "REPLCONF rdb-filter-only bogus",
            "REPLCONF rdb-filter-only '\"a'", "REPLCONF rdb-filter-only 'functions bogus x'",
            "REPLCONF listening-port 5 bogus 1", "REPLCONF listening-port 5 capa", "REPLCONF version 7.2.0",
            "REPLCONF listening-port 5 rdb-only 3",
        ])
    }

    @Test func `what a replica says of itself has no reply from anybody else`() throws {
        try compare(raw: [
            "REPLCONF ack 5\r\nPING\r\nQUIT\r\n", "REPLCONF ACK x\r\nPING\r\nQUIT\r\n",
            "REPLCONF getack *\r\nPING\r\nQUIT\r\n",
            "REPLCONF ack 5 bogus 1\r\nPING\r\nQUIT\r\n", "REPLCONF ack\r\nPING\r\nQUIT\r\n",
            "REPLCONF getack\r\nPING\r\nQUIT\r\n",
            "REPLCONF capa eof ack 1\r\nPING\r\nQUIT\r\n", "MULTI\r\nREPLCONF ack 1\r\nEXEC\r\nQUIT\r\n",
            "MULTI\r\nREPLCONF capa eof\r\nPING\r\nEXEC\r\nQUIT\r\n",
            "REPLCONF listening-port 1 getack x\r\nPING\r\nQUIT\r\n",
        ])
        try compare(
            raw: [
                "REPLCONF ack 5\r\nQUIT\r\n", "REPLCONF\r\nQUIT\r\n", "PSYNC ? -1\r\nQUIT\r\n", "SYNC\r\nQUIT\r\n",
                "ROLE\r\nQUIT\r\n", "WAIT 0 0\r\nQUIT\r\n",
            ],
            authenticated: false)
    }

    @Test func `PSYNC and SYNC are refused as in Redis`() throws {
        try compare([
            "PSYNC", "PSYNC ?", "PSYNC ? x", "PSYNC abc x", "PSYNC abc 1.5", "PSYNC ? \"\"",
            "PSYNC ? 99999999999999999999", "PSYNC a 1 FAILOVER", "PSYNC a x failover", "SYNC x", "SYNC ? -1",
            "MULTI", "PSYNC ? -1", "EXEC", "MULTI", "SYNC", "EXEC",
            "SUBSCRIBE c", "UNSUBSCRIBE c",
        ])
        try compare(["SUBSCRIBE c", "PSYNC ? -1", "SYNC", "REPLCONF capa eof", "ROLE", "WAIT 0 0"], versions: [2])
        try compare(raw: ["PING\r\nPSYNC ? -1\r\nQUIT\r\n", "PING\r\nSYNC\r\nPING\r\nQUIT\r\n"])
    }

    @Test func `REPLICAOF NO ONE is always true, and a port has to be one`() throws {
        try compare([
            "REPLICAOF", "REPLICAOF NO ONE", "REPLICAOF no one", "SLAVEOF no One", "SLAVEOF", "REPLICAOF no",
            "REPLICAOF NO x", "REPLICAOF localhost x", "REPLICAOF localhost -1", "REPLICAOF localhost 65536",
            "REPLICAOF localhost \"\"", "SLAVEOF localhost x", "SLAVEOF a b c",
        ])
    }

    @Test func `another server is not followed`() throws {
        let client = try Dialogue(version: 2).connection("A").ours
        for command in ["REPLICAOF", "SLAVEOF"] {
            let text = try client.call(command, "127.0.0.1", "6379").text ?? ""
            #expect(text.hasPrefix("ERR this server cannot be another's replica"))
        }
    }

    @Test func `WAIT and ROLE without replicas answer as in Redis`() throws {
        try compare([
            "WAIT 0 0", "WAIT -1 0", "WAIT 1 20", "WAIT 5 1", "WAIT x 1", "WAIT 1 x", "WAIT 1 -1", "WAIT 1",
            "WAIT 1 20 3", "WAIT 0 99999999999999999999", "WAIT 99999999999999999999 0", "SET a 1", "WAIT 0 0",
            "WAIT 1 20", "MULTI", "SET a 2", "WAIT 3 0", "ROLE", "EXEC", "ROLE", "ROLE x",
        ])
    }

    @Test func `scripts may ask for little of it`() throws {
        try compare(
            ["REPLCONF', 'ack', '1", "WAIT', '0', '0", "ROLE", "BGSAVE", "SAVE", "BGREWRITEAOF", "SYNC"].map {
                "EVAL \"return redis.call('\($0)')\" 0"
            } + [
                "EVAL \"return redis.call('PSYNC','?','-1')\" 0",
                "EVAL \"return redis.call('REPLICAOF','NO','ONE')\" 0",
                "EVAL \"return redis.call('SLAVEOF','NO','ONE')\" 0",
                .shape("EVAL \"return redis.call('LASTSAVE')\" 0"),
            ])
    }

    @Test func `snapshots are asked for as in Redis`() throws {
        try compare([
            .shape("LASTSAVE"), "LASTSAVE x", "SAVE x", "BGSAVE x", "BGSAVE SCHEDULE x", "BGSAVE SCHEDULED",
            "BGREWRITEAOF x", "MULTI", "SAVE", "EXEC", "MULTI", "BGSAVE x", .shape("LASTSAVE"), .shape("EXEC"),
        ])
    }

    @Test func `a cache without files says that it has none`() throws {
        let client = try Dialogue(version: 2).connection("A").ours
        for command in ["SAVE", "BGSAVE", "BGREWRITEAOF"] {
            #expect(try client.call(command).text?.hasPrefix("ERR this cache is ephemeral") == true)
        }
        #expect(try client.call("BGSAVE", "SCHEDULE").text?.hasPrefix("ERR this cache is ephemeral") == true)
    }

    @Test func `limits of replicas are set as in Redis`() throws {
        try compare([
            "CONFIG GET repl-backlog-size", "CONFIG SET repl-backlog-size 0", "CONFIG SET repl-backlog-size 1",
            "CONFIG GET repl-backlog-size", "CONFIG SET repl-backlog-size 2mb", "CONFIG GET repl-backlog-size",
            "CONFIG SET repl-backlog-size x", "CONFIG SET repl-backlog-size 1mb", "CONFIG SET repl-backlog-ttl -1",
            "CONFIG SET repl-backlog-ttl 0", "CONFIG GET repl-backlog-ttl", "CONFIG SET repl-backlog-ttl 3600",
            "CONFIG SET repl-ping-replica-period 0", "CONFIG SET repl-ping-slave-period 7",
            .pairs("CONFIG GET repl-ping-*"), "CONFIG SET repl-ping-replica-period 10", "CONFIG SET repl-timeout 0",
            "CONFIG SET repl-timeout 60", "CONFIG SET client-output-buffer-limit \"replica 1mb 0 0\"",
            "CONFIG GET client-output-buffer-limit", "CONFIG SET client-output-buffer-limit \"bogus 1mb 0 0\"",
            "CONFIG SET client-output-buffer-limit \"slave 1mb 0\"",
            "CONFIG SET client-output-buffer-limit \"slave 1x 0 0\"",
            "CONFIG SET client-output-buffer-limit \"slave 1 0 -1\"",
            "CONFIG SET client-output-buffer-limit \"SLAVE 256mb 64mb 60\"",
            "CONFIG GET client-output-buffer-limit",
        ])
    }
}
