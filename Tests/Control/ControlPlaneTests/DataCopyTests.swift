import BrokerModel
import ProviderKit
import Synchronization
import Testing

@testable import ControlPlane

/// A copy whose source changes all the time.
struct DataCopyTests {
    /// Every look finds that more has changed.
    private final class BusySource: CopySource {
        private let ends = Mutex((now: Int64(0), read: Int64(0)))

        func position() async throws(BrokerError) -> Int64 {
            ends.withLock { ends in
                ends.now += 3
                return ends.now
            }
        }

        func next() async throws(BrokerError) -> CopyBatch {
            let read = ends.withLock { ends in
                ends.read += 1
                return ends.read
            }
            return CopyBatch(segments: [.init(database: 0, bytes: [0], commands: 1)], position: read)
        }

        func counts() async throws(BrokerError) -> [Int: Int] { [:] }
        func keys(from _: CopyCursor?) async throws(BrokerError) -> CopyKeys { CopyKeys(keys: [], next: nil) }
        func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] { keys.map { _ in nil } }
        func close() async {}
    }

    private final class CountingTarget: CopyTarget {
        let batches = Atomic(0)
        let haste = Atomic(0)

        func apply(_: CopyBatch) async throws(BrokerError) { batches.add(1, ordering: .relaxed) }
        func hurry() async { haste.add(1, ordering: .relaxed) }
        func counts() async throws(BrokerError) -> [Int: Int] { [:] }
        func keys(from _: CopyCursor?) async throws(BrokerError) -> CopyKeys { CopyKeys(keys: [], next: nil) }
        func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] { keys.map { _ in nil } }
        func close() async {}
    }

    @Test func `a copy that writers stay ahead of has its target hurry, and is given up in the end`() async throws {
        let target = CountingTarget()
        var copy = DataCopy(source: BusySource(), target: target)
        // No round takes less than no time.
        let error = await #expect(throws: BrokerError.self) { try await copy.converge(within: .zero) }
        #expect(error?.code == .rolledBack)
        #expect(error?.why.contains("after 50 rounds") == true)
        #expect(target.batches.load(ordering: .relaxed) == 150)
        #expect(target.haste.load(ordering: .relaxed) > 0)
    }

    @Test func `a copy that has caught up hurries nobody`() async throws {
        let target = CountingTarget()
        var copy = DataCopy(source: BusySource(), target: target)
        try await copy.converge(within: .seconds(60))
        #expect(target.batches.load(ordering: .relaxed) == 3)
        #expect(target.haste.load(ordering: .relaxed) == 0)
    }
}
