import BrokerModel
import Foundation
import Ledger
import Processes
import Synchronization
import TestKit
import Testing

@testable import ControlPlane
@testable import ServerProviders

/// What can fail while a swap runs: behind every fault exactly one provider counts, the app goes on with it, and the
/// error says what happened and what to do.
@Suite(.requires(.redisServer)) struct SwapFaultTests {
    private static let phases: [CrashPoint] = [.swapEffected, .swapCopying, .swapCopied, .swapHeld]

    private func url(_ server: RealServer, _ account: String = "") -> String {
        "redis://\(account)127.0.0.1:\(server.port ?? 0)/0"
    }

    /// A swap that fails at `point` for what `fault` does there: the source counts and serves.
    private func fails(
        from source: String? = nil, to target: String, _ point: CrashPoint, fault: @escaping @Sendable () async -> Void,
        check: (BrokerError?) throws -> Void
    ) async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: source)
            let text = try await broker.variable("CACHE_URL")
            broker.reached = { if $0 == point { await fault() } }
            try await broker.restart()
            try await eventually("it serves again") { (try? RedisClient(text).ask("SET k v")) == "+OK" }
            let client = try RedisClient(text)
            for number in 0..<500 { try client.ask("SET k\(number) \(number)") }
            let error = await #expect(throws: BrokerError.self) {
                try await broker.swap("cache", to: target, cold: false, maxPause: 2000)
            }
            #expect(error?.fix?.isEmpty == false)
            try check(error)
            // The app goes on, on the same connection, and nothing is lost.
            #expect(try client.ask("INCR k499") == ":500")
            #expect(try client.ask("DBSIZE") == ":501")
            #expect(try await broker.resource("cache")?.provider == (source ?? "emulator"))
            #expect(try await broker.ledger.read { try $0.backings() }.count == 1)
        }
    }

    @Test(arguments: phases)
    func `a target that is killed leaves the source in place`(point: CrashPoint) async throws {
        let target = try await RealServer.start(.redisServer)
        try await fails(
            to: url(target), point,
            fault: { kill(target.processID, SIGKILL) },
            check: { error in
                #expect([.serverUnreachable, .rolledBack].contains(error?.code), "\(String(describing: error))")
            })
        await target.stop()
    }

    @Test(arguments: phases + [.swapRestored])
    func `a source that is killed and comes back counts, with what its plan keeps`(point: CrashPoint) async throws {
        try await RealServer.run(.redisServer) { target in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: "exec:redis-server")
                let text = try await broker.variable("CACHE_URL")
                let pid = ProcessIDs()
                broker.reached = { if $0 == point { pid.killAll() } }
                broker.firstRestart = .milliseconds(50)
                try await broker.restart()
                try await eventually("it serves again") { (try? RedisClient(text).ask("SET k v")) == "+OK" }
                let client = try RedisClient(text)
                for number in 0..<500 { try client.ask("SET k\(number) \(number)") }
                // Its log is written once a second.
                #expect(try client.ask("CONFIG GET appendfsync") == "*2")
                pid.set(await broker.exec.servers.values.map { $0.process.identity.pid })
                let outcome = try? await broker.swap("cache", to: url(target), cold: false, maxPause: 2000)
                // Behind the last reply of the source the swap may succeed without it.
                let counts = try await broker.resource("cache")?.provider
                #expect(counts == (outcome == nil ? "exec:redis-server" : url(target)))
                try await eventually("whoever counts serves") { (try? RedisClient(text).ask("GET k499")) == "499" }
                #expect(try RedisClient(text).ask("DBSIZE") == ":501")
                #expect(try await broker.ledger.read { try $0.backings() }.count <= 2)
            }
        }
    }

    @Test func `a target that becomes read-only is told`() async throws {
        try await RealServer.run(.redisServer) { target in
            let place = url(target)
            try await fails(
                to: place, .swapCopying,
                fault: { _ = try? RedisClient(place).ask("REPLICAOF 127.0.0.1 1") },
                check: { error in
                    #expect(error?.what == "\"\(place)\" takes no writes and refuses RESTORE")
                    #expect(error?.why.contains("READONLY") == true)
                })
        }
    }

    @Test func `a target that refuses a command is told, with the right that it lacks`() async throws {
        try await RealServer.run(.redisServer) { target in
            try RedisClient(url(target)).ask("ACL SETUSER app on >pw allkeys allchannels +@all -restore")
            try await fails(
                to: url(target, "app:pw@"), .swapCopied,
                fault: {},
                check: { error in
                    #expect(error?.what == "\"\(url(target, "app@"))\" refuses RESTORE")
                    #expect(error?.fix?.contains("+restore") == true)
                })
        }
    }

    @Test func `a target whose disk is full is told`() async throws {
        let folder = try TemporaryDirectory()
        // A file of it may grow to 64 KiB, as on a disk that is full then; the signal about it is ignored.
        let program = folder.file("redis-on-a-full-disk")
        let script = "#!/bin/bash\n[[ $1 == --version ]] || { trap '' XFSZ; ulimit -f 64; }\nexec redis-server \"$@\"\n"
        try script.write(toFile: program, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            for number in 0..<3000 { try client.ask("SET k\(number) \(String(repeating: "x", count: 100))") }
            let error = await #expect(throws: BrokerError.self) {
                try await broker.swap("cache", to: "exec:\(program)", cold: false, maxPause: 2000)
            }
            #expect(error?.fix?.isEmpty == false)
            #expect([.unsupported, .serverUnreachable].contains(error?.code), "\(String(describing: error))")
            #expect(try client.ask("INCR n") == ":1")
            #expect(try client.ask("DBSIZE") == ":3001")
            #expect(try await broker.resource("cache")?.provider == "emulator")
            #expect(broker.names(in: "resources").isEmpty)
        }
    }

    @Test(arguments: [CrashPoint.swapCopying, .swapHeld])
    func `a network that stalls is noticed in time`(point: CrashPoint) async throws {
        try await RealServer.run(.redisServer) { target in
            let proxy = try StallingProxy(to: target.port ?? 0)
            let place = "redis://127.0.0.1:\(proxy.port)/0"
            let began = ContinuousClock.now
            try await fails(
                to: place, point,
                fault: { proxy.stall() },
                check: { error in
                    #expect([.serverUnreachable, .rolledBack].contains(error?.code), "\(String(describing: error))")
                })
            // While the clients wait: the pause; while nobody waits: what an answer may take.
            #expect(began.duration(to: .now) < .seconds(20))
            proxy.stop()
        }
    }

    /// Processes to be killed from a hook.
    private final class ProcessIDs: Sendable {
        private let ids = Mutex<[Int32]>([])

        func set(_ ids: [Int32]) { self.ids.withLock { $0 = ids } }

        func killAll() { for id in ids.withLock({ $0 }) { kill(id, SIGKILL) } }
    }
}
