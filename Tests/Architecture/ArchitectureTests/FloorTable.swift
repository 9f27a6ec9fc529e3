/// What each target may import of ours: the table of docs/architecture.md as data. A new target is one row.
struct FloorTable {
    /// One target, and the floor (the folder of Sources/) it is on.
    struct Row {
        let floor: String
        let target: String
        let mayImport: Set<String>

        init(_ floor: String, _ target: String, _ mayImport: Set<String> = []) {
            self.floor = floor
            self.target = target
            self.mayImport = mayImport
        }
    }

    /// The floors from the ground up. C shims stand with those who use them.
    static let rows: [Row] = [
        Row("Model", "BrokerModel"),

        Row("Support", "CLua"),
        Row("Support", "CNumbers"),
        Row("Support", "CPrefetch"),
        Row("Support", "CSpawn"),
        Row("Support", "CHiredis"),
        Row("Support", "CSQLite"),
        Row("Support", "Processes", ["CSpawn"]),

        Row("Runtime", "CEpoll"),
        Row("Runtime", "EventLoop"),
        Row("Runtime", "EpollDriver", ["EventLoop", "CEpoll"]),
        Row("Runtime", "NIODriver", ["EventLoop"]),
        Row("Runtime", "TLSTunnel"),

        Row("Wires", "RDBWire", ["CNumbers"]),
        Row("Wires", "ReplicationWire"),
        Row("Wires", "RESPWire", ["EventLoop", "CNumbers"]),
        Row("Wires", "BeanstalkWire", ["EventLoop", "CNumbers"]),

        Row("Emulators", "CacheEmulator", ["EventLoop", "RDBWire", "RESPWire", "CLua", "CNumbers", "CPrefetch"]),
        Row("Emulators", "QueueEmulator", ["EventLoop", "BeanstalkWire"]),

        Row(
            "Gateway", "Gateway",
            ["BrokerModel", "EventLoop", "RESPWire", "BeanstalkWire", "CacheEmulator", "QueueEmulator"]),

        Row("Providers", "ProviderKit", ["BrokerModel", "EventLoop", "Gateway", "RESPWire"]),
        Row(
            "Providers", "EmulatedProviders",
            [
                "ProviderKit", "BrokerModel", "EventLoop", "CacheEmulator", "QueueEmulator", "CSQLite", "Gateway",
                "Processes", "RDBWire", "ReplicationWire",
            ]),
        Row(
            "Providers", "ServerProviders",
            [
                "ProviderKit", "BrokerModel", "EventLoop", "RDBWire", "ReplicationWire", "RESPWire", "BeanstalkWire",
                "Processes", "CHiredis", "Gateway", "TLSTunnel",
            ]),

        Row("Providers", "ProviderConformance", ["ProviderKit", "BrokerModel", "EventLoop", "Gateway"]),

        Row("Control", "Ledger", ["BrokerModel"]),
        Row("Control", "ControlPlane", ["BrokerModel", "ProviderKit", "Ledger", "Gateway", "EventLoop", "Processes"]),

        Row("Faces", "EnvironmentFormats", ["BrokerModel"]),
        Row("Faces", "BrokerClient", ["BrokerModel"]),
        Row("Faces", "BrokerTesting", ["BrokerModel", "Processes"]),
        Row("Faces", "AdminAPI", ["ControlPlane", "BrokerModel", "EnvironmentFormats"]),
        Row("Faces", "BrokerCommands", ["BrokerClient", "BrokerModel", "EnvironmentFormats", "Processes"]),
        Row(
            "Faces", "BrokerDaemon",
            [
                "AdminAPI", "BrokerClient", "BrokerModel", "ControlPlane", "EmulatedProviders", "EpollDriver",
                "EventLoop", "Gateway", "Ledger", "NIODriver", "Processes", "ProviderKit", "ServerProviders",
            ]),

        Row("Programs", "broker", ["BrokerCommands", "BrokerDaemon"]),
    ]

    /// Targets that may import anything.
    static let unbound: Set<String> = ["TestKit", "BrokerBenchmarks"]

    /// Modules of others that one target alone may import.
    static let exclusive: [String: Set<String>] = [
        "CHiredis": ["ServerProviders"],
        "CLua": ["CacheEmulator"],
        "CSQLite": ["EmulatedProviders"],
        "GRDB": ["Ledger"],
        "Hummingbird": ["AdminAPI"],
        "AsyncHTTPClient": ["BrokerClient"],
        "ArgumentParser": ["BrokerCommands"],
        "ServiceLifecycle": ["AdminAPI", "BrokerDaemon"],
        "NIOSSL": ["TLSTunnel"],
        "Subprocess": ["Processes"],
    ]

    /// Floors of the data plane: no Foundation, no driver's types beside the loop's.
    static let dataPlane: Set<String> = ["Wires", "Emulators", "Gateway", "Runtime"]

    /// Those of the data plane that are made of SwiftNIO.
    static let onNIO: Set<String> = ["NIODriver", "TLSTunnel"]

    /// Files over 400 lines, and why they are not split.
    static let longFiles: [String: String] = [
        "Sources/Runtime/EpollDriver/EpollLoop.swift": "a turn and the turns within it share all of its state"
    ]
}
