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

/// Caches that are kept on disk: what was in them is there again, however they ended.
struct DurableCacheTests {
    /// A cache of a daemon that lives as long as `body`.
    func run(
        _ folder: String, _ driver: LoopUnderTest = LoopUnderTest.allCases[0],
        isAlways: Bool = false, limits: DurableCache.Limits = DurableCache.Limits(),
        report: @escaping DurableCache.Report = { _ in },
        _ body: (CachesAtHand.Cache, DurableCache) async throws -> Void
    ) async throws {
        try await driver.run { loop in
            let emulator = try await loop.onLoop { LoopBound(CacheEmulator(loop: loop), on: loop) }
            let backing = Backing(
                id: .random(), resource: .random(), provider: .emulator, secret: Secret("secret"), memory: [:])
            let durable = try await DurableCache.open(
                emulator, on: loop, folder: folder, isAlways: isAlways, limits: limits, report: report)
            try await body(CachesAtHand.Cache(backing, emulator, on: loop), durable)
        }
    }

    /// All that a cache holds, by database and key.
    func contents(_ cache: CachesAtHand.Cache) async throws -> [String: UInt64] {
        try await cache.onLoop { emulator in
            var contents: [String: UInt64] = [:]
            for database in CacheEmulator.databaseNumbers {
                var place: UInt64 = 0
                repeat {
                    let (keys, next) = emulator.keys(in: database, from: place, wanted: 1000)
                    for key in keys {
                        contents["\(database) \(String(decoding: key, as: UTF8.self))"] =
                            emulator.digest(of: key, in: database)
                    }
                    place = next
                } while place != 0
            }
            return contents
        }
    }

    func fill(_ cache: CachesAtHand.Cache, _ count: Int = 200) async throws {
        try await cache.run((0..<count).map { "SET key\($0) value:\($0)" })
        try await cache.run((0..<count).map { "RPUSH list\($0 % 7) element:\($0)" })
        try await cache.run((0..<count).map { "HSET hash field\($0) \($0)" }, in: 3)
        try await cache.run(
            "DEL x", "ZADD z 1 a 2 b", "SADD words a b c", "XADD x 1-1 f v", "XGROUP CREATE x g 0", "PFADD p a b")
        try await cache.run(
            "SET lives v PXAT 4102444800000", "SET gone v", "DEL gone", "INCRBYFLOAT f 1.5", "SPOP words")
        // Read, and kept: the count.
        #expect(try await cache.ask("PFCOUNT p") == ":2\r\n")
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `what was there when it was stopped is there again`(driver: LoopUnderTest) async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("cache")
        var before: [String: UInt64] = [:]
        for round in 0..<3 {
            try await run(folder, driver) { cache, durable in
                #expect(try await contents(cache) == before)
                try await fill(cache, 200 + round)
                try await cache.run("SET round \(round)", "APPEND grown \(round)")
                before = try await contents(cache)
                #expect(before.count > 200)
                try await durable.stop()
                // A snapshot has taken the place of the changes.
                let files = DurableFiles(folder: folder)
                let generation = try #require(try files.current())
                #expect(generation.hasBase)
                #expect(try Data(contentsOf: URL(filePath: files.changes(generation.number))).isEmpty)
            }
        }
    }

    /// As a daemon that is killed leaves them: the files as they are at one moment.
    func copy(_ folder: String, to other: String) throws {
        try? FileManager.default.removeItem(atPath: other)
        try FileManager.default.copyItem(atPath: folder, toPath: other)
    }

