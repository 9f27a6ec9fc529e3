import Foundation
import Processes
import TestKit
import Testing

/// `make bench` works: a short run for breakage only. What it measures here means nothing.
@Suite(.serialized) struct BenchmarkTests {
    @Test(.requires(.redisServer)) func `a short run of the benchmarks measures everything and writes it down`()
        async throws
    {
        let folder = try TemporaryDirectory()
        var variables = ProcessInfo.processInfo.environment
        variables["BROKER_BINARY"] = Broker.binary
        var command = ProcessCommand(
            Broker.built("BrokerBenchmarks"), ["--smoke", "--json", folder.file("figures.json")],
            environment: variables, workingDirectory: folder.path)
        command.output = .append(path: folder.file("out"))
        command.error = .append(path: folder.file("out"))
        let benchmark = try ChildProcess.spawn(command)
        let status = await benchmark.exit(within: .seconds(120))
        if status == nil { await benchmark.terminate(grace: .seconds(5)) }
        let output = try String(contentsOfFile: folder.file("out"), encoding: .utf8)
        #expect(status == .code(0), "\(output)")
        for row in ["broker --version", "GET P1", "SET P16", "idle daemon"] { #expect(output.contains(row), "\(row)") }
        let figures = try Data(contentsOf: URL(filePath: folder.file("figures.json")))
        #expect(try JSONSerialization.jsonObject(with: figures) is [String: Any])
    }
}
