import EventLoop
import NIODriver
import Synchronization
import TestKit
import Testing

struct LoopPoolTests {
    private func pool(_ most: Int) throws -> LoopPool { try LoopPool(most: most) { NIOLoop() } }

    @Test func `every tenant has a loop of its own while there may be more, and keeps it`() async throws {
        let pool = try pool(3)
        let loops = ["a", "b", "c"].map { pool.take(for: $0) }
        #expect(Set(loops.map { ObjectIdentifier($0) }).count == 3)
        #expect(pool.take(for: "b") === loops[1])
        let fourth = pool.take(for: "d")
        #expect(loops.contains { $0 === fourth })
        await pool.stop(grace: .zero)
    }

    @Test func `a loop is free when the last holder has given it back`() async throws {
        let pool = try pool(2)
        let first = pool.take(for: "a")
        _ = pool.take(for: "a")
        let second = pool.take(for: "b")
        pool.give(for: "a")
        // Held once more: who comes shares a loop.
        let shared = pool.take(for: "c")
        #expect(shared === first || shared === second)
        pool.give(for: "c")
        pool.give(for: "a")
        #expect(pool.take(for: "d") === first)
        pool.give(for: "unknown")
        await pool.stop(grace: .zero)
    }

    @Test func `a tenant can be put beside another one, unless it has a loop already`() async throws {
        let pool = try pool(4)
        let first = pool.take(for: "a")
        #expect(pool.take(for: "b", beside: "a") === first)
        #expect(pool.take(for: "b") === first)
        let other = pool.take(for: "c")
        #expect(other !== first)
        #expect(pool.take(for: "c", beside: "a") == nil)
        #expect(pool.take(for: "d", beside: "nobody") == nil)
        pool.give(for: "a")
        // The loop is b's now, which holds it twice.
        #expect(pool.take(for: "e", beside: "b") === first)
        for tenant in ["b", "b", "e"] { pool.give(for: tenant) }
        #expect(pool.take(for: "f") === first)
        await pool.stop(grace: .zero)
    }

    @Test func `a loop that cannot be made is done without`() async throws {
        struct NoMore: Error {}
        let only = NIOLoop()
        let made = Atomic<Int>(0)
        let pool = try LoopPool(most: 8) {
            guard made.add(1, ordering: .relaxed).newValue == 1 else { throw NoMore() }
            return only
        }
        #expect(pool.take(for: "a") === only)
        #expect(pool.take(for: "b") === only)
        #expect(pool.take(for: "a") === only)
        #expect(throws: NoMore.self) { _ = try LoopPool(most: 8) { throw NoMore() } }
        await pool.stop(grace: .zero)
    }

    @Test func `what keeps one tenant's loop busy holds up no other`() async throws {
        let pool = try pool(4)
        let (busy, other) = (pool.take(for: "busy"), pool.take(for: "other"))
        let flag = Flag()
        busy.post { while !flag.isSet {} }
        await withCheckedContinuation { continuation in _ = other.post { continuation.resume() } }
        flag.set()
        await pool.stop(grace: .seconds(1))
    }
}
