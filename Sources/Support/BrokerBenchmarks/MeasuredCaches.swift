import EventLoop
import Foundation
import Processes
import TestKit

/// A cache under measurement: where it is, and whose memory it takes.
struct MeasuredCache: Sendable {
    var pid: Int32
    var address: SocketAddress
    var secret: String

    func connect() throws -> SocketClient {
        let client = try SocketClient(to: address, timeout: .seconds(120))
        try client.send("AUTH \(secret)\r\n")
        _ = try client.receive(until: "\r\n")
        return client
    }

    /// Sends commands in pipelines of a thousand; replies are of one line each.
    func send(_ count: Int, _ command: (Int) -> String) throws {
        let client = try connect()
        var sent = 0
        while sent < count {
            let part = min(1000, count - sent)
            try client.send((sent..<sent + part).map { command($0) + "\r\n" }.joined())
            for _ in 0..<part { _ = try client.receive(until: "\r\n") }
            sent += part
        }
    }

    /// Runs one command whose reply is of one line.
    func ask(_ command: String) throws {
        try send(1) { _ in command }
    }

    /// What the process has in memory, in bytes.
    func residentBytes() throws -> Double {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        guard let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap({ Double($0) }) else {
            throw BenchmarkFailure("/proc/\(pid)/status names no VmRSS")
        }
        return kilobytes * 1024
    }
}

extension BrokerUnderTest {
    /// A fresh emulated cache of `daemon`.
    func cache(_ name: String, of daemon: ChildProcess, plan: String = "ephemeral") async throws -> MeasuredCache {
        try await run("create", name, "--class", "redis", "--plan", plan)
        try await run("attach", name, "--to", "bench")
        let url = try await run("url", name, "--app", "bench").output
        guard let parts = URLComponents(string: url.trimmingCharacters(in: .whitespacesAndNewlines)),
            let port = parts.port, let secret = parts.password
        else { throw BenchmarkFailure("no URL of the resource: \(url)") }
        return MeasuredCache(
            pid: daemon.pid, address: .tcp(host: "127.0.0.1", port: UInt16(port)), secret: secret)
    }
}
