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

/// Snapshots of caches and queues, and what begins with them or goes back to them.
struct SnapshotsTests {
    @Test func `a branch begins with the snapshot, on its loop, and outlives source and snapshot`() async throws {
        try await ResourcesAtHand.run { resources in
            let source = try await resources.cache("source")
            try await source.run("SET a 1", "RPUSH l x y")
            let id = try #require(try await resources.snapshot(source).first)
            try await source.run("SET a 2")
            let branch = try await resources.cache("branch", from: id)
            #expect(try await branch.ask("GET a") == "$1\r\n1\r\n")
            try await resources.remove(source.backing)
            let second = try await resources.cache("second", from: id)
            try await resources.provider.removeSnapshot(id)
            try await resources.provider.removeSnapshot(id)
            try await second.run("DEL a")
            #expect(try await branch.ask("GET a") == "$1\r\n1\r\n")
            #expect(try await second.ask("LLEN l") == ":2\r\n")
            let error = await #expect(throws: BrokerError.self) { _ = try await resources.cache("late", from: id) }
            #expect(error?.code == .snapshotNotFound)
            try await resources.remove(branch.backing)
            try await resources.remove(second.backing)
        }
    }

    @Test func `a backing that is there keeps what it has, whatever it is to begin with`() async throws {
        try await ResourcesAtHand.run { resources in
            let source = try await resources.cache("source")
            try await source.run("SET a 1")
            let id = try #require(try await resources.snapshot(source).first)
            let branch = try await resources.cache("branch", from: id)
            try await branch.run("SET a 2")
            let again = try await resources.cache("branch", from: id, as: branch.backing)
            #expect(try await again.ask("GET a") == "$1\r\n2\r\n")
        }
    }

    @Test func `a cache goes back, is emptied, and goes back to its beginning`() async throws {
        try await ResourcesAtHand.run { resources in
            let source = try await resources.cache("source")
            try await source.run("SET a 1")
            let id = try #require(try await resources.snapshot(source).first)
            try await source.run("SET a 2", "SET b 2")
            try await resources.restore(source.backing, id)
            #expect(try await source.ask("GET a") == "$1\r\n1\r\n")
            #expect(try await source.ask("DBSIZE") == ":1\r\n")
            try await resources.reset(source.backing)
            #expect(try await source.ask("DBSIZE") == ":0\r\n")
            let branch = try await resources.cache("branch", from: id)
            try await branch.run("SET c 3")
            try await resources.reset(branch.backing, to: .beginning)
            #expect(try await branch.ask("DBSIZE") == ":1\r\n")
            try await branch.run("SET c 3")
            try await resources.restore(source.backing, id)
            #expect(try await source.ask("GET a") == "$1\r\n1\r\n")
        }
    }

    @Test func `what cannot be is refused and changes nothing`() async throws {
        try await ResourcesAtHand.run { resources in
            let source = try await resources.cache("source")
            let other = try await resources.cache("other")
            try await source.run("SET a 1")
            try await other.run("SET o 1")
            let id = try #require(try await resources.snapshot(source).first)
            func code(_ body: () async throws -> Void) async -> ErrorCode? {
                do {
                    try await body()
                    return nil
                } catch {
                    return (error as? BrokerError)?.code
                }
            }
            #expect(await code { try await resources.restore(other.backing, id) } == .unsupported)
            #expect(await code { try await resources.restore(source.backing, .random()) } == .snapshotNotFound)
            #expect(await code { try await resources.restore(source.backing, id, as: .beanstalk) } == .acrossClasses)
            let copy = try await resources.provider.openSource(
                CopySourceRequest(backing: source.backing, serviceClass: .redis, contents: .changes))
            #expect(await code { try await resources.restore(source.backing, id) } == .operationRunning)
            await copy.close()
            let target = try await resources.provider.openTarget(
                CopyTargetRequest(backing: source.backing, serviceClass: .redis))
            #expect(await code { try await resources.reset(source.backing) } == .operationRunning)
            await target.close()
            #expect(try await other.ask("GET o") == "$1\r\n1\r\n")
            #expect(try await source.ask("GET a") == "$1\r\n1\r\n")
            try await resources.restore(source.backing, id)
        }
    }

    @Test(arguments: 1...3)
    func `a branch that is written to is copied as any cache, with its own snapshots`(seed: Int) async throws {
        try await ResourcesAtHand.run { resources in
            let source = try await resources.cache("source")
            try await source.run((0..<3000).map { "SET key:\($0) \($0)" })
            try await source.run((0..<500).map { "HSET hash field:\($0) \($0)" })
            let id = try #require(try await resources.snapshot(source).first)
            let branch = try await resources.cache("branch", from: id)
            let target = try await resources.cache("target")
            let read = try await resources.provider.openSource(
                CopySourceRequest(backing: branch.backing, serviceClass: .redis, contents: .everything))
            let write = try await resources.provider.openTarget(
                CopyTargetRequest(backing: target.backing, serviceClass: .redis))
            for round in 0..<20 {
                try await branch.run(
                    "SET key:\(round * seed * 7) changed", "DEL key:\(round * 3) key:\(round + 1000)",
                    "HSET hash field:\(round) changed", "RPUSH l \(round)", "HDEL hash field:\(round + 100)")
                try await source.run("DEL key:\(round * 11)", "FLUSHDB")
                try await write.apply(try await read.next())
                _ = try await resources.snapshot(branch)
            }
            try await CachesAtHand.copy(read, to: write)
            #expect(try await CachesAtHand.digests(read) == CachesAtHand.digests(write))
            await read.close()
            await write.close()
            let again = try await resources.cache("again", from: id)
            #expect(try await again.ask("DBSIZE") == ":3001\r\n")
        }
    }

