import BrokerModel
import Foundation
import Processes
import ProviderKit
import ReplicationWire
import TestKit
import Testing

@testable import ServerProviders

/// What ends a copy says why, and leaves the source alone.
@Suite(.requires(.redisServer)) struct CopyFailureTests {
    private func server(_ server: RealServer, _ change: (inout CopyLimits) -> Void = { _ in }) -> CopyServer {
        var server = CopyServer(server)
        change(&server.limits)
        return server
    }

    /// The error that comes when batches are asked for and applied until there is one.
    private func end(of source: RedisSource, _ target: RedisTarget? = nil) async -> BrokerError? {
        await #expect(throws: BrokerError.self) {
            while true {
                let batch = try await source.next()
                try await target?.apply(batch)
            }
        }
    }

    @Test func `a user who may not replicate is told which right is missing`() async throws {
        try await RealServer.run(.redisServer) { from in
            try from.ask("ACL", "SETUSER", "app", "on", ">pw", "~*", "+@all", "-psync")
            let error = await #expect(throws: BrokerError.self) {
                try await RedisSource.open(CopyServer(from, user: "app", secret: "pw"), .everything)
            }
            #expect(error?.code == .unsupported)
            #expect(error?.why.contains("PSYNC: it says: NOPERM") == true)
            #expect(error?.fix?.contains("acl setuser app allkeys +psync +replconf") == true)
            let wrong = await #expect(throws: BrokerError.self) {
                try await RedisSource.open(CopyServer(from, user: "app", secret: "no"), .everything)
            }
            #expect(wrong?.code == .credentialsRefused)
            #expect("\(String(describing: wrong))".contains("pw") == false)
            // What the fix grants suffices.
            let rights = [
                "allkeys", "+psync", "+replconf", "+ping", "+info", "+time", "+select", "+scan", "+dump",
                "+pexpiretime",
            ]
            let words = ["ACL", "SETUSER", "copier", "on", ">pw"] + rights
            _ = try from.client().ask(ReplicatedCommand(words.map { Array($0.utf8) }).bytes, count: 1)
            let source = try await RedisSource.open(CopyServer(from, user: "copier", secret: "pw"), .everything)
            #expect(try await allKeys(source) == [])
            #expect(try await source.position() >= 0)
            await source.close()
        }
    }

    @Test func `a full target ends the copy with its words, and the source keeps everything`() async throws {
        try await RealServer.run(.redisServer) { from in
            try await RealServer.run(.redisServer, arguments: ["--maxmemory", "3mb"]) { to in
                let script = "for i = 1, 100 do redis.call('SET', 'k' .. i, string.rep(i % 10, 100000)) end"
                try from.ask("EVAL", script, "0")
                let source = try await RedisSource.open(CopyServer(from), .everything)
                let target = try await RedisTarget.open(CopyServer(to))
                let keys = Array(try await allKeys(source))
                let before = try await source.digests(of: keys)
                let error = await end(of: source, target)
                #expect(error?.code == .unsupported)
                #expect(error?.what.contains("refuses RESTORE") == true)
                #expect(error?.why.contains("OOM") == true)
                #expect(error?.fix?.hasSuffix("config get maxmemory*") == true)
                #expect(try await source.digests(of: keys) == before)
                let again = await #expect(throws: BrokerError.self) {
                    try await target.apply(CopyBatch(segments: [.init(database: 0, bytes: [], commands: 0)]))
                }
                #expect(again == error)
                await source.close()
                await target.close()
            }
        }
    }

    @Test func `the command that was refused is named`() async throws {
        try await RealServer.run(.redisServer) { to in
            let target = try await RedisTarget.open(CopyServer(to))
            var batch = CopyBatch()
            batch.append(ReplicatedCommand("SET", "k", "v").bytes, for: 0)
            batch.append(ReplicatedCommand("SET", "l", "v").bytes, for: 4)
            batch.append(ReplicatedCommand("lpush", "l", "v").bytes, for: 4)
            batch.append(ReplicatedCommand("SET", "m", "v").bytes, for: 4)
            let error = await #expect(throws: BrokerError.self) { try await target.apply(batch) }
            #expect(error?.what.hasSuffix("refuses LPUSH") == true)
            #expect(error?.why.contains("WRONGTYPE") == true)
            await target.close()
        }
    }

    @Test func `a target that is killed while it takes a batch is told`() async throws {
        try await RealServer.run(.redisServer) { to in
            let target = try await RedisTarget.open(CopyServer(to))
            var batch = CopyBatch()
            batch.append(ReplicatedCommand("SET", "k", "v").bytes, for: 0)
            to.process.identity.signal(SIGSTOP)
            let applied = Task { [batch] in try await target.apply(batch) }
            to.process.identity.signal(SIGKILL)
            let error = await #expect(throws: BrokerError.self) { try await applied.value }
            #expect(error?.code == .serverUnreachable)
            await target.close()
        }
    }

    @Test func `a target that does not answer is not waited for`() async throws {
        try await RealServer.run(.redisServer) { to in
            let target = try await RedisTarget.open(server(to) { $0.answer = .milliseconds(50) })
            to.process.identity.signal(SIGSTOP)
            var batch = CopyBatch()
            batch.append(ReplicatedCommand("SET", "k", "v").bytes, for: 0)
            let error = await #expect(throws: BrokerError.self) { try await target.apply(batch) }
            to.process.identity.signal(SIGCONT)
            #expect(error?.why.contains("did not answer in time") == true)
            await target.close()
        }
    }

    @Test func `a source that is killed is lost`() async throws {
        try await RealServer.run(.redisServer) { from in
            let source = try await RedisSource.open(
                server(from) { $0.reconnect = .milliseconds(20) }, .everything)
            while try await source.next().position == nil {}
            from.process.identity.signal(SIGKILL)
            let error = await end(of: source)
            #expect(error?.code == .serverUnreachable)
            #expect(error?.what.contains("was lost while its data was copied") == true)
            await #expect(throws: BrokerError.self) { try await source.position() }
            await source.close()
        }
    }

    @Test func `a source that has restarted is lost, whatever it holds now`() async throws {
        let port = try FreePort.find()
        let first = try await RealServer.start(.redisServer, on: port)
        let source = try await RedisSource.open(CopyServer(first), .everything)
        while try await source.next().position == nil {}
        await first.stop()
        let second = try await RealServer.start(.redisServer, on: port)
        let error = await end(of: source)
        #expect(error?.code == .serverUnreachable)
        #expect(error?.why.contains("restarted") == true)
        await source.close()
        await second.stop()
    }

    @Test(arguments: [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", ErrorCode.wrongServer), ("$3\r\nabc\r\n*0\r\n", .wrongServer),
        ("+FULLRESYNC x y\r\n", .wrongServer), ("-LOADING later\r\n", .serverUnreachable),
        ("-NOMASTERLINK later\r\n", .serverUnreachable), ("-ERR unknown command 'PSYNC'\r\n", .unsupported),
    ])
    func `what is no master is told at once`(answer: String, code: ErrorCode) async throws {
        let master = try ScriptedMaster(answer: Array(answer.utf8))
        let error = await #expect(throws: BrokerError.self) {
            try await RedisSource.open(CopyServer(address: master.address), .everything)
        }
        #expect(error?.code == code)
        master.stop()
    }

    @Test(
        arguments: [
            ("$5\r\nhello", ErrorCode.wrongServer), ("$EOF:short\r\n", .wrongServer), ("$9\r\nREDIS9999", .unsupported),
            ("$4000\r\nREDIS0010\u{6}", .unsupported), ("garbage\r\n", .wrongServer),
            ("$18\r\nREDIS0010\u{7f}", .unsupported), ("$14\r\nREDIS0004\u{fe}", .wrongServer),
        ])
    func `a snapshot that is none ends the copy`(snapshot: String, code: ErrorCode) async throws {
        let begin = "+FULLRESYNC 0123456789012345678901234567890123456789 0\r\n"
        // One byte each: what is not ASCII is no UTF-8 here.
        let bytes = Array(begin.utf8) + snapshot.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        let master = try ScriptedMaster(answer: bytes + [UInt8](repeating: 0x11, count: 5000))
        let error = await #expect(throws: BrokerError.self) {
            let source = try await RedisSource.open(CopyServer(address: master.address), .everything)
            let error = await end(of: source)
            await source.close()
            if let error { throw error }
        }
        #expect(error?.code == code, "\(String(describing: error))")
        master.stop()
    }

    @Test func `an end that is closed ends a call that waits, at once`() async throws {
        try await RealServer.run(.redisServer) { from in
            let source = try await RedisSource.open(server(from) { $0.next = .seconds(3600) }, .everything)
            let batch = Task { try await source.next() }
            await source.close()
            if let batch = try? await batch.value { #expect(batch.segments.isEmpty) }
            await #expect(throws: BrokerError.self) { try await source.next() }

            let target = try await RedisTarget.open(CopyServer(from))
            from.process.identity.signal(SIGSTOP)
            var commands = CopyBatch()
            commands.append(ReplicatedCommand("SET", "k", "v").bytes, for: 0)
            let applied = Task { [commands] in try await target.apply(commands) }
            let clock = ContinuousClock()
            let took = await clock.measure { await target.close() }
            await #expect(throws: BrokerError.self) { try await applied.value }
            #expect(took < .seconds(5))
            from.process.identity.signal(SIGCONT)
            await target.close()
            await source.close()
        }
    }

    #if os(Linux)
    @Test func `closed ends leave no thread and no socket`() async throws {
        func open(_ folder: String) -> Int { (try? FileManager.default.contentsOfDirectory(atPath: folder).count) ?? 0 }
        try await RealServer.run(.redisServer) { from in
            try await RealServer.run(.redisServer) { to in
                let (sockets, threads) = (open("/proc/self/fd"), open("/proc/self/task"))
                for _ in 0..<10 {
                    let source = try await RedisSource.open(CopyServer(from), .everything)
                    let target = try await RedisTarget.open(CopyServer(to))
                    try await carry(source, to: target)
                    await source.close()
                    await target.close()
                }
                #expect(open("/proc/self/fd") <= sockets)
                // Swift's own pool may have grown by a few meanwhile, but not by three for each round.
                try await eventually("all threads have ended") { open("/proc/self/task") < threads + 10 }
            }
        }
    }
    #endif
}
