import EventLoop
import Foundation
import Processes
import TestKit

/// The relay in front of a real server against haproxy in TCP mode in front of the same one: processor time per
/// operation and per megabyte of large values. haproxy moves bytes and knows nothing of them; the relay frames both
/// directions.
struct RelayBenchmarks {
    let broker: BrokerUnderTest
    let options: Options

    private static let largeValue = 100_000

    func run(into report: inout Report) async throws {
        guard let haproxy = Self.haproxy else {
            print("the relay was not measured: there is no haproxy on PATH")
            return
        }
        let (daemon, _) = try await broker.startDaemon()
        try await RealServer.run(.redisServer, secret: "bench") { server in
            guard let port = server.port else { return }
            try await measure(haproxy, daemon, server, "redis://127.0.0.1:\(port)/0", "server redis 127.0.0.1:\(port)")
            {
                try await compare($0, $1, $2, &report)
            }
        }
        let (files, port) = (try await TLSFiles(), try FreePort.find())
        try await RealServer.run(.redisServer, arguments: files.arguments(port: port), secret: "bench") { server in
            let line = "server redis 127.0.0.1:\(port) ssl verify required ca-file \(files.authority)"
            let url = "rediss://127.0.0.1:\(port)/0?ssl_ca_certs=\(files.authority)"
            try await measure(haproxy, daemon, server, url, line) { ours, other, _ in
                let group = "relay to a server over TLS, CPU against haproxy"
                try await compareSmall(ours, other, group, &report)
            }
        }
        await daemon.terminate(grace: .seconds(5))
    }

    /// Puts both in front of `server`, which each reaches as it is told.
    private func measure(
        _ haproxy: String, _ daemon: ChildProcess, _ server: RealServer, _ provider: String, _ line: String,
        _ compare: (LoadedServer, LoadedServer, LoadedServer) async throws -> Void
    ) async throws {
        guard let port = server.port else { return }
        let direct = LoadedServer(pid: server.process.pid, port: port, secret: "bench")
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        // The secret stays out of the arguments.
        try "bench".write(toFile: directory.file("secret"), atomically: true, encoding: .utf8)
        let name = provider.hasPrefix("rediss") ? "relay-tls" : "relay"
        try await broker.run(
            "attach", name, "--class", "redis", "--to", "bench", "--provider", provider, "--secret-file",
            directory.file("secret"))
        let url = try await broker.run("url", name, "--app", "bench").output
        guard let parts = URLComponents(string: url.trimmingCharacters(in: .whitespacesAndNewlines)),
            let own = parts.port, let secret = parts.password
        else { throw BenchmarkFailure("no URL of the resource: \(url)") }
        let ours = LoadedServer(pid: daemon.pid, port: UInt16(own), secret: secret)
        let peer = try await start(haproxy, line, in: directory)
        let other = LoadedServer(pid: peer.process.pid, port: peer.port, secret: "bench")
        do {
            try await compare(ours, other, direct)
        } catch {
            await peer.process.terminate(grace: .seconds(2))
            throw error
        }
        await peer.process.terminate(grace: .seconds(2))
    }

    private func compare(
        _ ours: LoadedServer, _ haproxy: LoadedServer, _ direct: LoadedServer, _ report: inout Report
    ) async throws {
        let group = "relay, CPU against haproxy"
        try await compareSmall(ours, haproxy, group, &report)
        let operations = options.isSmoke ? 200 : 20_000
        for test in ["set", "get"] {
            let ratios = try await pairs {
                try await ours.drive(test, operations: operations, depth: 1, keys: 100, size: Self.largeValue)
                    .nanoseconds
                    / haproxy.drive(test, operations: operations, depth: 1, keys: 100, size: Self.largeValue)
                    .nanoseconds
            }
            report.add(group, "\(test.uppercased()) of 100 kB", "ratio", ratios, must: 0.8, ambitious: 0.6)
        }
        let one = options.isSmoke ? 500 : 20_000
        var (through, past) = ([Double](), [Double]())
        for _ in 0..<options.pairs {
            through.append(try await ours.drive("get", operations: one, depth: 1, clients: 1).p50)
            past.append(try await direct.drive("get", operations: one, depth: 1, clients: 1).p50)
        }
        report.add("latency of one client, p50", "through the relay", "ms", through)
        report.add("latency of one client, p50", "directly", "ms", past)
    }

    private func compareSmall(
        _ ours: LoadedServer, _ haproxy: LoadedServer, _ group: String, _ report: inout Report
    ) async throws {
        for (test, depth, must, ambitious) in [("get", 1, 1.15, 0.95), ("set", 1, 1.15, 0.95), ("get", 16, 1.3, 1.0)] {
            let operations = options.isSmoke ? 2000 : depth == 1 ? 100_000 : 400_000
            let ratios = try await pairs {
                try await ours.drive(test, operations: operations, depth: depth).nanoseconds
                    / haproxy.drive(test, operations: operations, depth: depth).nanoseconds
            }
            report.add(group, "\(test.uppercased()) P\(depth)", "ratio", ratios, must: must, ambitious: ambitious)
        }
    }

    private func pairs(_ ratio: () async throws -> Double) async throws -> [Double] {
        var ratios: [Double] = []
        for _ in 0..<options.pairs { ratios.append(try await ratio()) }
        return ratios
    }

    // MARK: haproxy

    private static var haproxy: String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + ["/usr/sbin"]
        return folders.map { "\($0)/haproxy" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// One thread, as the daemon's data plane has; long timeouts, TCP only.
    private func start(
        _ program: String, _ line: String, in directory: TemporaryDirectory
    ) async throws -> (process: ChildProcess, port: UInt16) {
        let own = try FreePort.find()
        let configuration = """
            global
                nbthread 1
            defaults
                mode tcp
                timeout connect 5s
                timeout client 1h
                timeout server 1h
            frontend front
                bind 127.0.0.1:\(own)
                default_backend back
            backend back
                \(line)

            """
        try configuration.write(toFile: directory.file("haproxy.cfg"), atomically: true, encoding: .utf8)
        var command = ProcessCommand(
            program, ["-db", "-q", "-f", directory.file("haproxy.cfg")],
            environment: ProcessInfo.processInfo.environment)
        command.output = .null
        command.error = .append(path: directory.file("haproxy.log"))
        let process = try ChildProcess.spawn(command)
        let deadline = ContinuousClock.now + .seconds(5)
        while (try? SocketClient(to: .tcp(host: "127.0.0.1", port: own), timeout: .seconds(1))) == nil {
            guard process.exitNow == nil, ContinuousClock.now < deadline else {
                let text = (try? String(contentsOfFile: directory.file("haproxy.log"), encoding: .utf8)) ?? ""
                throw BenchmarkFailure("haproxy does not start: \(text)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        return (process, own)
    }
}
