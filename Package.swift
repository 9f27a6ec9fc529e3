// swift-tools-version: 6.2
import PackageDescription

// The floors of docs/architecture.md are the folders of Sources/; ArchitectureTests checks every import against them.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

func floor(_ folder: String, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(folder)/\(name)", swiftSettings: strict)
}

/// `excluding` names what is no source: golden files and transcripts are read from their folder.
func tests(
    _ folder: String, _ name: String, _ dependencies: [Target.Dependency], excluding: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(folder)/\(name)", exclude: excluding,
        swiftSettings: strict)
}

func library(_ product: String, _ package: String) -> Target.Dependency {
    .product(name: product, package: package)
}

let epollOnLinux: Target.Dependency = .target(name: "EpollDriver", condition: .when(platforms: [.linux]))

let package = Package(
    name: "broker",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "broker", targets: ["broker"]),
        .library(name: "BrokerTesting", targets: ["BrokerTesting"]),
        .library(name: "ProviderConformance", targets: ["ProviderConformance"]),
        .plugin(name: "BrokerPlugin", targets: ["BrokerPlugin"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // Support
        .systemLibrary(name: "CHiredis", path: "Sources/Support/CHiredis"),
        .target(
            name: "CLua", path: "Sources/Support/CLua",
            linkerSettings: [
                .linkedLibrary("lua5.1", .when(platforms: [.linux])),
                .linkedLibrary("lua.5.1", .when(platforms: [.macOS])),
            ]),
        .target(name: "CNumbers", path: "Sources/Support/CNumbers"),
        .target(name: "CPrefetch", path: "Sources/Support/CPrefetch"),
        .systemLibrary(name: "CSQLite", path: "Sources/Support/CSQLite"),
        .target(name: "CSpawn", path: "Sources/Support/CSpawn"),
        floor("Support", "Processes", ["CSpawn"]),
        floor("Support", "TestKit", ["EventLoop", "NIODriver", epollOnLinux, "Processes", "RDBWire"]),

        // Model
        floor("Model", "BrokerModel"),

        // Runtime
        .target(name: "CEpoll", path: "Sources/Runtime/CEpoll"),
        floor("Runtime", "EventLoop"),
        floor("Runtime", "EpollDriver", ["EventLoop", "CEpoll"]),
        floor(
            "Runtime", "NIODriver",
            ["EventLoop", library("NIOCore", "swift-nio"), library("NIOPosix", "swift-nio")]),
        floor(
            "Runtime", "TLSTunnel",
            [
                library("NIOCore", "swift-nio"), library("NIOPosix", "swift-nio"), library("NIOTLS", "swift-nio"),
                library("NIOSSL", "swift-nio-ssl"),
            ]),

        // Wires
        floor("Wires", "RESPWire", ["EventLoop", "CNumbers"]),
        floor("Wires", "BeanstalkWire", ["EventLoop"]),
        floor("Wires", "RDBWire", ["CNumbers"]),
        floor("Wires", "ReplicationWire"),

        // Emulators
        floor(
            "Emulators", "CacheEmulator",
            ["EventLoop", "RDBWire", "RESPWire", "CLua", "CPrefetch", library("Crypto", "swift-crypto")]),
        floor("Emulators", "QueueEmulator", ["EventLoop", "BeanstalkWire"]),

        // Gateway
        floor(
            "Gateway", "Gateway",
            [
                "BrokerModel", "EventLoop", "RESPWire", "CacheEmulator", "QueueEmulator",
                library("Crypto", "swift-crypto"),
            ]),

        // Providers
        floor("Providers", "ProviderKit", ["BrokerModel", "Gateway", "RESPWire"]),
        floor(
            "Providers", "EmulatedProviders",
            [
                "ProviderKit", "BrokerModel", "EventLoop", "Gateway", "CacheEmulator", "QueueEmulator", "CSQLite",
                "Processes", "RDBWire", "ReplicationWire",
            ]),
        floor(
            "Providers", "ServerProviders",
            [
                "ProviderKit", "BrokerModel", "EventLoop", "Gateway", "Processes", "CHiredis", "RDBWire", "RESPWire",
                "ReplicationWire", "TLSTunnel", library("Crypto", "swift-crypto"),
            ]),

        floor("Providers", "ProviderConformance", ["ProviderKit", "BrokerModel", "EventLoop", "Gateway"]),

        // Control
        floor(
            "Control", "Ledger", ["BrokerModel", library("Crypto", "swift-crypto"), library("GRDB", "GRDB.swift")]),
        floor(
            "Control", "ControlPlane",
            [
                "BrokerModel", "EventLoop", "Gateway", "Ledger", "Processes", "ProviderKit",
                library("Logging", "swift-log"),
            ]),

        // Faces
        floor("Faces", "EnvironmentFormats", ["BrokerModel"]),
        floor(
            "Faces", "BrokerClient",
            [
                "BrokerModel", library("AsyncHTTPClient", "async-http-client"), library("NIOCore", "swift-nio"),
                library("NIOHTTP1", "swift-nio"), library("NIOPosix", "swift-nio"),
            ]),
        floor(
            "Faces", "BrokerCommands",
            [
                "BrokerClient", "BrokerModel", "EnvironmentFormats", "Processes",
                library("ArgumentParser", "swift-argument-parser"),
            ]),
        floor(
            "Faces", "AdminAPI",
            [
                "BrokerModel", "ControlPlane", library("HTTPTypes", "swift-http-types"),
                library("Hummingbird", "hummingbird"), library("Logging", "swift-log"), library("NIOCore", "swift-nio"),
                library("ServiceLifecycle", "swift-service-lifecycle"),
            ]),
        floor(
            "Faces", "BrokerDaemon",
            [
                "AdminAPI", "BrokerClient", "BrokerModel", "ControlPlane", "EmulatedProviders", "EventLoop", "Gateway",
                "Ledger", "NIODriver", "Processes", "ServerProviders", epollOnLinux, library("Logging", "swift-log"),
                library("ServiceLifecycle", "swift-service-lifecycle"),
                library("UnixSignals", "swift-service-lifecycle"),
            ]),

        floor("Faces", "BrokerTesting", ["BrokerModel", "Processes"]),
        .plugin(
            name: "BrokerPlugin",
            capability: .command(
                intent: .custom(verb: "broker-test", description: "Run the package's tests with leased resources.")),
            path: "Plugins/BrokerPlugin"),

        // Programs
        .executableTarget(
            name: "BrokerBenchmarks", dependencies: ["EventLoop", "Processes", "TestKit"],
            path: "Sources/Support/BrokerBenchmarks", swiftSettings: strict),
        .executableTarget(
            name: "broker", dependencies: ["BrokerCommands", "BrokerDaemon"], path: "Sources/Programs/broker",
            swiftSettings: strict),

        // Tests
        tests("Architecture", "ArchitectureTests", []),
        tests("Model", "BrokerModelTests", ["BrokerModel"]),
        tests("Runtime", "EventLoopTests", ["EventLoop", "TestKit"]),
        tests("Wires", "BeanstalkWireTests", ["EventLoop", "BeanstalkWire", "TestKit"]),
        tests("Wires", "RDBWireTests", ["RDBWire"]),
        tests("Wires", "RESPWireTests", ["EventLoop", "RESPWire"]),
        tests("Wires", "ReplicationWireTests", ["ReplicationWire"]),
        tests("Emulators", "CacheEmulatorTests", ["EventLoop", "RDBWire", "RESPWire", "CacheEmulator", "TestKit"]),
        tests(
            "Emulators", "QueueEmulatorTests", ["EventLoop", "BeanstalkWire", "QueueEmulator", "TestKit"],
            excluding: ["Transcripts"]),
        tests("Conformance", "RedisConformanceTests", ["CacheEmulator", "EventLoop", "Gateway", "TestKit"]),
        tests("Support", "ProcessesTests", ["Processes", "TestKit"]),
        tests(
            "Control", "LedgerTests", ["Ledger", "BrokerModel", "TestKit", library("GRDB", "GRDB.swift")],
            excluding: ["Golden"]),
        tests(
            "Control", "ControlPlaneTests",
            [
                "BrokerModel", "ControlPlane", "EmulatedProviders", "EventLoop", "Gateway", "Ledger", "Processes",
                "ProviderKit", "RESPWire", "ServerProviders", "TestKit", library("Logging", "swift-log"),
            ]),
        tests(
            "Providers", "EmulatedProvidersTests",
            [
                "EmulatedProviders", "ProviderKit", "BrokerModel", "CacheEmulator", "EventLoop", "Gateway",
                "QueueEmulator", "RDBWire", "RESPWire", "TestKit",
            ]),
        tests(
            "Providers", "ServerProvidersTests",
            ["ServerProviders", "ProviderKit", "BrokerModel", "EventLoop", "Processes", "TestKit"]),
        tests(
            "Providers", "ProviderConformanceTests",
            [
                "CacheEmulator", "EmulatedProviders", "ServerProviders", "Gateway", "ProviderConformance",
                "ProviderKit", "BrokerModel", "EventLoop", "Processes", "TestKit",
            ]),
        tests(
            "Gateway", "GatewayTests",
            ["BrokerModel", "CacheEmulator", "EventLoop", "Gateway", "QueueEmulator", "TestKit"]),
        tests("Faces", "EnvironmentFormatsTests", ["EnvironmentFormats", "BrokerModel"]),
        tests("Faces", "BrokerClientTests", ["BrokerClient", "BrokerModel"]),
        tests(
            "Faces", "BrokerCommandsTests",
            ["BrokerCommands", "BrokerModel", "TestKit", library("ArgumentParser", "swift-argument-parser")],
            excluding: ["Golden"]),
        tests("Faces", "BrokerDaemonTests", ["BrokerDaemon", "BrokerModel", library("Logging", "swift-log")]),
        tests(
            "Faces", "AdminAPITests", ["AdminAPI", "BrokerModel", "TestKit", library("HTTPTypes", "swift-http-types")],
            excluding: ["Golden"]),
        tests("Faces", "BrokerTestingTests", ["BrokerTesting", "BrokerModel", "EventLoop", "TestKit"]),
        tests("EndToEnd", "EndToEndTests", ["BrokerClient", "ControlPlane", "EventLoop", "Processes", "TestKit"]),
    ]
)

