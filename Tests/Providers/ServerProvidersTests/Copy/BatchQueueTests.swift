import BrokerModel
import ProviderKit
import TestKit
import Testing

@testable import ServerProviders

@Suite struct BatchQueueTests {
    @Test func `a position with nothing in front of it is handed out at once`() async throws {
        var limits = CopyLimits()
        limits.next = .seconds(3600)
        let queue = BatchQueue(limits)
        queue.push(CopyBatch(), position: 7)
        #expect(try queue.takeWaiting() == CopyBatch(position: 7))
        // Whoever waits already is woken by it.
        let waiting = onThread { try queue.takeWaiting() }
        queue.push(CopyBatch(), position: 9)
        #expect(try await waiting.value == CopyBatch(position: 9))
    }
}
