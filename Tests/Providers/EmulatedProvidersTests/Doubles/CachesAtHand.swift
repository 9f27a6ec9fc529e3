import BrokerModel
import EventLoop
import Gateway
import ProviderKit
import RESPWire
import TestKit
import Testing

@testable import CacheEmulator
@testable import EmulatedProviders

/// A provider on a loop of its own, with caches that a test writes to.
struct CachesAtHand {
    let loop: any EventLoop
    let provider: EmulatorProvider

    /// One cache of the provider.
    struct Cache {
        let backing: Backing
        let emulator: LoopBound<CacheEmulator>
        private let loop: any EventLoop

        init(_ backing: Backing, _ emulator: LoopBound<CacheEmulator>, on loop: any EventLoop) {
            self.backing = backing
            self.emulator = emulator
            self.loop = loop
        }

        /// Runs writing commands of words between spaces, all in one turn.
        func run(_ commands: [String], in database: Int = 0) async throws {
            var bytes: [UInt8] = []
            for command in commands {
                bytes.append(command: command.split(separator: " ").map { .array(Array($0.utf8)) })
            }
            let result = try await loop.onLoop { [emulator, bytes] in
                let intake = CommandIntake(into: emulator.value)
                defer { intake.close() }
                return intake.apply(bytes, from: 0, in: database, until: .now + .seconds(60))
            }
            #expect(result == .done)
        }

        func run(_ commands: String..., in database: Int = 0) async throws {
            try await run(commands, in: database)
        }

        func onLoop<Value: Sendable>(_ body: @escaping @Sendable (CacheEmulator) -> Value) async throws -> Value {
            try await loop.onLoop { [emulator] in body(emulator.value) }
        }

        /// Runs a command as a client's, and returns the reply.
        func ask(_ command: String) async throws -> String {
            try await ask(command.split(separator: " ").map(String.init))
        }

        func ask(_ words: [String]) async throws -> String {
            var bytes: [UInt8] = []
            bytes.append(command: words.map { .array(Array($0.utf8)) })
            return try await loop.onLoop { [emulator, bytes] in
                let connection = Connection(id: 1, pool: BufferPool(), peerAddress: "", localAddress: "")
                let front = NoFront()
                let client = CacheClient(connection: connection, id: 1, isAuthenticated: true, front: front)
                let batch = RequestBatch()
                bytes.withUnsafeBytes { bytes in
                    var partial = PartialRequest()
                    _ = batch.parse(bytes, limits: .authenticated, partial: &partial)
                    _ = emulator.value.execute(batch, from: 0, for: client)
                }
                return String(decoding: connection.output.readable, as: UTF8.self)
            }
        }

        /// Bytes in use.
        func used() async throws -> Int {
            try await loop.onLoop { [emulator] in emulator.value.memory.arena.used }
        }

        var isHeard: Bool {
            get async throws { try await loop.onLoop { [emulator] in emulator.value.effects != nil } }
        }
    }

    /// Runs `body` with a provider over a driver.
    static func run(_ driver: LoopUnderTest, _ body: (CachesAtHand) async throws -> Void) async throws {
        let folder = try TemporaryDirectory()
        try await driver.run { loop in
            let provider = EmulatorProvider(loops: LoopPool(of: loop), folders: folder.path)
            try await body(CachesAtHand(loop: loop, provider: provider))
        }
    }

    /// By the first plan that there is, or another one.
    func cache(
        by plan: Plan? = nil,
        remembering remember: @escaping @Sendable ([String: String]) async throws(BrokerError) -> Void = { _ in }
    ) async throws -> Cache {
        let backing = Backing(
            id: .random(), resource: ResourceID(rawValue: "r1"), provider: .emulator, secret: Secret("secret"),
            memory: [:])
        let first = try #require(Plan.offered(for: .redis, by: .emulator).first)
        let response = try await provider.provision(
            ProvisionRequest(backing: backing, serviceClass: .redis, plan: plan ?? first, remember: remember))
        guard case .cache(let emulator) = response.upstream else { throw NeverHappened("it is no cache") }
        return Cache(backing, emulator, on: loop)
    }

    func source(
        of cache: Cache, _ contents: CopySourceRequest.Contents = .everything
    ) async throws -> any CopySource {
        try await provider.openSource(
            CopySourceRequest(backing: cache.backing, serviceClass: .redis, contents: contents))
    }

    func target(in cache: Cache) async throws -> any CopyTarget {
        try await provider.openTarget(CopyTargetRequest(backing: cache.backing, serviceClass: .redis))
    }

    /// Copies until the target has everything that was answered before the call.
    static func copy(_ source: any CopySource, to target: any CopyTarget) async throws {
        let wanted = try await source.position()
        while true {
            let batch = try await source.next()
            try await target.apply(batch)
            if let position = batch.position, position >= wanted { return }
        }
    }

    /// The digests of all keys of an end.
    static func digests(_ end: any CopyEnd) async throws -> [CopyKey: UInt64] {
        var digests: [CopyKey: UInt64] = [:]
        var cursor: CopyCursor?
        repeat {
            let part = try await end.keys(from: cursor)
            for (key, digest) in zip(part.keys, try await end.digests(of: part.keys)) { digests[key] = digest }
            cursor = part.next
        } while cursor != nil
        return digests
    }
}