// A program for each decoder and emulator, which .ci/fuzz builds with libFuzzer's main and runs.
if Context.environment["FUZZ"] == "1" {
    let programs: [(name: String, dependencies: [Target.Dependency])] = [
        ("FuzzBeanstalkCommands", ["BeanstalkWire"]),
        ("FuzzCacheEmulator", ["CacheEmulator", "EventLoop", "FuzzClient", "FuzzLines", "RESPWire"]),
        ("FuzzDumpPayload", ["CacheEmulator", "RESPWire"]),
        ("FuzzQueueEmulator", ["BeanstalkWire", "EventLoop", "FuzzLines", "QueueEmulator"]),
        ("FuzzRDBFile", ["RDBWire"]),
        ("FuzzRESPReplies", ["RESPWire"]),
        ("FuzzRESPRequests", ["RESPWire"]),
        ("FuzzScripts", ["CacheEmulator", "FuzzClient"]),
    ]
    package.targets += [
        .target(name: "FuzzLines", path: "Tests/Fuzz/FuzzLines", swiftSettings: strict),
        .target(
            name: "FuzzClient", dependencies: ["CacheEmulator", "EventLoop", "RESPWire"], path: "Tests/Fuzz/FuzzClient",
            swiftSettings: strict),
    ]
    for program in programs {
        package.products.append(.executable(name: program.name, targets: [program.name]))
        package.targets.append(
            .executableTarget(
                name: program.name, dependencies: program.dependencies, path: "Tests/Fuzz/\(program.name)",
                exclude: ["Seeds"], swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]))
    }
}
