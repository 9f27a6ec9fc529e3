import BrokerModel
import Foundation
import Processes
import Synchronization
import TestKit
import Testing

@testable import ControlPlane
@testable import ServerProviders

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Direct attachments of a resource that is swapped: rule 2.
@Suite(.requires(.redisServer)) struct FenceTests {
    /// The same server under another name.
    private func other() throws -> (program: String, folder: TemporaryDirectory) {
        let folder = try TemporaryDirectory()
        let path = try ProgramPath.resolve("redis-server", path: ProcessInfo.processInfo.environment["PATH"])
        try FileManager.default.createSymbolicLink(atPath: folder.file("valkey-server"), withDestinationPath: path)
        return (folder.file("valkey-server"), folder)
    }

    private func swap(_ broker: BrokerUnderTest, to target: String, fence: Bool) async throws -> SwapOutcome {
        try await broker.plane.swap(
            "cache", SwapRequest(to: try ProviderDocument(target), maxPause: 5000, fence: fence), in: broker.workspace,
            operation: .random())
    }

    @Test
    func `rule 2: direct attachments are named and refused, and with a fence they lose nothing that was answered`()
        async throws
    {
        let (target, folder) = try other()
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:redis-server")
            try await broker.attach("cache", as: "RAW", direct: true)
            let (url, direct) = (try await broker.variable("CACHE_URL"), try await broker.variable("RAW_URL"))
            #expect(direct.hasPrefix("unix://direct-"))
            let error = await #expect(throws: BrokerError.self) {
                try await swap(broker, to: "exec:\(target)", fence: false)
            }
            #expect(error?.code == .unsafe)
            #expect(error?.why.contains("web as RAW") == true)
            #expect(error?.fix?.contains("broker swap cache --to exec:\(target) --fence") == true)

            let answered = Mutex(0)
            let writer = onThread {
                let client = try RedisClient(direct)
                while (try? client.ask("INCR n"))?.hasPrefix(":") == true { answered.withLock { $0 += 1 } }
            }
            try await eventually("it writes past the endpoint") { answered.withLock { $0 } > 100 }
            let client = try RedisClient(url)
            try client.ask("SET k v")
            let outcome = try await swap(broker, to: "exec:\(target)", fence: true)
            try await writer.value
            #expect(outcome.fenced == ["web as RAW"])
            let count = answered.withLock { $0 }
            let there = Int(try client.ask("GET n")) ?? -1
            #expect(there == count || there == count + 1, "\(count) were answered, and \(there) are there")
            #expect(try client.ask("GET k") == "v")
            // The former server lives for the way back, and the old credential opens nothing there.
            #expect((try? RedisClient(direct).ask("PING"))?.hasPrefix("+PONG") != true)
            let new = try await broker.variable("RAW_URL")
            #expect(new != direct)
            #expect(try RedisClient(new).ask("INCR n") == ":\(there + 1)")
            #expect(try await broker.variable("CACHE_URL") == url)

            let back = await #expect(throws: BrokerError.self) {
                try await broker.plane.rollback(
                    "cache", RollbackRequest(discard: false), in: broker.workspace, operation: .random())
            }
            #expect(back?.code == .unsafe)
            _ = try await broker.plane.rollback(
                "cache", RollbackRequest(discard: false, fence: true), in: broker.workspace, operation: .random())
            // Who was shut out by the swap stays out.
            let last = try await broker.variable("RAW_URL")
            #expect(last != direct && last != new)
            #expect((try? RedisClient(direct).ask("PING"))?.hasPrefix("+PONG") != true)
            #expect(try RedisClient(last).ask("GET n") == "\(there + 1)")
        }
        folder.remove()
    }

    @Test(arguments: [CrashPoint.swapHeld, .swapRestored])
    func `a swap that fails behind the fence lets the direct attachments in again`(point: CrashPoint) async throws {
        let (target, folder) = try other()
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:redis-server")
            try await broker.attach("cache", as: "RAW", direct: true)
            let direct = try await broker.variable("RAW_URL")
            let isShutOut = Mutex(false)
            let exec = Mutex<ExecProvider?>(nil)
            broker.reached = { reached in
                guard reached == point else { return }
                isShutOut.withLock { $0 = (try? RedisClient(direct).ask("PING"))?.hasPrefix("+PONG") != true }
                // The target, which was started last.
                let servers = await exec.withLock { $0 }?.servers.values.map { $0.process.identity.pid } ?? []
                if let pid = servers.max() { kill(pid, SIGKILL) }
            }
            broker.firstRestart = .milliseconds(50)
            try await broker.restart()
            exec.withLock { $0 = broker.exec }
            try await eventually("it serves again") { (try? RedisClient(direct).ask("SET k v")) == "+OK" }
            let outcome = try? await swap(broker, to: "exec:\(target)", fence: true)
            #expect(isShutOut.withLock { $0 })
            let now = try await broker.variable("RAW_URL")
            #expect((now == direct) == (outcome == nil))
            try await eventually("whoever counts lets it in") { (try? RedisClient(now).ask("GET k")) == "v" }
        }
        folder.remove()
    }

    @Test func `a rollback that is undone leaves the way back open, and lets nobody into the former provider`()
        async throws
    {
        let (target, folder) = try other()
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:redis-server")
            try await broker.attach("cache", as: "RAW", direct: true)
            let direct = try await broker.variable("RAW_URL")
            _ = try await swap(broker, to: "exec:\(target)", fence: true)
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            try client.ask("SET k v")
            // It waits for replicas, of which there are none, for ever: it cannot be moved.
            let waiting = try RedisClient(try await broker.variable("CACHE_URL"))
            try waiting.socket.send("WAIT 5 0\r\n")
            try await eventually("it waits") {
                try await broker.plane.planSwap(
                    "cache", SwapRequest(to: try ProviderDocument("exec:redis-server"), fence: true),
                    in: broker.workspace
                ).clients["blocked"] == 1
            }
            for _ in 0..<2 {
                let request = RollbackRequest(discard: false, maxPause: 200, fence: true)
                let error = await #expect(throws: BrokerError.self) {
                    _ = try await broker.plane.rollback(
                        "cache", request, in: broker.workspace, operation: .random())
                }
                let command = "broker rollback cache --fence"
                #expect(
                    error?.fix == "end what the client does, or the client, and then: \(command)",
                    "\(String(describing: error))")
                #expect((try? RedisClient(direct).ask("PING"))?.hasPrefix("+PONG") != true)
            }
            waiting.socket.close()
            try client.ask("SET k w")
            let request = RollbackRequest(discard: false, maxPause: 5000, fence: true)
            _ = try await broker.plane.rollback("cache", request, in: broker.workspace, operation: .random())
            #expect(try client.ask("GET k") == "w")
        }
        folder.remove()
    }

    @Test func `a daemon that dies behind the fence lets them in again when it starts`() async throws {
        let (target, folder) = try other()
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:redis-server")
            try await broker.attach("cache", as: "RAW", direct: true)
            let direct = try await broker.variable("RAW_URL")
            try RedisClient(direct).ask("SET k v")
            try await broker.crash(at: .swapHeld) { plane in
                try await eventually("its server is there again") {
                    try await plane.status(in: BrokerUnderTest.workspace).resources.first?.state == "ready"
                }
                let request = SwapRequest(to: try ProviderDocument("exec:\(target)"), maxPause: 5000, fence: true)
                _ = try await plane.swap("cache", request, in: BrokerUnderTest.workspace, operation: .random())
            }
            #expect(try await broker.variable("RAW_URL") == direct)
            try await eventually("it is in again") { (try? RedisClient(direct).ask("GET k")) == "v" }
        }
        folder.remove()
    }

    @Test func `a detach revokes a direct attachment's credential and ends its connections`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: "exec:redis-server")
            try await broker.attach("cache", as: "RAW", direct: true)
            let direct = try await broker.variable("RAW_URL")
            let client = try RedisClient(direct)
            #expect(try client.ask("SET k v") == "+OK")
            #expect(try client.ask("ACL WHOAMI").contains("direct-"))
            for command in [
                "ACL SETUSER x on", "CONFIG SET requirepass x", "SHUTDOWN", "REPLICAOF no one",
            ] {
                #expect(try client.ask(command).hasPrefix("-NOPERM"), "\(command)")
            }
            #expect(try client.ask("CLIENT GETNAME") == "$-1")
            try await broker.detach("cache", as: "RAW")
            #expect((try? client.ask("PING")) != "+PONG")
            #expect((try? RedisClient(direct).ask("PING")) != "+PONG")
            // Nor behind a restart of the server.
            try await broker.restart()
            #expect((try? RedisClient(direct).ask("PING")) != "+PONG")
        }
    }
}
