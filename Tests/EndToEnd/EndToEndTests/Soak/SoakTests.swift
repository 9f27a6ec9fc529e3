import Foundation
import Processes
import TestKit
import Testing

/// Live swaps under load through the built program, with an oracle for every write: T12. `make soak`
/// runs them long; SOAK_SWAPS says how many swaps, SOAK_SEED which faults.
@Suite(.requires(.redisServer), .serialized) struct SoakTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let swaps = Int(environment["SOAK_SWAPS"] ?? "") ?? 6
    private static let seed = UInt64(environment["SOAK_SEED"] ?? "") ?? 1
    /// How long the load goes on between two swaps.
    private static let gap = Duration.seconds(Int(environment["SOAK_GAP"] ?? "") ?? 0)
    /// How long the load runs without a swap, to compare.
    private static let control = Duration.seconds(Int(environment["SOAK_CONTROL"] ?? "") ?? 4)

    @Test func `T12: swaps while clients hammer: nothing failed, lost, doubled or disconnected`() async throws {
        try await Broker.use { broker in
            try await broker.succeed("attach", "cache", "--to", "web")
            let url = try await broker.succeed("url", "cache", "--app", "web")
            #expect(try await redis(url, "CONFIG SET notify-keyspace-events Kg$") == "+OK\r\n")
            let scope = SoakLoad.Scope(hasEvents: true)
            let control = try await run(broker, scope) { try? await ContinuousClock().sleep(for: Self.control) }
            let moved = try await run(broker, scope) {
                for number in 0..<Self.swaps {
                    try await swap(broker, to: number % 2 == 0 ? ["exec:redis-server"] : ["emulator"])
                }
            }
            show("emulator and server", moved, control)
        }
    }

    @Test func `T12: the same between servers`() async throws {
        try await RealServer.run(.redisServer) { server in
            let there = "redis://127.0.0.1:\(server.port ?? 0)/3"
            try await Broker.use { broker in
                try await broker.succeed("attach", "cache", "--to", "web", "--provider", "exec:redis-server")
                let scope = SoakLoad.Scope()
                let control = try await run(broker, scope) { try? await ContinuousClock().sleep(for: Self.control) }
                let moved = try await run(broker, scope) {
                    for number in 0..<Self.swaps {
                        try await swap(broker, to: number % 2 == 0 ? [there, "--overwrite"] : ["exec:redis-server"])
                    }
                }
                show("two servers", moved, control)
            }
        }
    }

    @Test func `T12: a daemon or a server that is killed loses and doubles nothing that was acknowledged`() async throws
    {
        var random = SeededRandom(seed: Self.seed)
        try await RealServer.run(.redisServer) { server in
            let there = "redis://127.0.0.1:\(server.port ?? 0)/3"
            try await Broker.use { broker in
                try await broker.succeed("attach", "cache", "--to", "web", "--provider", "exec:redis-server")
                let killed = try await run(broker, .init(hasKills: true)) {
                    for _ in 0..<Self.swaps {
                        let status = try await broker.run("status", "--json").json()
                        let resources = status["resources"] as? [[String: Any]]
                        let isThere = (resources?.first?["provider"] as? String)?.hasPrefix("redis") == true
                        let target = isThere ? ["exec:redis-server"] : [there, "--overwrite"]
                        let verb = try broker.start(["swap", "cache", "--to"] + target + ["--max-pause", "2s"])
                        try await ContinuousClock().sleep(for: .milliseconds(random.below(400)))
                        if random.oneIn(3), !isThere, let pid = try await serverProcess(broker) {
                            kill(pid, SIGKILL)
                        } else {
                            try await broker.killDaemon()
                        }
                        _ = await verb.process.exit(within: .seconds(60))
                        // The next verb starts the daemon again.
                        try await broker.succeed("url", "cache", "--app", "web")
                        try await eventually("the resource is ready", within: .seconds(30)) {
                            let status = try await broker.run("status", "--json").json()
                            return (status["resources"] as? [[String: Any]])?.first?["state"] as? String == "ready"
                        }
                    }
                }
                show("kills, seed \(Self.seed)", killed, nil)
            }
        }
    }

    // MARK: a run

    private func run(
        _ broker: Broker, _ scope: SoakLoad.Scope, _ body: () async throws -> Void
    ) async throws -> SoakLedger.State {
        let url = try await broker.succeed("url", "cache", "--app", "web")
            .trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try await redis(url, "FLUSHALL") == "+OK\r\n")
        let staying = SoakLoad.staying.map { "\($0) v" }.joined(separator: " ")
        #expect(try await redis(url, "MSET \(staying)") == "+OK\r\n")
        let owner = try LoadClient(url, mayBreak: false, until: Flag())
        #expect(try owner.ask("SCRIPT", "LOAD", SoakLoad.script) == .text(SoakLoad.scriptHash))
        #expect(try owner.ask("FUNCTION", "LOAD", "REPLACE", SoakLoad.library) == .text("soak"))
        let stop = Flag()
        let load = SoakLoad(url: url, scope: scope, ledger: SoakLedger(), stop: stop)
        let clients = load.start()
        do {
            try await body()
        } catch {
            load.ledger.fail("\(error)")
        }
        stop.set()
        for client in clients { try await client.value }
        let state = load.ledger.now
        if !state.failures.isEmpty {
            let kinds = Dictionary(grouping: state.failures) { $0 }.map { "\($1.count) times \($0)" }.sorted()
            Issue.record("seed \(Self.seed): \(kinds.joined(separator: "; "))\n\(broker.logTail)")
        }
        #expect(state.disconnected == 0)
        try check(state, LoadClient(url, mayBreak: false, until: stop))
        return state
    }

    private func swap(_ broker: Broker, to target: [String]) async throws {
        let verb = try broker.start(["swap", "cache", "--to"] + target + ["--max-pause", "2s", "--json"])
        let status = await verb.process.exit(within: .seconds(120))
        guard status == .code(0) else { throw LoadClient.Unexpected(description: "swap: \(try verb.error())") }
        let receipt = try JSONSerialization.jsonObject(with: Data(try verb.output().utf8)) as? [String: Any]
        let stall = receipt?["stall"] as? [String: Any]
        let copy = receipt?["copy"] as? [String: Any]
        #expect(receipt?["closed"] as? Int == 0)
        print(
            "soak: to \(target[0]):", copy?["keys"] ?? 0, "keys,", copy?["changes"] ?? 0, "changes, pause",
            receipt?["pause"] ?? 0, "ms,", stall?["clients"] ?? 0, "clients waited, p50", stall?["p50"] ?? 0, "p99",
            stall?["p99"] ?? 0, "ms")
        try await ContinuousClock().sleep(for: Self.gap)
    }

    private func serverProcess(_ broker: Broker) async throws -> Int32? {
        let url = try await broker.succeed("url", "cache", "--app", "web")
        let client = try redisClient(url.trimmingCharacters(in: .whitespacesAndNewlines))
        try client.send("INFO server\r\n")
        let length =
            Int(String(decoding: try client.receive(until: "\r\n").dropFirst().dropLast(2), as: UTF8.self)) ?? 0
        let info = String(decoding: try client.receive(exactly: length), as: UTF8.self)
        return info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("process_id:") }
            .flatMap { Int32($0.dropFirst("process_id:".count)) }
    }

    // MARK: the oracles

    /// Every acknowledged write is there once; those that were not answered are there once or not.
    private func check(_ state: SoakLedger.State, _ client: LoadClient) throws {
        for (key, count) in state.counts.sorted(by: { $0.key < $1.key }) {
            let value: Int
            switch key.prefix(while: { $0 != ":" }) {
            case "hash": value = number(try client.ask("HGET", key, "f"))
            case "board": value = number(try client.ask("ZSCORE", key, "m"))
            default: value = number(try client.ask("GET", key))
            }
            let legal = count.acknowledged...count.acknowledged + count.indeterminate
            #expect(legal.contains(value), "\(key) is \(value), and \(legal) was written; seed \(Self.seed)")
        }
        var left: Set<String> = []
        for number in 0..<4 {
            guard case .list(let elements) = try client.ask("LRANGE", "list:\(number)", "0", "-1") else { continue }
            for case .text(let element) in elements {
                if !left.insert(element).inserted || state.popped.contains(element) {
                    Issue.record("\(element) is there twice; seed \(Self.seed)")
                }
            }
        }
        let there = state.popped.union(left)
        let lost = state.pushed.subtracting(there)
        #expect(lost.count <= state.indeterminatePops, "lost: \(lost.prefix(5)); seed \(Self.seed)")
        #expect(there.isSubset(of: state.pushed.union(state.maybePushed)), "seed \(Self.seed)")
        for (key, history) in state.registers {
            #expect(history.violation == nil, "\(key) is not linearizable; seed \(Self.seed)")
        }
    }

    private func number(_ reply: LoadReply) -> Int {
        if case .text(let text) = reply { Int(Double(text) ?? 0) } else { 0 }
    }

    private func show(_ name: String, _ state: SoakLedger.State, _ control: SoakLedger.State?) {
        func gaps(_ state: SoakLedger.State) -> String {
            let all = state.gaps.map { $0 }
            return [50, 99, 100].map { String(format: "%.1f", all.percentile($0)) }.joined(separator: "/") + " ms"
        }
        let doubted = state.counts.values.reduce(0) { $0 + $1.indeterminate } + state.indeterminatePops
        print(
            "soak: \(name): \(state.commands) commands, \(Self.swaps) swaps, \(state.gaps.count) clients,",
            "\(doubted) not answered, \(state.conflicts) conflicts; longest gap of a client p50/p99/max \(gaps(state))",
            control.map { "; without swaps \(gaps($0))" } ?? "")
    }
}