    @Test func `snapshots of several caches are of one instant`() async throws {
        try await ResourcesAtHand.run { resources in
            let (first, second) = (try await resources.cache("a"), try await resources.cache("b"))
            try await first.run("SET n 0")
            try await second.run("SET n 0")
            let stop = Flag()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var number = 0
                    while !stop.isSet {
                        number += 1
                        try await first.run("SET n \(number)")
                        try await second.run("SET n \(number)")
                    }
                }
                defer { stop.set() }
                for round in 0..<60 {
                    // In either order.
                    let ids =
                        round % 2 == 0
                        ? try await resources.snapshot(first, second)
                        : try await resources.snapshot(second, first).reversed()
                    let (early, late) = (
                        try await number(in: ids[0], resources), try await number(in: ids[1], resources)
                    )
                    #expect(early == late || early == late + 1, "\(early) and \(late)")
                    for id in ids { try await resources.provider.removeSnapshot(id) }
                }
                stop.set()
                try await group.waitForAll()
            }
        }
    }

    private func number(in id: SnapshotID, _ resources: ResourcesAtHand) async throws -> Int {
        let branch = try await resources.cache("branch", from: id)
        let reply = try await branch.ask("GET n").split(separator: "\r\n")
        try await resources.remove(branch.backing)
        return try #require(Int(reply[1]))
    }

    @Test func `many snapshots at once of the same caches do not wait for each other for ever`() async throws {
        try await ResourcesAtHand.run { resources in
            let caches = [
                try await resources.cache("a"), try await resources.cache("b"), try await resources.cache("c"),
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<24 {
                    group.addTask {
                        let (one, two) = (caches[number % 3], caches[(number + 1) % 3])
                        let ids =
                            number % 2 == 0
                            ? try await resources.snapshot(one, two) : try await resources.snapshot(two, one)
                        for id in ids { try await resources.provider.removeSnapshot(id) }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `a loop that is busy is waited for, and holds nobody meanwhile`() async throws {
        try await ResourcesAtHand.run { resources in
            let (busy, other) = (try await resources.cache("busy"), try await resources.cache("other"))
            let held = Flag()
            let loop = try await busy.onLoop { $0.loop }
            // Whoever is asked first is free; then it is busy for longer than anybody is held.
            let end = ContinuousClock.now + .seconds(2)
            loop.post { while ContinuousClock.now < end, !held.isSet { usleep(1000) } }
            async let ids = resources.snapshot(busy, other)
            for _ in 0..<20 {
                let taken = try await ContinuousClock().measure { try await other.run("SET x 1") }
                #expect(taken < .seconds(1))
            }
            held.set()
            #expect(try await ids.count == 2)
        }
    }

    @Test func `who does not come in time lets all give up, soon`() async throws {
        let loops = [try LoopUnderTest.allCases[0].make(), try LoopUnderTest.allCases[0].make()]
        let free = Flag()
        loops[0].post { while !free.isSet { usleep(1000) } }
        let outcomes = Mutex<[Bool]>([])
        let began = ContinuousClock.now
        Rendezvous.post(to: loops) { _, isWhole in
            outcomes.withLock { $0.append(isWhole) }
        }
        try await loops[1].onLoop {}
        #expect(ContinuousClock.now - began < .seconds(1))
        #expect(outcomes.withLock { $0 } == [false])
        free.set()
        try await loops[0].onLoop {}
        #expect(outcomes.withLock { $0 } == [false, false])
        for loop in loops { await loop.stop(grace: .zero) }
    }

    @Test func `queues are kept, branched and emptied with caches`() async throws {
        try await ResourcesAtHand.run { resources in
            let cache = try await resources.cache("cache")
            let queue = resources.backing("queue")
            guard case .queue(let emulator) = try await resources.provision(queue, .beanstalk).upstream else {
                throw NeverHappened("it is no queue")
            }
            let loop = resources.loops.take(for: "queue")
            func ready() async throws -> Int { try await loop.onLoop { emulator.value.statistics.ready } }
            func put(_ body: String) async throws {
                try await loop.onLoop {
                    _ = emulator.value.put(
                        Array(body.utf8), into: Array("t".utf8), priority: 1, delay: 0, timeToRun: 1)
                }
            }
            try await put("one")
            let ids = try await resources.snapshot((cache.backing, .redis), (queue, .beanstalk))
            try await put("two")
            let branch = resources.backing("branch")
            guard case .queue(let branched) = try await resources.provision(branch, .beanstalk, from: ids[1]).upstream
            else { throw NeverHappened("it is no queue") }
            let branchLoop = resources.loops.take(for: "branch")
            #expect(try await branchLoop.onLoop { branched.value.statistics.ready } == 1)
            #expect(try await ready() == 2)
            try await resources.restore(queue, ids[1], as: .beanstalk)
            #expect(try await ready() == 1)
            try await resources.reset(queue, as: .beanstalk)
            #expect(try await ready() == 0)
            try await resources.reset(branch, as: .beanstalk, to: .beginning)
            #expect(try await branchLoop.onLoop { branched.value.statistics.ready } == 1)
            await #expect(throws: BrokerError.self) { try await resources.restore(queue, ids[0], as: .beanstalk) }
        }
    }

    // MARK: durable caches
}