    @Test func `what was written down before it was killed is there again, and what was cut is no half of it`()
        async throws
    {
        let directory = try TemporaryDirectory()
        let (folder, killed) = (directory.file("cache"), directory.file("killed"))
        let copied = directory.file("copied")
        try await run(folder) { cache, durable in
            try await fill(cache)
            let wanted = try await contents(cache)
            try await eventually("all is written down") {
                try copy(folder, to: killed)
                try copy(killed, to: copied)
                var found: [String: UInt64] = [:]
                try await run(copied) { again, other in
                    found = try await contents(again)
                    try await other.stop()
                }
                return found == wanted
            }
            try await durable.stop()
            // The last transaction is cut in every place that tells.
            try copy(killed, to: copied)
            let path = DurableFiles(folder: copied).changes(1)
            let whole = try Data(contentsOf: URL(filePath: path))
            let next = DurableContents.transaction(
                CopyBatch(segments: [
                    .init(database: 0, bytes: Array("*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$1\r\n1\r\n".utf8), commands: 1)
                ]))
            // What a loss of power leaves is as long as it was to be, and zeros.
            let unwritten = [UInt8](repeating: 0, count: 4096)
            let tails = [1, 10, 15, 16, 40, next.count - 1].map { Array(next.prefix($0)) }
            for tail in tails + [unwritten, next.prefix(20) + unwritten, next.prefix(40) + unwritten] {
                let length = tail.count
                try copy(killed, to: copied)
                try (whole + tail).write(to: URL(filePath: path))
                let reports = Reports()
                try await run(copied, report: reports.add) { cache, durable in
                    #expect(try await contents(cache) == wanted, "cut behind \(length)")
                    #expect(try Data(contentsOf: URL(filePath: path)) == whole)
                    try await durable.stop()
                }
                // It is told, and kept.
                guard case .noted(let text)? = reports.all.first else { throw NeverHappened("nothing is told") }
                #expect(text.hasPrefix("\(length) bytes behind byte \(whole.count) of \"\(path)\""), "\(text)")
                let kept = try Data(contentsOf: URL(filePath: "\(path).cut-\(whole.count)"))
                #expect(kept == Data(tail))
                try DurableFiles(folder: copied).remove()
                #expect(!FileManager.default.fileExists(atPath: copied))
            }
            // A length that is wrong is no torn end: all behind it would be lost.
            let place = try #require(whole.firstRange(of: Data("$4\r\nkey7".utf8)))
            var harmed = whole
            harmed.replaceSubrange(place, with: Data("$99999999\r\nkey7".utf8))
            try copy(killed, to: copied)
            try harmed.write(to: URL(filePath: path))
            let error = await #expect(throws: BrokerError.self) { try await run(copied) { _, _ in } }
            #expect(error?.why.hasSuffix("a length is wrong, since whole transactions follow") == true, "\(error)")
            #expect(try Data(contentsOf: URL(filePath: path)) == harmed)
            try copy(killed, to: copied)
            try (whole + next).write(to: URL(filePath: path))
            try await run(copied) { cache, durable in
                #expect(try await contents(cache).count == wanted.count + 1)
                try await durable.stop()
            }
        }
    }

