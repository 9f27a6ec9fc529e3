import EventLoop
import RESPWire

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A section of INFO: its name, and what it says when it is asked for.
private struct InfoSection {
    let name: String
    /// Shown where none is named.
    let isUsual: Bool
    let lines: () -> [(String, String)]

    init(_ name: String, isUsual: Bool = true, _ lines: @escaping () -> [(String, String)]) {
        self.name = name
        self.isUsual = isUsual
        self.lines = lines
    }
}

extension CacheEmulator {
    /// INFO [section …]: the sections and fields of Redis 7.0, in its order, but those that would be invented here.
    func replyInfo(_ call: borrowing Call) {
        var wanted: Set<String> = []
        for index in 1..<call.count { wanted.insert(call[index].text.lowercased()) }
        let all = wanted.contains("all") || wanted.contains("everything")
        let usual = wanted.isEmpty || wanted.contains("default")
        var text = ""
        for section in infoSections(for: call.client)
        where all || usual && section.isUsual || wanted.contains(section.name.lowercased()) {
            if !text.isEmpty { text += "\r\n" }
            text += "# \(section.name)\r\n"
            for (key, value) in section.lines() { text += "\(key):\(value)\r\n" }
        }
        call.reply.verbatim(text)
    }

    private func infoSections(for client: CacheClient) -> [InfoSection] {
        [
            InfoSection("Server") { self.serverLines(for: client) }, InfoSection("Clients") { self.clientLines },
            InfoSection("Memory") { self.memoryLines }, InfoSection("Persistence") { self.persistenceLines },
            InfoSection("Stats") { self.statisticsLines }, InfoSection("Replication") { self.replicationLines },
            InfoSection("CPU") { self.processorLines }, InfoSection("Modules") { [] },
            InfoSection("Commandstats", isUsual: false) { self.commandLines },
            InfoSection("Errorstats") { self.errorLines },
            InfoSection("Latencystats", isUsual: false) { self.latencyLines },
            InfoSection("Cluster") { [("cluster_enabled", "0")] },
            InfoSection("Keyspace") { [clock] in
                self.databases.filter { $0.count > 0 }.map {
                    let age = $0.averageExpiry(at: clock.now)
                    return ("db\($0.number)", "keys=\($0.count),expires=\($0.expiringCount),avg_ttl=\(age)")
                }
            },
        ]
    }

    private func serverLines(for client: CacheClient) -> [(String, String)] {
        let uptime = (loop.now - startedAt) / 1_000_000_000
        // Which port is its own an emulator does not know, but that which the client has come to.
        let port = client.connection.localAddress.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
        var lines = [("redis_version", Self.redisVersion.description), ("redis_mode", "standalone")]
        var system = utsname()
        if uname(&system) == 0 {
            lines.append(("os", "\(text(of: system.sysname)) \(text(of: system.release)) \(text(of: system.machine))"))
        }
        return lines + [
            ("arch_bits", "\(Int.bitWidth)"), ("monotonic_clock", "POSIX clock_gettime"), ("process_id", "\(getpid())"),
            ("process_supervised", "no"), ("run_id", runID), ("tcp_port", "\(port)"),
            ("server_time_usec", "\(microseconds)"), ("uptime_in_seconds", "\(uptime)"),
            ("uptime_in_days", "\(uptime / 86400)"), ("hz", configuration["hz"]),
            ("configured_hz", configuration["hz"]), ("lru_clock", "\(clock.now / 1000 & 0xff_ffff)"),
            ("executable", CommandLine.arguments.first ?? ""), ("config_file", ""), ("io_threads_active", "0"),
        ]
    }

    /// Characters of C, up to their end.
    private func text<Characters>(of characters: Characters) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private var clientLines: [(String, String)] {
        [
            ("connected_clients", "\(clientCount - replication.replicas.count)"), ("cluster_connections", "0"),
            ("maxclients", "\(connectionLimits.clients)"),
            ("blocked_clients", "\(waiting.count + pendingCount + (pause?.postponed.count ?? 0))"),
            ("tracking_clients", "\(tracking.clients.count)"),
            ("clients_in_timeout_table", "\(timed.values.count { !($0 is Pause) })"),
        ]
    }

