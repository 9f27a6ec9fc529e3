import BrokerModel
import Ledger
import Processes
import Synchronization
import TestKit
import Testing

@testable import ControlPlane
@testable import ServerProviders

/// kill -9 at every persisted step. Here the control plane is cut off in its own process: its loop ends, its operation
/// never goes on. The end-to-end tests do the same to the real daemon.
@Suite struct CrashTests {
    @Test(arguments: CrashPoint.allCases.filter { !$0.rawValue.hasPrefix("swap") })
    func `a crash ends in one legal state, and the retry converges`(point: CrashPoint) async throws {
        try await BrokerUnderTest.run { broker in
            if !["create", "attach"].contains(verb(point)) { try await broker.attach("cache") }
            if verb(point) == "destroy" { try await broker.detach("cache") }
            let id = OperationID(rawValue: "the-operation")
            try await broker.crash(at: point) { plane in
                switch verb(point) {
                case "create":
                    _ = try await plane.create(
                        CreateRequest(name: "cache", class: nil, provider: nil, plan: nil),
                        in: BrokerUnderTest.workspace,
                        operation: id)
                case "attach": _ = try await plane.attach(Self.request, in: BrokerUnderTest.workspace, operation: id)
                case "detach":
                    _ = try await plane.detach(
                        resource: "cache", app: "web", alias: nil, in: BrokerUnderTest.workspace, operation: id)
                default:
                    _ = try await plane.destroy("cache", in: BrokerUnderTest.workspace, force: false, operation: id)
                }
            }

            #expect(try await broker.ledger.read { try $0.unfinishedOperations() } == [])
            let status = try await broker.status()
            let releases = (try? await broker.plane.releases(of: "web", in: broker.workspace))?.releases.map(\.version)
            switch verb(point) {
            case "create":
                #expect(status.resources.map(\.state) == ["ready"])
                #expect(try await broker.create("cache", operation: id).created)
            case "attach":
                #expect(status.resources.map(\.state) == ["ready"])
                #expect(releases == [1])
                #expect(try RedisClient(try await broker.variable("CACHE_URL")).ask("PING") == "+PONG")
                let retry = try await broker.plane.attach(Self.request, in: broker.workspace, operation: id)
                #expect(retry.attached && retry.created && retry.release == 1)
            case "detach":
                #expect(status.resources.map(\.state) == ["ready"])
                #expect(releases == [2, 1])
                #expect(try await broker.variables().isEmpty)
                #expect(try await broker.detach("cache", operation: id).release == 2)
            default:
                #expect(status.resources.isEmpty)
                #expect(try await broker.destroy("cache", operation: id).resource == "cache")
            }
            let resources = try await broker.status().resources.count
            #expect(try await broker.ledger.read { try $0.backings() }.count == resources)
        }
    }

    @Test(.requires(.redisServer), arguments: CrashPoint.allCases.filter { $0.rawValue.hasPrefix("swap") })
    func `invariant (v): after a crash in a swap exactly one provider counts`(point: CrashPoint) async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let url = try await broker.variable("CACHE_URL")
            let id = OperationID(rawValue: "the-swap")
            // The former provider of a live swap is kept: only a cold one removes it.
            let isCold = point == .swapRemoved
            let request = SwapRequest(to: try ProviderDocument("exec:redis-server"), cold: isCold ? true : nil)
            try await broker.crash(at: point) { plane in
                _ = try await plane.swap("cache", request, in: BrokerUnderTest.workspace, operation: id)
            }

            let isSwitched = [.swapSwitched, .swapRemoved, .swapCommitted].contains(point)
            try await broker.isEventually("ready", "cache")
            try await eventually("the operation is finished") {
                try await broker.ledger.read { try $0.unfinishedOperations() }.isEmpty
            }
            #expect(try await broker.resource("cache")?.provider == (isSwitched ? "exec:redis-server" : "emulator"))
            #expect(try await broker.ledger.read { try $0.backings() }.count == 1)
            #expect(broker.names(in: "resources").count == (isSwitched ? 1 : 0))
            #expect(try await broker.variable("CACHE_URL") == url)
            #expect(try RedisClient(url).ask("SET k v") == "+OK")
            #expect(try await broker.status().apps.first?.release == (isSwitched ? 2 : 1))

            if isSwitched {
                let again = try await broker.swap("cache", to: "exec:redis-server", cold: isCold, operation: id)
                #expect(again.releases == ["web": 2])
            } else {
                let error = await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: "exec:redis-server", cold: isCold, operation: id)
                }
                #expect(error == SwapMachine.interrupted)
                try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
            }
            #expect(try RedisClient(url).ask("GET k") == "v")
        }
    }

    @Test(.requires(.redisServer), arguments: [false, true])
    func `a server process is found again after a crash, and comes back after a stop, with its data`(
        afterKill: Bool
    ) async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:redis-server")
            let url = try await broker.variable("CACHE_URL")
            try RedisClient(url).ask("SET k v")
            let before = try #require(await broker.exec.servers.values.first?.process.identity)
            try await broker.restart(afterKill: afterKill)
            try await broker.isEventually("ready", "cache")
            let after = try #require(await broker.exec.servers.values.first?.process.identity)
            #expect((after == before) == afterKill)
            #expect(try RedisClient(url).ask("GET k") == "v")
            try await broker.destroy("cache", force: true)
            #expect(!after.isAlive)
            #expect(broker.names(in: "resources").isEmpty)
        }
    }

    private static let request = AttachRequest(
        resource: "cache", app: "web", alias: nil, class: nil, provider: nil, direct: false)

    private func verb(_ point: CrashPoint) -> String { String(point.rawValue.prefix { $0 != "." }) }
}

extension BrokerUnderTest {
    /// Runs `body` until it gets to `point`, cuts the control plane off there, and starts another one.
    func crash(at point: CrashPoint, _ body: @escaping @Sendable (ControlPlane) async throws -> Void) async throws {
        let (hits, hit) = AsyncStream.makeStream(of: Void.self)
        reached = { now in
            guard now == point else { return }
            hit.yield()
            // It never goes on.
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        }
        try await restart()
        reached = { _ in }
        let operation = Task { [plane] in
            do { try await body(plane) } catch {
                Issue.record("the operation failed before \(point.rawValue): \(error)")
            }
            hit.finish()
        }
        for await _ in hits { break }
        try await restart(afterKill: true)
        operation.cancel()
    }
}
