import RESPWire

/// What a node of a cluster is asked: this server is none, as a redis-server that was not configured to be one.
let clusterCommands: [Command] = [
    Command("asking", 1, [.fast], body: refusesCluster),
    Command("readonly", 1, [.loading, .stale, .fast], body: refusesCluster),
    Command("readwrite", 1, [.loading, .stale, .fast], body: refusesCluster),
    Command(
        "cluster", -2, [],
        subcommands: [
            cluster("addslots", -3, changes), cluster("addslotsrange", -4, changes), cluster("bumpepoch", 2, changes),
            cluster("count-failure-reports", 3, [.admin]), cluster("countkeysinslot", 3),
            cluster("delslots", -3, changes),
            cluster("delslotsrange", -4, changes), cluster("failover", -2, changes), cluster("flushslots", 2, changes),
            cluster("forget", 3, changes), cluster("getkeysinslot", 4), cluster("help", 2, [.loading]),
            cluster("info", 2), cluster("keyslot", 3), cluster("links", 2), cluster("meet", -4, changes),
            cluster("myid", 2), cluster("nodes", 2), cluster("replicas", 3, [.admin]),
            cluster("replicate", 3, changes), cluster("reset", -2, [.admin, .noscript]),
            cluster("saveconfig", 2, changes), cluster("set-config-epoch", 3, changes), cluster("setslot", -4, changes),
            cluster("shards", 2), cluster("slaves", 3, [.admin]), cluster("slots", 2),
        ], body: { _ in }),
]

private let changes: Command.Flags = [.admin, .noAsyncLoading]

private let refusesCluster: CommandBody = { call in call.reply.error(ErrorText.noCluster) }

private func cluster(_ name: StaticString, _ arity: Int, _ flags: Command.Flags = []) -> Command {
    Command(name, arity, flags.union(.stale), body: refusesCluster)
}