    private var memoryLines: [(String, String)] {
        let figures = memoryFigures
        let percent = { (value: Double) in DoubleText.fixed(value, digits: 2) + "%" }
        let lua = lua
        let texts = hasScripts ? scripts.size : 0
        let codes = hasFunctions ? functions.libraries.reduce(0) { $0 + $1.code.count } : 0
        let page = sysconf(Int32(_SC_PAGESIZE)) * sysconf(Int32(_SC_PHYS_PAGES))
        let fragmentation = DoubleText.fixed(figures.fragmentation, digits: 2)
        return [
            ("used_memory", "\(figures.used)"), ("used_memory_human", Self.human(figures.used)),
            ("used_memory_rss", "\(figures.reserved)"), ("used_memory_rss_human", Self.human(figures.reserved)),
            ("used_memory_peak", "\(figures.peak)"), ("used_memory_peak_human", Self.human(figures.peak)),
            ("used_memory_peak_perc", percent(figures.peakPercentage)),
            ("used_memory_overhead", "\(figures.overhead)"), ("used_memory_startup", "\(figures.startup)"),
            ("used_memory_dataset", "\(figures.dataset)"),
            ("used_memory_dataset_perc", percent(figures.datasetPercentage)),
            ("allocator_allocated", "\(figures.used)"), ("allocator_active", "\(figures.reserved)"),
            ("total_system_memory", "\(page)"), ("total_system_memory_human", Self.human(page)),
            ("used_memory_lua", "\(lua.eval)"), ("used_memory_vm_eval", "\(lua.eval)"),
            ("used_memory_lua_human", Self.human(lua.eval)), ("used_memory_scripts_eval", "\(texts)"),
            ("number_of_cached_scripts", "\(hasScripts ? scripts.count : 0)"),
            ("number_of_functions", "\(hasFunctions ? functions.functionCount : 0)"),
            ("number_of_libraries", "\(hasFunctions ? functions.libraries.count : 0)"),
            ("used_memory_vm_functions", "\(lua.functions)"),
            ("used_memory_vm_total", "\(lua.eval + lua.functions)"),
            ("used_memory_vm_total_human", Self.human(lua.eval + lua.functions)),
            ("used_memory_functions", "\(codes)"), ("used_memory_scripts", "\(texts + codes)"),
            ("used_memory_scripts_human", Self.human(texts + codes)),
            ("maxmemory", "\(limit.bytes)"), ("maxmemory_human", Self.human(limit.bytes)),
            ("maxmemory_policy", limit.policy.rawValue), ("allocator_frag_ratio", fragmentation),
            ("allocator_frag_bytes", "\(figures.reserved - figures.used)"), ("mem_fragmentation_ratio", fragmentation),
            ("mem_fragmentation_bytes", "\(figures.reserved - figures.used)"),
            ("mem_not_counted_for_evict", "\(figures.replicas)"), ("mem_replication_backlog", "\(figures.backlog)"),
            ("mem_total_replication_buffers", "\(figures.backlog + figures.replicas)"),
            ("mem_clients_slaves", "\(figures.replicas)"), ("mem_clients_normal", "\(figures.clients)"),
            ("mem_cluster_links", "0"), ("mem_allocator", "arena"), ("active_defrag_running", "0"),
            ("lazyfree_pending_objects", "\(memory.discarded.count)"),
        ]
    }

    private var statisticsLines: [(String, String)] {
        let perSecond = { [self] (amount: KeyPath<Throughput.Amounts, Int>) in
            throughput.perSecond(amount, of: amounts, at: loop.now)
        }
        return [
            ("total_connections_received", "\(statistics.connections)"),
            ("total_commands_processed", "\(statistics.commands)"),
            ("instantaneous_ops_per_sec", "\(Int(perSecond(\.commands)))"),
            ("total_net_input_bytes", "\(statistics.inputBytes)"), ("total_net_output_bytes", "\(sent.bytes)"),
            ("instantaneous_input_kbps", DoubleText.fixed(perSecond(\.input) / 1024, digits: 2)),
            ("instantaneous_output_kbps", DoubleText.fixed(perSecond(\.output) / 1024, digits: 2)),
            ("rejected_connections", "\(statistics.rejectedConnections)"),
            ("sync_full", "\(replication.counts.full)"), ("sync_partial_ok", "\(replication.counts.partial)"),
            ("sync_partial_err", "\(replication.counts.partialRefused)"),
            ("expired_keys", "\(statistics.expiredKeys)"), ("evicted_keys", "\(statistics.evictedKeys)"),
            ("evicted_clients", "0"), ("keyspace_hits", "\(statistics.hits)"),
            ("keyspace_misses", "\(statistics.misses)"), ("pubsub_channels", "\(channels.channels.count)"),
            ("pubsub_patterns", "\(channels.patterns.count)"),
            ("pubsubshard_channels", "\(channels.shardChannels.count)"), ("latest_fork_usec", "0"),
            ("total_forks", "0"), ("migrate_cached_sockets", "0"), ("slave_expires_tracked_keys", "0"),
            ("active_defrag_hits", "0"), ("active_defrag_misses", "0"), ("active_defrag_key_hits", "0"),
            ("active_defrag_key_misses", "0"), ("total_active_defrag_time", "0"),
            ("current_active_defrag_time", "0"), ("tracking_total_keys", "\(tracking.readers.count)"),
            ("tracking_total_items", "\(tracking.items)"), ("tracking_total_prefixes", "\(tracking.prefixCount)"),
            ("total_error_replies", "\(commandStatistics.errorReplies)"), ("dump_payload_sanitizations", "0"),
            ("io_threaded_reads_processed", "0"), ("io_threaded_writes_processed", "0"),
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
            ("loading", "0"), ("async_loading", "0"), ("current_cow_peak", "0"), ("current_cow_size", "0"),
            ("current_cow_size_age", "0"), ("current_fork_perc", "0.00"),
            ("rdb_changes_since_last_save", "\(statistics.changesOfElements - saving.changes)"),
            ("rdb_bgsave_in_progress", saving.snapshot.isRunning ? "1" : "0"),
            ("rdb_last_save_time", "\(saving.last)"),
            ("rdb_last_bgsave_status", status(saving.snapshot.isLastGood)),
            ("rdb_last_bgsave_time_sec", "\(saving.snapshot.lastTime)"),
            ("rdb_current_bgsave_time_sec", "\(running(saving.snapshot))"),
            ("rdb_saves", "\(saving.count)"), ("rdb_last_cow_size", "0"), ("aof_enabled", isKept ? "1" : "0"),
            ("aof_rewrite_in_progress", saving.rewrite.isRunning ? "1" : "0"),
            ("aof_rewrite_scheduled", saving.isRewriteScheduled ? "1" : "0"),
            ("aof_last_rewrite_time_sec", "\(saving.rewrite.lastTime)"),
            ("aof_current_rewrite_time_sec", "\(running(saving.rewrite))"),
            ("aof_last_bgrewrite_status", status(saving.rewrite.isLastGood)),
            ("aof_last_write_status", status(writeRefusal == nil)), ("aof_last_cow_size", "0"),
            ("module_fork_in_progress", "0"), ("module_fork_last_cow_size", "0"),
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
        if bytes < 1024 { return "\(bytes)B" }
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
