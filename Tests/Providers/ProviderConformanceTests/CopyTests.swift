import BrokerModel
import CacheEmulator
import EmulatedProviders
import EventLoop
import Foundation
import Gateway
import ProviderKit
import ServerProviders
import TestKit
import Testing

/// What one provider hands out and another one takes in is the same data, whatever is written meanwhile.
@Suite(.requires(.redisServer)) struct CopyTests {
    private struct Bench: Sendable {
        let loop: any EventLoop
        let emulator: EmulatorProvider
        let exec: ExecProvider

        func provision(_ provider: ProviderReference) async throws -> (Backing, ProvisionResponse) {
            let backing = Backing(
                id: .random(), resource: .random(), provider: provider, secret: .random(), memory: [:])
            let kind: any Provider = provider == .emulator ? emulator : exec
            let response = try await kind.provision(
                ProvisionRequest(backing: backing, serviceClass: .redis, plan: .durable) { _ throws(BrokerError) in })
            return (backing, response)
        }

        func source(_ backing: Backing) async throws -> any CopySource {
            let request = CopySourceRequest(backing: backing, serviceClass: .redis, contents: .everything)
            return try await backing.provider == .emulator ? emulator.openSource(request) : exec.openSource(request)
        }

        func target(_ backing: Backing) async throws -> any CopyTarget {
            let request = CopyTargetRequest(backing: backing, serviceClass: .redis)
            return try await backing.provider == .emulator ? emulator.openTarget(request) : exec.openTarget(request)
        }
    }

    private func run(_ body: (Bench) async throws -> Void) async throws {
        let folder = try TemporaryDirectory()
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        try await LoopUnderTest.allCases[0].run { loop in
            let bench = Bench(
                loop: loop, emulator: EmulatorProvider(loops: LoopPool(of: loop), folders: folder.path),
                exec: ExecProvider(folders: folder.path, runtime: folder.path, path: path))
            try await body(bench)
        }
    }

    /// Runs commands in a backing, as an app does: refusals are the app's business.
    private func write(
        _ commands: [[String]], to backing: Backing, _ response: ProvisionResponse, _ bench: Bench
    ) async throws {
        switch try #require(response.upstream) {
        case .cache(let emulator):
            await withCheckedContinuation { done in
                bench.loop.post {
                    for command in commands {
                        let intake = CommandIntake(into: emulator.value)
                        _ = intake.apply(Self.encoded(command), from: 0, in: 0, until: .now)
                        intake.close()
                    }
                    done.resume()
                }
            }
        case .redisServer(let server):
            let client = try SocketClient(to: server.address, timeout: .seconds(10))
            try client.send(Self.encoded(["AUTH", try #require(server.secret)]))
            _ = try client.receive(until: "\r\n")
            for command in commands { try client.send(Self.encoded(command)) }
            try client.send(Self.encoded(["ECHO", "the-end-of-it"]))
            _ = try client.receive(until: "the-end-of-it\r\n")
        case .queue: break
        }
    }

    private static func encoded(_ words: [String]) -> [UInt8] {
        Array(("*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()).utf8)
    }

    /// Carries across what there is now.
    private func pump(_ source: any CopySource, _ target: any CopyTarget, _ position: inout Int64?) async throws {
        let fence = try await source.position()
        while position.map({ $0 < fence }) ?? true {
            let batch = try await source.next()
            try await target.apply(batch)
            position = batch.position ?? position
        }
    }

    private func contents(_ end: any CopyEnd) async throws -> [CopyKey: UInt64] {
        var contents: [CopyKey: UInt64] = [:]
        var cursor: CopyCursor?
        repeat {
            let part = try await end.keys(from: cursor)
            for (key, digest) in zip(part.keys, try await end.digests(of: part.keys)) { contents[key] = digest }
            cursor = part.next
        } while cursor != nil
        return contents
    }

    @Test(arguments: [ProviderReference.emulator, .exec(program: "redis-server")], 1...3)
    func `every write of every command arrives as it was done`(from: ProviderReference, seed: Int) async throws {
        try await run { bench in
            let (backing, response) = try await bench.provision(from)
            let (there, _) = try await bench.provision(
                from == .emulator ? .exec(program: "redis-server") : .emulator)
            var writes = RandomWrites(seed: UInt64(seed))
            func some(_ count: Int) -> [[String]] { (0..<count).compactMap { _ in writes.next() } }
            try await write(some(2000), to: backing, response, bench)
            let source = try await bench.source(backing)
            let target = try await bench.target(there)
            var position: Int64?
            for _ in 0..<40 {
                try await write(some(100), to: backing, response, bench)
                try await pump(source, target, &position)
            }
            // Keys that end at this moment are there on one side and not yet gone on the other.
            var last: ([CopyKey: UInt64], [CopyKey: UInt64]) = ([:], [:])
            try? await eventually("both hold the same", within: .seconds(5)) {
                try await pump(source, target, &position)
                last = (try await contents(source), try await contents(target))
                return last.0 == last.1
            }
            let different = Set(last.0.keys).union(last.1.keys).filter { last.0[$0] != last.1[$0] }
            let shown = different.map { key in
                let place = "\(key.database):\(String(decoding: key.name, as: UTF8.self))"
                return place + (last.0[key] == nil ? " is missing here" : last.1[key] == nil ? " is missing there" : "")
            }
            #expect(different.isEmpty, "\(shown)")
            #expect(!last.0.isEmpty)
            await source.close()
            await target.close()
            for backing in [backing, there] {
                let request = DeprovisionRequest(backing: backing, serviceClass: .redis)
                _ = try await bench.exec.deprovision(request)
                _ = try await bench.emulator.deprovision(request)
            }
        }
    }

    @Test func `the random writes know every command that writes`() {
        var writes = RandomWrites(seed: 1)
        var seen: Set<String> = []
        for _ in 0..<5000 { if let words = writes.next() { seen.insert(words[0]) } }
        #expect(seen == Set(RandomWrites.commands))
    }
}
