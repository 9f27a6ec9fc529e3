import BrokerModel
import Synchronization
import TestKit
import Testing

struct DebugPlanTests {
    @Test(arguments: LoopUnderTest.allCases)
    func `DEBUG is answered by the plan debug alone`(_ driver: LoopUnderTest) async throws {
        try await CachesAtHand.run(driver) { caches in
            for (plan, isAllowed) in [(Plan.ephemeral, false), (.debug, true)] {
                let cache = try await caches.cache(by: plan)
                let slept = try await cache.ask("DEBUG SLEEP 0")
                #expect(slept.hasPrefix(isAllowed ? "+OK" : "-ERR DEBUG command not allowed"), "\(plan): \(slept)")
                let told = try await cache.ask("CONFIG GET enable-debug-command")
                #expect(told.contains(isAllowed ? "yes" : "no"), "\(plan): \(told)")
                #expect(try await cache.ask("CONFIG SET enable-debug-command yes").hasPrefix("-ERR"))
            }
        }
    }

    @Test func `the plan is remembered with the backing`() async throws {
        try await CachesAtHand.run(LoopUnderTest.allCases[0]) { caches in
            let kept = Mutex<[String: String]>([:])
            _ = try await caches.cache(by: .debug) { memory in kept.withLock { $0 = memory } }
            #expect(kept.withLock { $0 } == [Plan.memoryKey: "debug"])
        }
    }
}
