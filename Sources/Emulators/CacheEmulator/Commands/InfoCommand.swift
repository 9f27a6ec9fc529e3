import EventLoop
import RESPWire

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension CacheEmulator {
    /// INFO [section …]
    func replyInfo(_ call: borrowing Call) {
        var wanted: [String] = []
        for index in 1..<call.count { wanted.append(call[index].text.lowercased()) }
        let all = wanted.isEmpty || wanted.contains { ["all", "default", "everything"].contains($0) }
        var text = ""
        for (name, lines) in infoSections() where all || wanted.contains(name.lowercased()) {
            if !text.isEmpty { text += "\r\n" }
            text += "# \(name)\r\n"
            for (key, value) in lines { text += "\(key):\(value)\r\n" }
        }
        call.reply.verbatim(text)
    }

    private func infoSections() -> [(String, [(String, String)])] {
        let uptime = (loop.now - startedAt) / 1_000_000_000
        let used = memory.arena.used
        return [
            (
                "Server",
                [
                    ("redis_version", Self.redisVersion.description), ("redis_mode", "standalone"),
                    ("arch_bits", "\(Int.bitWidth)"), ("process_id", "\(getpid())"),
                    ("run_id", runID), ("uptime_in_seconds", "\(uptime)"), ("uptime_in_days", "\(uptime / 86400)"),
                    ("hz", "10"),
                ]
            ),
            (
                "Clients",
                [
                    ("connected_clients", "\(clientCount)"), ("maxclients", "\(connectionLimits.clients)"),
                    ("blocked_clients", "\(waiting.count + pendingCount + (pause?.postponed.count ?? 0))"),
                    ("tracking_clients", "\(tracking.clients.count)"),
                ]
            ),
            (
                "Memory",
                [
                    ("used_memory", "\(used)"), ("used_memory_human", Self.human(used)),
                    ("used_memory_rss", "\(memory.arena.reserved)"), ("maxmemory", "\(limit.bytes)"),
                    ("used_memory_lua", "\(lua.eval)"), ("used_memory_vm_eval", "\(lua.eval)"),
                    ("used_memory_scripts_eval", "\(hasScripts ? scripts.size : 0)"),
                    ("number_of_cached_scripts", "\(hasScripts ? scripts.count : 0)"),
                    ("number_of_functions", "\(hasFunctions ? functions.functionCount : 0)"),
                    ("number_of_libraries", "\(hasFunctions ? functions.libraries.count : 0)"),
                    ("used_memory_vm_functions", "\(lua.functions)"),
                    ("used_memory_vm_total", "\(lua.eval + lua.functions)"),
                    ("maxmemory_policy", limit.policy.rawValue),
                ]
            ),
            ("Persistence", persistenceLines),
            (
                "Stats",
                [
                    ("total_connections_received", "\(statistics.connections)"),
                    ("total_commands_processed", "\(statistics.commands)"),
                    ("rejected_connections", "\(statistics.rejectedConnections)"),
                    ("expired_keys", "\(statistics.expiredKeys)"),
                    ("evicted_keys", "\(statistics.evictedKeys)"), ("keyspace_hits", "\(statistics.hits)"),
                    ("keyspace_misses", "\(statistics.misses)"), ("pubsub_channels", "\(channels.channels.count)"),
                    ("pubsub_patterns", "\(channels.patterns.count)"),
                    ("tracking_total_keys", "\(tracking.readers.count)"),
                    ("tracking_total_items", "\(tracking.items)"),
                    ("tracking_total_prefixes", "\(tracking.prefixCount)"),
                    ("sync_full", "\(replication.counts.full)"),
                    ("sync_partial_ok", "\(replication.counts.partial)"),
                    ("sync_partial_err", "\(replication.counts.partialRefused)"),
                ]
            ),
            ("Replication", replicationLines),
            ("Cluster", [("cluster_enabled", "0")]),
            (
                "Keyspace",
                databases.filter { $0.count > 0 }.map {
                    ("db\($0.number)", "keys=\($0.count),expires=\($0.expiringCount),avg_ttl=0")
                }
            ),
        ]
    }

    /// Of those who wait for something else than a key.
    private var pendingCount: Int { replication.waiting.count + saving.waiting.count }

    private var persistenceLines: [(String, String)] {
        let isKept = saving.make != nil
        let status = { (isGood: Bool) in isGood ? "ok" : "err" }
        let running = { [loop] (progress: Saving.Progress) in
            progress.since.map { Int64((loop.now - $0) / 1_000_000_000) } ?? -1
        }
        return [
            ("loading", "0"), ("async_loading", "0"),
            ("rdb_changes_since_last_save", "\(statistics.changes - saving.changes)"),
            ("rdb_bgsave_in_progress", saving.snapshot.isRunning ? "1" : "0"),
            ("rdb_last_save_time", "\(saving.last)"),
            ("rdb_last_bgsave_status", status(saving.snapshot.isLastGood)),
            ("rdb_last_bgsave_time_sec", "\(saving.snapshot.lastTime)"),
            ("rdb_current_bgsave_time_sec", "\(running(saving.snapshot))"),
            ("aof_enabled", isKept ? "1" : "0"),
            ("aof_rewrite_in_progress", saving.rewrite.isRunning ? "1" : "0"),
            ("aof_rewrite_scheduled", saving.isRewriteScheduled ? "1" : "0"),
            ("aof_last_rewrite_time_sec", "\(saving.rewrite.lastTime)"),
            ("aof_current_rewrite_time_sec", "\(running(saving.rewrite))"),
            ("aof_last_bgrewrite_status", status(saving.rewrite.isLastGood)),
            ("aof_last_write_status", status(writeRefusal == nil)),
        ]
    }

    private var replicationLines: [(String, String)] {
        let log = replication.log
        var lines = [("role", "master"), ("connected_slaves", "\(replication.replicas.count)")]
        for (number, replica) in replication.replicas.enumerated() {
            let lag = (loop.now - replica.lastSeen) / 1_000_000_000
            lines.append(
                (
                    "slave\(number)",
                    """
                    ip=\(replica.address),port=\(replica.setup.port),state=\(replica.stateName),\
                    offset=\(replica.acknowledged),lag=\(replica.isOnline && !replica.isSilent ? lag : 0)
                    """
                ))
        }
        return lines + [
            ("master_failover_state", "no-failover"), ("master_replid", replication.id),
            ("master_replid2", String(repeating: "0", count: 40)), ("master_repl_offset", "\(replication.offset)"),
            ("second_repl_offset", "-1"), ("repl_backlog_active", log == nil ? "0" : "1"),
            ("repl_backlog_size", "\(replication.limits.backlog)"),
            ("repl_backlog_first_byte_offset", "\(log.map { $0.start + 1 } ?? 0)"),
            ("repl_backlog_histlen", "\(log?.size ?? 0)"),
        ]
    }

    private static func human(_ bytes: Int) -> String {
        let units = ["B", "K", "M", "G"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let hundredths = Int((value * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)\(units[unit])"
    }
}

extension Database {
    /// Bytes of the blocks that an entry and its value use.
    func memoryUsage(of entry: Entry) -> Int {
        let own = SizeClasses.capacity(entry.size) + 8
        switch entry.type {
        case .string: return own
        case .stream: return own + stream(entry).size
        case .list:
            let list = list(entry)
            return (0..<list.chunkCount).reduce(own + ListValue.headerSize) { $0 + list.chunk($1).capacity + 8 }
        case .set:
            var size = own
            SetValue(entry, memory).forEach { size += SizeClasses.capacity(Entry.headerSize + $0.count) + 8 }
            return size
        case .hash:
            var size = own
            HashValue(entry, memory).forEach {
                size += SizeClasses.capacity(Entry.headerSize + $0.count + $1.count) + 8
            }
            return size
        case .sortedSet:
            var size = own
            SortedSet(entry, memory).forEach { member, _ in
                size += SizeClasses.capacity(Entry.headerSize + member.count + 8) + 24
            }
            return size
        }
    }
}