    @Test func `a snapshot takes the place of many changes, and nothing is lost meanwhile`() async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("cache")
        let files = DurableFiles(folder: folder)
        var limits = DurableCache.Limits()
        limits.changes = 20_000
        var before: [String: UInt64] = [:]
        try await run(folder, limits: limits) { cache, durable in
            try await fill(cache, 2000)
            for round in 0..<400 {
                try await cache.run("SET changing \(round)", "RPUSH rounds \(round)", "INCR counted")
                if round % 20 == 0 { try await fill(cache, 100) }
            }
            try await eventually("a snapshot is there") { try files.current()?.hasBase == true }
            try await cache.run("SET last 1")
            before = try await contents(cache)
            try await durable.stop()
        }
        let generation = try #require(try files.current())
        #expect(generation.number > 1)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names.count == 3, "\(names)")
        try await run(folder, limits: limits) { cache, durable in
            #expect(try await contents(cache) == before)
            try await durable.stop()
        }
    }

    @Test func `libraries of functions are kept, in the changes and in a snapshot`() async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("cache")
        var limits = DurableCache.Limits()
        limits.changes = 5000
        let code = "#!lua name=NAME\nredis.register_function('NAME', function() return 'NAME' end)"
        func load(_ name: String, _ cache: CachesAtHand.Cache) async throws {
            let words = ["FUNCTION", "LOAD", code.replacing("NAME", with: name)]
            #expect(try await cache.ask(words).contains(name))
        }
        try await run(folder, limits: limits) { cache, durable in
            try await load("first", cache)
            try await load("gone", cache)
            #expect(try await cache.ask("FUNCTION DELETE gone") == "+OK\r\n")
            try await fill(cache)
            try await eventually("a snapshot is there") { try DurableFiles(folder: folder).current()?.hasBase == true }
            try await load("second", cache)
            try await durable.stop()
        }
        try await run(folder) { cache, durable in
            #expect(try await cache.ask("FCALL first 0") == "$5\r\nfirst\r\n")
            #expect(try await cache.ask("FCALL second 0") == "$6\r\nsecond\r\n")
            #expect(try await cache.ask("FCALL gone 0").hasPrefix("-ERR Function not found"))
            try await durable.stop()
        }
    }

    @Test func `keys that end are told, and do not come back`() async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("cache")
        try await run(folder) { cache, durable in
            try await cache.run("RPUSH l a b c", "PEXPIRE l 1", "SET stays v")
            try await eventually("it is over") { try await contents(cache).count == 1 }
            try await cache.run("RPUSH l d")
            let before = try await contents(cache)
            try await durable.stop()
            try await run(folder) { again, durable in
                #expect(try await contents(again) == before)
                try await durable.stop()
            }
        }
    }

    @Test(.requires(.redisServer)) func `a redis-server loads the files`() async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("appendonlydir")
        var limits = DurableCache.Limits()
        limits.changes = 5000
        var before: [String: UInt64] = [:]
        try await run(folder, limits: limits) { cache, durable in
            try await fill(cache)
            try await eventually("a snapshot is there") { try DurableFiles(folder: folder).current()?.hasBase == true }
            try await cache.run("SET behind it", "MOVE key1 5")
            before = try await contents(cache)
            try await durable.stop()
        }
        let arguments = ["--appendonly", "yes", "--dir", directory.path]
        try await RealServer.run(.redisServer, at: .unixSocket, arguments: arguments) { server in
            let theirs = try RealKeyspace(server).contents().mapValues(\.digest)
            #expect(theirs == before && theirs.count > 200)
        }
    }

    @Test func `what is written down by the plan that syncs all is told, also behind a snapshot`() async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("cache")
        var limits = DurableCache.Limits()
        limits.changes = 5000
        try await run(folder, isAlways: true, limits: limits) { cache, durable in
            for round in 0..<3 {
                try await fill(cache, 100 + round)
                try await eventually("all is on disk") {
                    try await cache.onLoop { $0.commits?.reached == $0.changesTold && $0.changesTold > 0 }
                }
            }
            try await eventually("a snapshot is there") { try DurableFiles(folder: folder).current()?.hasBase == true }
            try await cache.run("SET behind it")
            try await eventually("that is on disk, too") {
                try await cache.onLoop { $0.commits?.reached == $0.changesTold }
            }
            let before = try await contents(cache)
            try await durable.stop()
            try await run(folder, isAlways: true) { again, durable in
                #expect(try await contents(again) == before)
                try await durable.stop()
            }
        }
    }

    @Test(arguments: [false, true])
    func `while the disk is full, writes are refused and reads are not`(isAlways: Bool) async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.file("cache")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // It takes nothing, as a full disk.
        let path = DurableFiles(folder: folder).changes(1)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
        var limits = DurableCache.Limits()
        limits.patience = .milliseconds(1)
        let reports = Reports()
        try await run(folder, isAlways: isAlways, limits: limits, report: reports.add) { cache, durable in
            try await cache.run("SET k v")
            try await eventually("writes are refused") {
                try await cache.onLoop { $0.writeRefusal }
                    == "MISCONF Errors writing to the AOF file: No space left on device"
            }
            #expect(
                try await cache.ask("SET k w") == "-MISCONF Errors writing to the AOF file: No space left on device\r\n"
            )
            #expect(try await cache.ask("GET k") == "$1\r\nv\r\n")
            #expect(
                reports.all.first
                    == .failed("commands that write are refused, since its files take nothing: No space left on device")
            )
            let error = await #expect(throws: BrokerError.self) { try await durable.stop() }
            #expect(error?.why == "write: No space left on device")
        }
    }

    @Test func `the provider keeps what the plan says, and removes it with the backing`() async throws {
        let folder = try TemporaryDirectory()
        try await LoopUnderTest.allCases[0].run { loop in
            let provider = EmulatorProvider(loops: LoopPool(of: loop), folders: folder.path)
            let backing = Backing(
                id: .random(), resource: .random(), provider: .emulator, secret: Secret("secret"), memory: [:])
            let request = ProvisionRequest(backing: backing, serviceClass: .redis, plan: .durable) {
                _ throws(BrokerError) in
            }
            guard case .cache = try await provider.provision(request).upstream else { throw NeverHappened("no cache") }
            _ = try await provider.provision(request)
            #expect(FileManager.default.fileExists(atPath: folder.file("\(backing.id)/appendonly.aof.manifest")))
            try await provider.suspend(backing)
            _ = try await provider.provision(request)
            _ = try await provider.deprovision(DeprovisionRequest(backing: backing, serviceClass: .redis))
            #expect(!FileManager.default.fileExists(atPath: folder.file("\(backing.id)")))
            _ = try await provider.deprovision(DeprovisionRequest(backing: backing, serviceClass: .redis))
        }
    }
}

/// What a durable cache has told of its files.
private final class Reports: Sendable {
    private let told = Mutex<[HealthReport.Health]>([])

    var all: [HealthReport.Health] { told.withLock { $0 } }

    @Sendable func add(_ report: HealthReport.Health) {
        told.withLock { $0.append(report) }
    }
}
