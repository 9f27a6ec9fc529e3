import TestKit
import Testing

/// MONITOR: which commands are shown, when, and how they are written.
@Suite(.comparedWithRedis)
struct MonitorDifferentialTests {
    /// B monitors; what it is shown by the steps, without times and addresses.
    private func compareShown(_ steps: [Step], version: Int, _ driver: LoopUnderTest) throws {
        let dialogue = try Dialogue(version: version, driver: driver)
        try dialogue.run("B: MONITOR")
        for step in steps {
            try dialogue.run(step)
            try dialogue.run(Step("B", .monitored, collects: true))
        }
        // The line of the PING by which it was collected.
        try dialogue.run(Step("B: RESET", .monitored))
        if !dialogue.isEqual { Issue.record("RESP\(version), \(driver)\n\(dialogue.transcript())") }
    }

    private func compareShown(_ steps: [Step]) throws {
        for driver in LoopUnderTest.allCases {
            for version in [2, 3] { try compareShown(steps, version: version, driver) }
        }
    }

    @Test func `words are quoted, and administration is not shown`() throws {
        try compareShown([
            "SET k v", "get k", "SET \"a b\" \"q\\\"u\\\\o\\n\\r\\t\\a\\b\\x00\\xff\"", "PING", "ECHO \"\"",
            "nonsense a",
            "GET", "SET k", "CONFIG GET maxmemory", .shape("CLIENT ID"), "CLIENT LIST TYPE master", "CLIENT SETNAME me",
            "CLIENT GETNAME",
            .shape("INFO server"), "SELECT 3", "SET other v", "SELECT 0", "SELECT 99", "TIME x", "DBSIZE",
            "COMMAND COUNT x",
            .shape("SLOWLOG LEN"), "LASTSAVE x", "OBJECT ENCODING k", "XINFO HELP x", .shape("MEMORY USAGE k"),
        ])
    }

    @Test func `transactions and scripts show what runs in them`() throws {
        try compareShown([
            "MULTI", "SET k 1", "INCR k", "GET", "DISCARD", "MULTI", "SET k 1", "INCR k", "EXEC", "WATCH k", "UNWATCH",
            "MULTI", "MONITOR", "EXEC",
            "EVAL \"return redis.call('SET', KEYS[1], ARGV[1])\" 1 k v", "EVAL \"return redis.call('INCR', 'k')\" 0",
            "EVAL \"redis.call('SET', 'a', 1) return redis.pcall('SET', 'a')\" 0", "EVALSHA abc 0",
            "EVAL_RO \"return redis.call('GET', 'k')\" 0",
            "SCRIPT LOAD \"return 1\"", "EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0",
        ])
    }

    @Test func `publishing and subscribing, and what blocks`() throws {
        try compareShown([
            "PUBLISH c hello", "SPUBLISH c hello", "C: SUBSCRIBE c", "C: UNSUBSCRIBE c", "RPUSH l a", "BLPOP l 1",
            "RPUSH l a",
            "BLMOVE l m LEFT RIGHT 0.1", "XADD s 1-1 f v", "XREAD BLOCK 10 STREAMS s 0", "WAIT 0 0",
        ])
    }

    @Test func `who monitors may do little else`() throws {
        let steps = [
            "MONITOR", "MONITOR", "PING", "GET k", "SET k v", "DBSIZE", "PUBLISH a b", "EVAL \"return 1\" 0", "ECHO x",
            "SELECT 1", "CLIENT GETNAME", "CLIENT SETNAME x", "RESET",
        ]
        try compare(
            steps.dropLast().map { Step($0, .monitored, collects: true) } + [Step("RESET", .monitored)], versions: [2])
        try compare(["MONITOR x", "MULTI", "MONITOR", "EXEC"])
    }
}
