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
                    ("blocked_clients", "\(waiting.count + (pause?.postponed.count ?? 0))"),
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
            (
                "Persistence",
                [("loading", "0"), ("rdb_bgsave_in_progress", "0"), ("aof_enabled", "0")]
            ),
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
                ]
            ),
            ("Replication", [("role", "master"), ("connected_slaves", "0")]),
            ("Cluster", [("cluster_enabled", "0")]),
            (
                "Keyspace",
                databases.filter { $0.count > 0 }.map {
                    ("db\($0.number)", "keys=\($0.count),expires=\($0.expiringCount),avg_ttl=0")
                }
            ),
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
