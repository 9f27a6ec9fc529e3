import Foundation
import PackagePlugin

/// `swift package broker-test [--set NAME[=CLASS] …] [broker test's options] [-- swift test's options]`: builds the
/// package's tests, and runs them, XCTest and Swift Testing, within `broker test`.
///
/// The broker is the program that BROKER_BINARY names, else the one on PATH, else the package's own product, which is
/// built first. No permission is declared: a run without a terminal would fail.
@main struct BrokerPlugin: CommandPlugin {
    func performCommand(context: PluginContext, arguments: [String]) async throws {
        let (own, rest) = split(arguments)
        let build = try packageManager.build(
            .all(includingTests: true), parameters: PackageManager.BuildParameters(logging: .concise))
        guard build.succeeded else { throw Failure(text: "the package does not build:\n\(build.logText)") }
        let broker = try broker(context)
        var swift = [swiftProgram(), "test", "--skip-build", "--ignore-lock"]
        swift += ["--package-path", context.package.directoryURL.path]
        if let scratch = scratchPath(context) { swift += ["--scratch-path", scratch] }
        swift += rest
        let status = try run(broker, ["test"] + own + ["--"] + swift)
        guard status == 0 else { throw Failure(text: "the tests ended with exit code \(status)") }
    }

    /// Options before `--` are broker's, those behind it `swift test`'s.
    private func split(_ arguments: [String]) -> (own: [String], rest: [String]) {
        guard let end = arguments.firstIndex(of: "--") else { return (arguments, []) }
        return (Array(arguments[..<end]), Array(arguments[(end + 1)...]))
    }

    private func broker(_ context: PluginContext) throws -> String {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["BROKER_BINARY"], !named.isEmpty { return named }
        for folder in (environment["PATH"] ?? "").split(separator: ":") {
            let candidate = "\(folder)/broker"
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
        }
        let build = try packageManager.build(
            .product("broker"),
            parameters: PackageManager.BuildParameters(configuration: .release, logging: .concise))
        guard build.succeeded, let artifact = build.builtArtifacts.first(where: { $0.kind == .executable }) else {
            throw Failure(text: "there is no broker on PATH, and it could not be built:\n\(build.logText)")
        }
        return artifact.url.path
    }

    /// Where the package was built: what is above the folder of the plugins' work.
    private func scratchPath(_ context: PluginContext) -> String? {
        context.pluginWorkDirectoryURL.path.range(of: "/plugins/", options: .backwards).map {
            String(context.pluginWorkDirectoryURL.path[..<$0.lowerBound])
        }
    }

    /// The toolchain's own, which runs this plugin.
    private func swiftProgram() -> String {
        ProcessInfo.processInfo.environment["SWIFT_EXEC"].map { $0.replacingOccurrences(of: "swiftc", with: "swift") }
            ?? "swift"
    }

    private func run(_ program: String, _ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}

struct Failure: Error, CustomStringConvertible {
    let text: String

    var description: String { text }
}
