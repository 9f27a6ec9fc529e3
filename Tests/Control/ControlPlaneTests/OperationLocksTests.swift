import BrokerModel
import Testing

@testable import ControlPlane

@Suite struct OperationLocksTests {
    private let cache = OperationLocks.Key(
        workspace: .default, resource: ResourceName(unchecked: "cache"))
    private let queue = OperationLocks.Key(
        workspace: .default, resource: ResourceName(unchecked: "queue"))

    @Test func `who waits longest is next`() async {
        let locks = OperationLocks()
        #expect(locks.takeNow(cache))
        #expect(!locks.takeNow(cache))
        #expect(locks.takeNow(queue))
        let order = await withTaskGroup(of: Int.self) { group in
            for number in 0..<10 {
                group.addTask {
                    #expect(await locks.take(self.cache, within: .seconds(20)))
                    defer { locks.release(self.cache) }
                    return number
                }
            }
            locks.release(cache)
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(order.sorted() == Array(0..<10))
        #expect(locks.takeNow(cache))
    }

    @Test func `patience ends, and the lock is still given back in order`() async {
        let locks = OperationLocks()
        #expect(locks.takeNow(cache))
        #expect(await locks.take(cache, within: .milliseconds(10)) == false)
        locks.release(cache)
        #expect(await locks.take(cache, within: .milliseconds(10)))
    }
}
