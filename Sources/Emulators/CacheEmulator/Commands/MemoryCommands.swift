import EventLoop
import RESPWire

/// What keys and the server take.
let memoryCommands: [Command] = [
    Command(
        "memory", -2, [],
        subcommands: [
            Command("doctor", 2, [], body: { $0.reply.verbatim($0.emulator.memoryFigures.report) }),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.memory) }),
            Command("malloc-stats", 2, [], body: { $0.reply.verbatim($0.emulator.memory.arena.report) }),
            Command("purge", 2, [], body: MemoryReports.purge),
            Command("stats", 2, [], body: MemoryReports.statistics),
            Command("usage", -3, [.readonly], .second, body: MemoryReports.usage),
        ], body: { _ in })
]

private enum MemoryReports {
    static let usage: CommandBody = { call in
        var index = 3
        while index < call.count {
            guard call.isWord(index, "samples"), index + 1 < call.count else {
                return call.reply.error(ErrorText.syntax)
            }
            guard let samples = call.integer(index + 1) else { return }
            guard samples >= 0 else { return call.reply.error(ErrorText.syntax) }
            index += 2
        }
        guard let entry = call.database.find(call[2], call.database.hash(call[2])) else { return call.reply.null() }
        call.reply.integer(call.database.memoryUsage(of: entry))
    }

    /// What is discarded is freed now, and the memory of empty slabs given back.
    static let purge: CommandBody = { call in
        let memory = call.emulator.memory
        _ = memory.freeDiscarded(.max)
        memory.arena.releaseSlabs()
        call.reply.ok()
    }

    /// Redis's names and types. What has no meaning here is left out: what an allocator's pages take of the system's
    /// memory, which other resources share.
    static let statistics: CommandBody = { call in
        let figures = call.emulator.memoryFigures
        let databases = call.emulator.databases.filter { $0.count > 0 }
        let integers: [(StaticString, Int)] = [
            ("peak.allocated", figures.peak), ("total.allocated", figures.used),
            ("startup.allocated", figures.startup), ("replication.backlog", figures.backlog),
            ("clients.slaves", figures.replicas), ("clients.normal", figures.clients), ("cluster.links", 0),
            ("lua.caches", figures.scripts), ("functions.caches", figures.functions),
        ]
        let totals: [(StaticString, Int)] = [
            ("overhead.total", figures.overhead), ("keys.count", figures.keys),
            ("keys.bytes-per-key", figures.keys == 0 ? 0 : figures.net / figures.keys),
            ("dataset.bytes", figures.dataset),
        ]
        call.reply.map(integers.count + databases.count + totals.count + 6)
        for (name, value) in integers { field(name, value, call) }
        for database in databases {
            call.reply.bulk("db.\(database.number)")
            call.reply.map(3)
            field("overhead.hashtable.main", database.table.size, call)
            // An expiry stands in its entry.
            field("overhead.hashtable.expires", 0, call)
            field("overhead.hashtable.slot-to-keys", 0, call)
        }
        for (name, value) in totals { field(name, value, call) }
        field("dataset.percentage", figures.datasetPercentage, call)
        field("peak.percentage", figures.peakPercentage, call)
        field("allocator.allocated", figures.used, call)
        field("allocator.active", figures.reserved, call)
        field("fragmentation", figures.fragmentation, call)
        field("fragmentation.bytes", figures.reserved - figures.used, call)
    }

    private static func field(_ name: StaticString, _ value: Int, _ call: borrowing Call) {
        call.reply.bulk(name)
        call.reply.integer(value)
    }

    private static func field(_ name: StaticString, _ value: Double, _ call: borrowing Call) {
        call.reply.bulk(name)
        call.reply.double(value)
    }
}

/// What takes how many bytes, as INFO and MEMORY tell it.
struct MemoryFigures {
    var used = 0
    var reserved = 0
    var peak = 0
    var startup = 0
    /// Keys of all databases.
    var keys = 0
    /// Tables, and what is not data.
    var overhead = 0
    var backlog = 0
    /// What is not sent yet.
    var replicas = 0
    var clients = 0
    var scripts = 0
    var functions = 0

    var net: Int { max(used - startup, 0) }
    var dataset: Int { max(used - overhead, 0) }
    var datasetPercentage: Double { net == 0 ? 0 : min(Double(dataset) * 100 / Double(net), 100) }
    var peakPercentage: Double { peak == 0 ? 0 : Double(used) * 100 / Double(peak) }
    var fragmentation: Double { used == 0 ? 0 : Double(reserved) / Double(used) }

    /// MEMORY DOCTOR
    var report: String {
        guard used >= 5 << 20 else { return "This cache holds less than 5 MB: too little to tell anything of.\n" }
        var lines: [String] = []
        if peak > used + used / 2 {
            lines.append(
                "- It has held \(peak) bytes at its peak and holds \(used) now: what was freed is kept for new keys.")
        }
        if fragmentation > 1.4, reserved - used > 10 << 20 {
            lines.append(
                "- Of \(reserved) bytes in its slabs \(used) are in use: values of other sizes were there before.")
        }
        if keys > 0, clients / max(keys, 1) > 0, clients > 100 << 20 {
            lines.append("- Clients leave \(clients) bytes unread: see CLIENT LIST.")
        }
        return lines.isEmpty
            ? "Nothing is wrong with the memory of this cache.\n" : lines.joined(separator: "\n") + "\n"
    }
}

extension CacheEmulator {
    var memoryFigures: MemoryFigures {
        var figures = MemoryFigures()
        figures.used = memory.used
        figures.reserved = memory.arena.held + memory.borrowed
        figures.peak = max(peakMemory, figures.used)
        figures.startup = startMemory
        figures.keys = databases.reduce(0) { $0 + $1.count }
        figures.backlog = replication.log?.size ?? 0
        for client in clients.values {
            let unread = client.connection.output.count
            if client.isReplica { figures.replicas += unread } else { figures.clients += unread }
        }
        figures.scripts = lua.eval + (hasScripts ? scripts.size : 0)
        figures.functions = lua.functions
        // Buffers and scripts are not in the arena.
        let tables = databases.reduce(0) { $0 + ($1.count > 0 ? $1.table.size : 0) }
        figures.overhead = figures.startup + tables
        return figures
    }
}

extension Table {
    /// Bytes of its own, without those of its entries.
    var size: Int {
        var size = SizeClasses.capacity(Self.headerSize) + SizeClasses.capacity(8 * directoryCount)
        forEachSegment { size += SizeClasses.capacity($0.size) }
        return size
    }
}
