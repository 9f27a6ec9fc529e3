import Testing

/// What a server says that is no node of a cluster, has no modules, and draws.
@Suite(.comparedWithRedis)
struct ClusterDifferentialTests {
    @Test func `this is no node of a cluster`() throws {
        let names = [
            "ADDSLOTS 1", "ADDSLOTSRANGE 1 2", "BUMPEPOCH", "COUNT-FAILURE-REPORTS n", "COUNTKEYSINSLOT 1",
            "DELSLOTS 1", "DELSLOTSRANGE 1 2", "FAILOVER", "FAILOVER FORCE", "FLUSHSLOTS", "FORGET n",
            "GETKEYSINSLOT 1 2", "HELP", "INFO", "KEYSLOT a", "LINKS", "MEET h 1", "MYID", "NODES", "REPLICAS n",
            "REPLICATE n", "RESET", "RESET HARD", "SAVECONFIG", "SET-CONFIG-EPOCH 1", "SETSLOT 1 STABLE", "SHARDS",
            "SLAVES n", "SLOTS",
        ]
        try compare(
            names.flatMap { name in
                let word = name.split(separator: " ")[0]
                return [
                    Step("CLUSTER \(name)"), Step("cluster \(name.lowercased())"), Step("CLUSTER \(word)"),
                    Step("CLUSTER \(name) x y z"),
                ]
            } + [
                "CLUSTER", "CLUSTER BOGUS", "READONLY", "READONLY x", "READWRITE", "READWRITE x", "ASKING", "ASKING x",
                "MULTI", "CLUSTER INFO", "READONLY", "EXEC", "EVAL \"return redis.call('CLUSTER', 'INFO')\" 0",
                "EVAL \"return redis.call('READONLY')\" 0", "EVAL \"return redis.call('ASKING')\" 0",
            ])
    }

    @Test func `RESTORE-ASKING is RESTORE`() throws {
        // The string v.
        let payload = "\"\\x00\\x01\\x76\\x0a\\x00\\x91\\x08\\xce\\xb2\\x19\\x38\\x8a\\xce\""
        try compare([
            "RESTORE-ASKING a 0 x", "RESTORE-ASKING a", "SET a v", "RESTORE-ASKING b 0 \(payload)", "GET b",
            "RESTORE-ASKING b 0 \(payload)", "RESTORE-ASKING b 100000 \(payload) REPLACE", "TTL b",
            "RESTORE-ASKING a 0 x REPLACE", "RESTORE-ASKING a -1 x REPLACE", "RESTORE-ASKING a 0 x IDLETIME -1",
            "RESTORE-ASKING a 0 x FREQ 300", "RESTORE-ASKING a 0 x BOGUS", "RESTORE-ASKING a x y REPLACE", "GET a",
            "MULTI", "RESTORE-ASKING c 0 \(payload)", "EXEC", "GET c",
        ])
    }

    @Test func `there are no modules`() throws {
        try compare([
            "MODULE", "MODULE LIST", "MODULE LIST x", "MODULE HELP", "MODULE LOAD", "MODULE LOAD x", "MODULE LOAD x y",
            "MODULE LOADEX x", "MODULE LOADEX x CONFIG a b", "MODULE UNLOAD x", "MODULE UNLOAD", "MODULE BOGUS",
            "module list", "MULTI", "MODULE LIST", "EXEC", "MULTI", "MODULE LOAD x", "EXEC",
            "EVAL \"return redis.call('MODULE', 'LIST')\" 0", "EVAL \"return redis.call('MODULE', 'LOAD', 'x')\" 0",
        ])
    }

    @Test func `LOLWUT tells the version below what it draws`() throws {
        let drawn = [
            "VERSION 5", "VERSION 5 1", "VERSION 5 10 1 1", "VERSION 5 0 0 0", "VERSION 5 30 2 2 9", "version 6",
            "VERSION 6 4 2", "VERSION 6 0 0", "VERSION 6 9999 2 x",
        ]
        try compare(
            [
                "LOLWUT", "LOLWUT x", "LOLWUT VERSION", "LOLWUT VERSION x", "LOLWUT VERSION 4", "LOLWUT 5",
                "LOLWUT VERSION 7 x", "LOLWUT VERSION -5", "LOLWUT VERSION 5 x", "LOLWUT VERSION 6 4 x", "MULTI",
                "LOLWUT", "EXEC", "EVAL \"return redis.call('LOLWUT')\" 0",
            ] + drawn.map { .shape("LOLWUT \($0)") })
        for version in [2, 3] {
            let (ours, theirs) = try Dialogue(version: version).connection("A")
            for words in drawn {
                for client in [ours, theirs] {
                    let arguments = "LOLWUT \(words)".split(separator: " ").map { Array($0.utf8) }
                    #expect(try client.call(arguments).text?.hasSuffix("Redis ver. 7.0.15\n") == true)
                }
            }
        }
    }
}
