import RESPWire

/// The parameters that CONFIG knows. Each is honoured, or kept without effect and listed as such.
struct Configuration {
    /// What a parameter does here.
    enum Effect {
        /// Kept and shown; nothing depends on it.
        case none
        /// The file system of the server: never changed by a client.
        case refused
    }

    private(set) var values: [(name: String, value: String, effect: Effect)] = [
        ("activerehashing", "yes", .none), ("appendfsync", "everysec", .none), ("appendonly", "no", .none),
        ("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", .none),
        ("databases", "16", .refused), ("dbfilename", "dump.rdb", .refused), ("dir", "/", .refused),
        ("hash-max-listpack-entries", "512", .none), ("hash-max-listpack-value", "64", .none), ("hz", "10", .none),
        ("latency-monitor-threshold", "0", .none), ("lfu-decay-time", "1", .none), ("lfu-log-factor", "10", .none),
        ("list-max-listpack-size", "-2", .none), ("loglevel", "notice", .none), ("logfile", "", .refused),
        ("maxclients", "10000", .none), ("maxmemory", "0", .none), ("maxmemory-policy", "noeviction", .none),
        ("maxmemory-samples", "5", .none), ("notify-keyspace-events", "", .none),
        ("proto-max-bulk-len", "536870912", .none), ("save", "", .none), ("set-max-intset-entries", "512", .none),
        ("slowlog-log-slower-than", "10000", .none), ("slowlog-max-len", "128", .none), ("timeout", "0", .none),
        ("tcp-keepalive", "300", .none), ("zset-max-listpack-entries", "128", .none),
        ("zset-max-listpack-value", "64", .none),
    ]

    /// The parameters whose names match a pattern.
    func matching(_ pattern: Bytes) -> [(name: String, value: String)] {
        let folded = pattern.array.map { Bytes.folded($0) }
        return folded.withBytes { pattern in
            values.filter { Array($0.name.utf8).withBytes { Glob.matches(pattern, $0) } }.map { ($0.name, $0.value) }
        }
    }

    /// The place of a parameter, or nil.
    func index(of name: Bytes) -> Int? {
        let folded = name.array.map { Bytes.folded($0) }
        return values.firstIndex { Array($0.name.utf8) == folded }
    }

    mutating func set(_ index: Int, to value: String) {
        values[index].value = value
    }
}
