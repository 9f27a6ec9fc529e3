import BrokerModel
import EventLoop
import Foundation
import Gateway
import ProviderKit
import QueueEmulator
import Synchronization
import TestKit
import Testing

@testable import CacheEmulator
@testable import EmulatedProviders

/// Snapshots of durable caches: what is gone back to is on disk, or nothing has changed.
struct DurableSnapshotsTests {
    @Test func `a durable cache that went back has gone back after a kill`() async throws {
        let directory = try TemporaryDirectory()
        let backing = Backing(
            id: .random(), resource: ResourceID(rawValue: "r"), provider: .emulator, secret: Secret("secret"),
            memory: [:])
        let file = directory.file("\(backing.id)")
        // A copy of the files is what a daemon that is killed leaves.
        func killed() throws -> String {
            let copy = directory.path + "-killed"
            try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: file, toPath: "\(copy)/\(backing.id)")
            return copy
        }
        var left = ""
        try await ResourcesAtHand.run(folder: directory.path) { resources in
            let cache = try await resources.cache("r", isDurable: true, as: backing)
            try await cache.run((0..<300).map { "SET key:\($0) \($0)" })
            try await cache.run("SET other 1", in: 5)
            let id = try #require(try await resources.snapshot(cache).first)
            try await cache.run("FLUSHALL", "SET new 1")
            try await resources.restore(cache.backing, id)
            left = try killed()
            try await cache.run("SET behind 1")
            #expect(try await cache.ask("DBSIZE") == ":301\r\n")
            try await resources.provider.suspend(cache.backing)
        }
        try await ResourcesAtHand.run(folder: left) { resources in
            let cache = try await resources.cache("r", isDurable: true, as: backing)
            #expect(try await cache.ask("DBSIZE") == ":300\r\n")
            #expect(try await cache.ask("GET key:299") == "$3\r\n299\r\n")
            #expect(try await cache.ask("EXISTS new") == ":0\r\n")
            #expect(try await cache.onLoop { $0.keyCounts } == [0: 300, 5: 1])
        }
        try await ResourcesAtHand.run(folder: directory.path) { resources in
            let cache = try await resources.cache("r", isDurable: true, as: backing)
            #expect(try await cache.onLoop { $0.keyCounts } == [0: 301, 5: 1])
            try await resources.reset(cache.backing)
            try await cache.run("SET last 1")
            try await resources.provider.suspend(cache.backing)
        }
        try await ResourcesAtHand.run(folder: directory.path) { resources in
            let cache = try await resources.cache("r", isDurable: true, as: backing)
            #expect(try await cache.onLoop { $0.keyCounts } == [0: 1])
        }
        try FileManager.default.removeItem(atPath: left)
    }

    @Test func `a durable cache goes back and forth while it is written to`() async throws {
        let directory = try TemporaryDirectory()
        let backing = Backing(
            id: .random(), resource: ResourceID(rawValue: "r"), provider: .emulator, secret: Secret("secret"),
            memory: [:])
        var before: [Int: Int] = [:]
        try await ResourcesAtHand.run(folder: directory.path) { resources in
            let cache = try await resources.cache("r", isDurable: true, as: backing)
            try await cache.run((0..<100).map { "SET key:\($0) \($0)" })
            let id = try #require(try await resources.snapshot(cache).first)
            let stop = Flag()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var number = 0
                    while !stop.isSet {
                        number += 1
                        try await cache.run("SET w\(number % 50) 1", "INCR counter", "DEL key:\(number % 100)")
                    }
                }
                for _ in 0..<8 { try await resources.restore(cache.backing, id) }
                stop.set()
                try await group.waitForAll()
            }
            before = try await cache.onLoop { $0.keyCounts }
            try await resources.provider.suspend(cache.backing)
        }
        try await ResourcesAtHand.run(folder: directory.path) { resources in
            let cache = try await resources.cache("r", isDurable: true, as: backing)
            #expect(try await cache.onLoop { $0.keyCounts } == before)
        }
    }

    @Test func `where the disk is full a durable cache does not go back, and goes on`() async throws {
        try await ResourcesAtHand.run { resources in
            let cache = try await resources.cache("r", isDurable: true)
            try await cache.run("SET a 1")
            let id = try #require(try await resources.snapshot(cache).first)
            try await cache.run("SET a 2")
            // It takes nothing, as a full disk.
            let base = DurableFiles(folder: resources.provider.folder(of: cache.backing.id)).base(2)
            try FileManager.default.createSymbolicLink(atPath: base, withDestinationPath: "/dev/full")
            let error = await #expect(throws: BrokerError.self) { try await resources.restore(cache.backing, id) }
            #expect(error?.why.contains("No space left") == true)
            #expect(try await cache.ask("GET a") == "$1\r\n2\r\n")
            #expect(try await cache.ask("SET b 1") == "+OK\r\n")
            try await resources.restore(cache.backing, id)
            #expect(try await cache.ask("GET a") == "$1\r\n1\r\n")
            try await resources.remove(cache.backing)
        }
    }

    @Test func `one that went back and could not write its manifest says so, and its files follow`() async throws {
        try await ResourcesAtHand.run { resources in
            let cache = try await resources.cache("r", isDurable: true)
            try await cache.run("SET a 1")
            let id = try #require(try await resources.snapshot(cache).first)
            try await cache.run("SET a 2")
            let files = DurableFiles(folder: resources.provider.folder(of: cache.backing.id))
            // What the manifest is written to first cannot be made.
            try FileManager.default.createDirectory(
                atPath: files.manifest + ".new", withIntermediateDirectories: false)
            let error = await #expect(throws: BrokerError.self) { try await resources.restore(cache.backing, id) }
            #expect(error?.code == .diskFull && error?.what.contains("its files did not yet") == true)
            #expect(try await cache.ask("GET a") == "$1\r\n1\r\n")
            try await eventually("writes are refused") { try await cache.ask("SET b 1").hasPrefix("-MISCONF") }
            try FileManager.default.removeItem(atPath: files.manifest + ".new")
            try await eventually("the files follow") {
                try await cache.onLoop { $0.writeRefusal } == nil
            }
            #expect(try await cache.ask("SET b 1") == "+OK\r\n")
            try await resources.remove(cache.backing)
        }
    }

    @Test func `a durable branch has its beginning on disk when it is there`() async throws {
        let directory = try TemporaryDirectory()
        let backing = Backing(
            id: .random(), resource: ResourceID(rawValue: "branch"), provider: .emulator, secret: Secret("secret"),
            memory: [:])
        let copy = try TemporaryDirectory()
        try await ResourcesAtHand.run(folder: directory.path) { resources in
            let source = try await resources.cache("source")
            try await source.run((0..<300).map { "SET key:\($0) \($0)" })
            let id = try #require(try await resources.snapshot(source).first)
            _ = try await resources.cache("branch", from: id, isDurable: true, as: backing)
            try FileManager.default.copyItem(
                atPath: directory.file("\(backing.id)"), toPath: copy.file("\(backing.id)"))
        }
        try await ResourcesAtHand.run(folder: copy.path) { resources in
            // The snapshot is gone with the daemon, and not needed any more.
            let branch = try await resources.cache("branch", from: .random(), isDurable: true, as: backing)
            #expect(try await branch.onLoop { $0.keyCounts } == [0: 300])
        }
    }
}
