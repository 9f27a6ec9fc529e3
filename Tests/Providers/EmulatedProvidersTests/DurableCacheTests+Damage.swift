import BrokerModel
import EventLoop
import Foundation
import Gateway
import ProviderKit
import Synchronization
import TestKit
import Testing

@testable import CacheEmulator
@testable import EmulatedProviders

/// Files that are not as the cache has left them.
extension DurableCacheTests {
    @Test func `files that are damaged are told, with the place, and kept`() async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("cache")
        let files = DurableFiles(folder: folder)
        var limits = DurableCache.Limits()
        limits.changes = 5000
        try await run(folder, limits: limits) { cache, durable in
            try await fill(cache)
            try await eventually("a snapshot is there") { try files.current()?.hasBase == true }
            try await cache.run("SET behind it")
            try await durable.stop()
        }
        let number = try #require(try files.current()).number
        let harms: [(path: String, change: (inout Data) -> Void)] = [
            (files.manifest, { $0 = Data("nonsense\n".utf8) }), (files.manifest, { $0 = Data() }),
            (files.base(number), { $0[$0.count / 2] ^= 1 }), (files.base(number), { $0 = $0.prefix(30) }),
            (files.changes(number), { $0 = Data("+OK\r\n".utf8) + $0 }),
            (files.changes(number), { $0 = Data("*1\r\n$3\r\nFOO\r\n".utf8) }),
            (
                files.changes(number),
                {
                    $0 = Data(
                        "*1\r\n$5\r\nMULTI\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$3\r\nFOO\r\n*1\r\n$4\r\nEXEC\r\n"
                            .utf8)
                }
            ),
        ]
        for (path, change) in harms {
            let copied = directory.file("copied")
            try copy(folder, to: copied)
            let there = copied + path.dropFirst(folder.count)
            var data = try Data(contentsOf: URL(filePath: there))
            change(&data)
            try data.write(to: URL(filePath: there))
            let error = await #expect(throws: BrokerError.self) { try await run(copied) { _, _ in } }
            #expect(
                error?.code == .needsAttention && error?.what.contains(there) == true, "\(String(describing: error))")
            #expect(error?.fix?.hasPrefix("ls -la \(copied)   # ") == true)
            #expect(try Data(contentsOf: URL(filePath: there)) == data)
        }
        let copied = directory.file("copied")
        try copy(folder, to: copied)
        let there = copied + files.base(number).dropFirst(folder.count)
        try FileManager.default.removeItem(atPath: there)
        let error = await #expect(throws: BrokerError.self) { try await run(copied) { _, _ in } }
        #expect(error?.what.contains(there) == true && error?.fix?.hasPrefix("ls -la \(copied)   # ") == true)
    }

    @Test func `files that no manifest names are told, and kept`() async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("cache")
        let files = DurableFiles(folder: folder)
        try await run(folder) { cache, durable in
            try await fill(cache)
            try await durable.stop()
        }
        try await run(folder) { cache, durable in
            try await cache.run("SET behind it")
            try await eventually("it is written down") {
                let number = try #require(try files.current()).number
                return try !Data(contentsOf: URL(filePath: files.changes(number))).isEmpty
            }
            try FileManager.default.removeItem(atPath: files.manifest)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            let error = await #expect(throws: BrokerError.self) { try await run(folder) { _, _ in } }
            #expect(error?.code == .needsAttention && error?.what == "\"\(files.manifest)\" is missing")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == names)
            try await durable.remove()
        }
    }

    @Test func `a pipe in place of a file is refused, not waited for`() async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("cache")
        let files = DurableFiles(folder: folder)
        try await run(folder) { cache, durable in
            try await fill(cache)
            try await durable.stop()
        }
        let number = try #require(try files.current()).number
        for path in [files.manifest, files.base(number), files.changes(number)] {
            let copied = directory.file("copied")
            try? FileManager.default.removeItem(atPath: copied)
            try copy(folder, to: copied)
            let there = copied + path.dropFirst(folder.count)
            try FileManager.default.removeItem(atPath: there)
            #expect(mkfifo(there, 0o600) == 0)
            let error = await #expect(throws: BrokerError.self) { try await run(copied) { _, _ in } }
            #expect(error?.what == "\"\(there)\" is damaged" && error?.why == "it is a pipe, no file")
        }
    }
}
