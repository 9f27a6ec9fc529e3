import BrokerModel
import Foundation
import ProviderKit
import TestKit
import Testing

@testable import EmulatedProviders

/// Snapshots of files, which processes may have open.
struct StoreCopiesTests {
    private func store(_ resources: ResourcesAtHand, from: SnapshotID? = nil) async throws -> (Backing, StoreFile) {
        let backing = resources.backing("store")
        let path = try #require(try await resources.provision(backing, .sqlite, from: from).path)
        return (backing, StoreFile(folder: String(path.dropLast("/store.sqlite".count))))
    }

    /// Whether a condition is true, as a connection sees it: what is not makes a sum that is too large.
    private func holds(_ condition: String, _ connection: StoreConnection) -> Bool {
        let statement = "SELECT CASE WHEN \(condition) THEN 1 ELSE abs(-9223372036854775807 - 1) END"
        return (try? connection.run(statement)) != nil
    }

    @Test func `a file is kept, branched, gone back to and emptied under who has it open`() async throws {
        try await ResourcesAtHand.run { resources in
            let (backing, file) = try await store(resources)
            let app = try StoreConnection(file.path)
            try app.run("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2); PRAGMA user_version = 7")
            let ids = try await resources.snapshot((backing, .sqlite))
            try app.run("INSERT INTO t VALUES (3); CREATE TABLE other (y)")
            let (branch, branched) = try await store(resources, from: ids[0])
            let other = try StoreConnection(branched.path)
            #expect(holds("(SELECT count(*) FROM t) = 2", other))
            try other.run("DELETE FROM t")
            #expect(holds("(SELECT count(*) FROM t) = 3", app))

            try await resources.restore(backing, ids[0], as: .sqlite)
            #expect(holds("(SELECT count(*) FROM t) = 2", app))
            #expect(holds("(SELECT count(*) FROM sqlite_schema) = 1", app))
            #expect(holds("(SELECT user_version FROM pragma_user_version) = 7", app))
            #expect(holds("(SELECT journal_mode FROM pragma_journal_mode) = 'wal'", app))
            try app.run("INSERT INTO t VALUES (9)")

            try await resources.reset(backing, as: .sqlite)
            #expect(holds("(SELECT count(*) FROM sqlite_schema) = 0", app))
            #expect(holds("(SELECT journal_mode FROM pragma_journal_mode) = 'wal'", app))
            try app.run("CREATE TABLE t (x)")
            try await resources.restore(branch, ids[0], as: .sqlite)
            #expect(holds("(SELECT count(*) FROM t) = 2", other))

            try await resources.provider.removeSnapshot(ids[0])
            try await resources.provider.removeSnapshot(ids[0])
            await #expect(throws: BrokerError.self) { try await resources.restore(backing, ids[0], as: .sqlite) }
            await #expect(throws: BrokerError.self) { _ = try await store(resources, from: ids[0]) }
        }
    }

    @Test func `a reader's transaction sees what it saw, and files are private`() async throws {
        try await ResourcesAtHand.run { resources in
            let (backing, file) = try await store(resources)
            let app = try StoreConnection(file.path)
            try app.run("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
            let ids = try await resources.snapshot((backing, .sqlite))
            try app.run("INSERT INTO t VALUES (2)")
            let reader = try StoreConnection(file.path)
            try reader.run("BEGIN; SELECT * FROM t")
            try await resources.restore(backing, ids[0], as: .sqlite)
            #expect(holds("(SELECT count(*) FROM t) = 2", reader))
            try reader.run("COMMIT")
            #expect(holds("(SELECT count(*) FROM t) = 1", reader))
            let kept = resources.provider.snapshotFile(ids[0])
            func mode(_ path: String) throws -> Int? {
                (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
            }
            #expect(try mode(kept.path) == 0o600)
            #expect(try mode(kept.folder) == 0o700)
            // It outlives the provider.
            let next = EmulatorProvider(loops: resources.loops, folders: resources.folder)
            _ = try await next.restore(RestoreRequest(backing: backing, serviceClass: .sqlite, snapshot: ids[0]))
        }
    }

    @Test func `files and caches are kept at one instant`() async throws {
        try await ResourcesAtHand.run { resources in
            let (backing, file) = try await store(resources)
            let app = try StoreConnection(file.path)
            try app.run("PRAGMA synchronous = OFF; CREATE TABLE t (x); INSERT INTO t VALUES (0)")
            let cache = try await resources.cache("cache")
            try await cache.run("SET n 0")
            let stop = Flag()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var number = 0
                    while !stop.isSet {
                        number += 1
                        try app.run("UPDATE t SET x = \(number)")
                        try await cache.run("SET n \(number)")
                    }
                }
                for _ in 0..<15 {
                    let ids = try await resources.snapshot((backing, .sqlite), (cache.backing, .redis))
                    let branch = try await resources.cache("branch", from: ids[1])
                    let reply = try await branch.ask("GET n").split(separator: "\r\n")
                    let number = try #require(Int(reply[1]))
                    let kept = try StoreConnection(resources.provider.snapshotFile(ids[0]).path)
                    #expect(holds("(SELECT x FROM t) IN (\(number), \(number + 1))", kept), "\(number)")
                    try await resources.remove(branch.backing)
                    for id in ids { try await resources.provider.removeSnapshot(id) }
                }
                stop.set()
                try await group.waitForAll()
            }
        }
    }

    @Test func `a copy that cannot be made leaves nothing`() async throws {
        try await ResourcesAtHand.run { resources in
            let (backing, file) = try await store(resources)
            try StoreConnection(file.path).run("CREATE TABLE t (x)")
            // The snapshot's folder cannot be made: something else is there.
            let id = SnapshotID.random()
            let place = resources.provider.snapshotFile(id).folder
            _ = FileManager.default.createFile(atPath: place, contents: nil)
            let cache = try await resources.cache("cache")
            let cacheID = SnapshotID.random()
            await #expect(throws: BrokerError.self) {
                _ = try await resources.provider.snapshot(
                    SnapshotRequest(parts: [
                        .init(id: cacheID, backing: cache.backing, serviceClass: .redis),
                        .init(id: id, backing: backing, serviceClass: .sqlite),
                    ]))
            }
            #expect(resources.provider.shelf.image(cacheID) == nil)
            // Its writers go on.
            try StoreConnection(file.path).run("INSERT INTO t VALUES (1)")
        }
    }
}
