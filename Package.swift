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

func tests(_ folder: String, _ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(folder)/\(name)", swiftSettings: strict)
}

func library(_ product: String, _ package: String) -> Target.Dependency {
    .product(name: product, package: package)
}

let package = Package(
    name: "broker",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "broker", targets: ["broker"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // Runtime
        .target(name: "CEpoll", path: "Sources/Runtime/CEpoll"),
        floor("Runtime", "EventLoop"),
        floor("Runtime", "EpollDriver", ["EventLoop", "CEpoll"]),

        // Programs
        .executableTarget(name: "broker", dependencies: [
            library("ArgumentParser", "swift-argument-parser"),
            "EpollDriver",
        ], path: "Sources/Programs/broker", swiftSettings: strict),
    ]
)
