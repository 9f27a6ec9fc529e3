import BrokerModel
import EventLoop
import Foundation
import ProviderKit
import RESPWire
import TestKit
import Testing

@testable import CacheEmulator
@testable import EmulatedProviders

/// SAVE, BGSAVE and BGREWRITEAOF of a durable cache make the snapshot of its files.
struct DurableSaveTests {
    private func run(
        _ folder: String, _ driver: LoopUnderTest = LoopUnderTest.allCases[0],
        _ body: (CachesAtHand.Cache, DurableCache, any EventLoop) async throws -> Void
    ) async throws {
        try await driver.run { loop in
            let emulator = try await loop.onLoop { LoopBound(CacheEmulator(loop: loop), on: loop) }
            let backing = Backing(
                id: .random(), resource: .random(), provider: .emulator, secret: Secret("secret"), memory: [:])
            let durable = try await DurableCache.open(emulator, on: loop, folder: folder)
            try await body(CachesAtHand.Cache(backing, emulator, on: loop), durable, loop)
        }
    }

    private func info(_ cache: CachesAtHand.Cache) async throws -> [String: String] {
        Dictionary(
            try await cache.ask("INFO persistence").split(separator: "\r\n").compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                return parts.count == 2 ? (parts[0], parts[1]) : nil
            }, uniquingKeysWith: { $1 })
    }

    private func bases(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".base.rdb") }.sorted()
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `BGSAVE makes a new snapshot, and INFO tells of it`(driver: LoopUnderTest) async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("cache")
        try await run(folder, driver) { cache, durable, _ in
            try await cache.run((0..<500).map { "SET key\($0) \($0)" })
            #expect(try bases(folder) == [])
            #expect(try await info(cache)["aof_enabled"] == "1")
            #expect(try await cache.ask("CONFIG GET appendonly").hasSuffix("$3\r\nyes\r\n"))
            #expect(try await info(cache)["rdb_changes_since_last_save"] == "500")
            #expect(try await cache.ask("BGSAVE") == "+Background saving started\r\n")
            #expect(try await cache.ask("BGSAVE") == "-ERR Background save already in progress\r\n")
            #expect(try await cache.ask("SAVE") == "-ERR Background save already in progress\r\n")
            #expect(
                try await cache.ask("BGREWRITEAOF") == "+Background append only file rewriting scheduled\r\n")
            #expect(try await info(cache)["rdb_bgsave_in_progress"] == "1")
            try await eventually("both are made") {
                let info = try await info(cache)
                return info["rdb_bgsave_in_progress"] == "0" && info["aof_rewrite_in_progress"] == "0"
                    && info["aof_rewrite_scheduled"] == "0"
            }
            let after = try await info(cache)
            #expect(after["rdb_last_bgsave_status"] == "ok" && after["aof_last_bgrewrite_status"] == "ok")
            #expect(after["rdb_changes_since_last_save"] == "0" && after["rdb_last_bgsave_time_sec"] != "-1")
            #expect(try bases(folder).count == 1)
            let saved = Int(try await cache.ask("LASTSAVE").dropFirst().dropLast()) ?? 0
            #expect(abs(Double(saved) - Date().timeIntervalSince1970) < 30)
            try await durable.stop()
            // Nobody is left who could save.
            #expect(try await cache.ask("BGSAVE") == "+Background saving started\r\n")
            try await eventually("it has failed") { try await info(cache)["rdb_last_bgsave_status"] == "err" }
        }
        try await run(folder, driver) { cache, durable, _ in
            #expect(try await cache.onLoop { $0.keyCounts } == [0: 500])
            try await durable.stop()
        }
    }

    @Test func `SAVE answers when it is on disk, and others are served meanwhile`() async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("cache")
        try await run(folder) { cache, durable, loop in
            try await cache.run((0..<2000).map { "SET key\($0) \($0)" })
            let waiting: LoopBound<WaitingClient> = try await loop.onLoop { LoopBound(WaitingClient(), on: loop) }
            try await cache.onLoop { waiting.value.ask("SAVE", $0) }
            #expect(try await loop.onLoop { waiting.value.client.isWaiting && waiting.value.reply == "" })
            #expect(try await cache.ask("SET other 1") == "+OK\r\n")
            #expect(try await cache.ask("BGSAVE") == "-ERR Background save already in progress\r\n")
            try await eventually("it is answered") { try await loop.onLoop { waiting.value.reply == "+OK\r\n" } }
            #expect(try await loop.onLoop { waiting.value.isAnswered && !waiting.value.client.isWaiting })
            #expect(try bases(folder).count == 1)

            // One that goes is not answered.
            try await cache.onLoop { waiting.value.ask("SAVE", $0) }
            try await cache.onLoop { $0.stopWaiting(waiting.value.client) }
            try await eventually("it is made") { try await info(cache)["rdb_bgsave_in_progress"] == "0" }
            #expect(try await loop.onLoop { waiting.value.reply == "" })
            try await durable.stop()
        }
    }
}

/// A client that stays, and remembers that its wait has ended.
private final class WaitingClient: CacheFront {
    private(set) var client: CacheClient!
    private(set) var isAnswered = false
    private let batch = RequestBatch()

    init() {
        let connection = Connection(id: 7, pool: BufferPool(), peerAddress: "", localAddress: "")
        client = CacheClient(connection: connection, id: 7, isAuthenticated: true, front: self)
    }

    func ask(_ command: String, _ emulator: CacheEmulator) {
        client.connection.output.removeAll()
        var partial = PartialRequest()
        Array("\(command)\r\n".utf8).withUnsafeBytes { bytes in
            _ = batch.parse(bytes, limits: .authenticated, partial: &partial)
            _ = emulator.execute(batch, from: 0, for: client)
        }
    }

    var reply: String { String(decoding: client.connection.output.readable, as: UTF8.self) }

    func run(_ command: FrontCommand, for client: CacheClient) {}
    func end(_ client: CacheClient) {}
    func drop(_ client: CacheClient) {}
    func waitEnded(_ client: CacheClient) { isAnswered = true }
}
