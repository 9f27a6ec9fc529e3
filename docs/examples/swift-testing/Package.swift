// swift-tools-version: 6.2
import PackageDescription

// A package that tests what it keeps in Redis with resources that broker leases: `swift package broker-test`, or plainly
// `swift test`, where the traits start the daemon.
let package = Package(
    name: "sessions",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "broker", path: "../../..")],
    targets: [
        .target(name: "Sessions"),
        .testTarget(
            name: "SessionsTests", dependencies: ["Sessions", .product(name: "BrokerTesting", package: "broker")]),
    ]
)
