import BrokerModel
import Processes
import ProviderKit

/// Batches between the thread that reads a source and the one that asks for them, bounded by their bytes.
final class BatchQueue: Sendable {
    private struct State {
        var batches: [(batch: CopyBatch, size: Int)] = []
        var size = 0
        /// Of the stream, as far as it was read; nil as long as the snapshot is not complete.
        var position: Int64?
        /// Behind the batch that was handed out last, and behind those before it, which the consumer is done with.
        var handedOut: Int64?
        var applied: Int64?
        var failure: BrokerError?
        var isClosed = false
    }

    private let state = Monitor(State())
    private let limits: CopyLimits

    init(_ limits: CopyLimits) {
        self.limits = limits
    }

    // MARK: the reader's side

    /// Appends a part; small ones are put together. `position` is behind it.
    func push(_ part: CopyBatch, position: Int64?) {
        let size = part.size
        state.change { state in
            state.position = position
            guard !part.segments.isEmpty else {
                if !state.batches.isEmpty { state.batches[state.batches.count - 1].batch.position = position }
                return
            }
            state.size += size
            if let last = state.batches.indices.last, state.batches[last].size + size <= limits.batch {
                state.batches[last].batch.append(part, position: position)
                state.batches[last].size += size
            } else {
                var batch = part
                batch.position = position
                state.batches.append((batch, size))
            }
        }
    }

    /// The end: what waits in front of it is handed out first.
    func fail(_ error: BrokerError) {
        state.change { $0.failure = $0.failure ?? error }
    }

    /// What the consumer is done with.
    var applied: Int64? { state.change { $0.applied } }

    /// Waits until another part has room; false when it has none yet after `limit`.
    func waitForRoom(within limit: Duration) -> Bool {
        state.wait(within: limit) { [limits] state in state.size < limits.memory || state.isClosed ? true : nil }
            ?? false
    }

    /// Lets `limit` pass, unless it is closed.
    func pause(_ limit: Duration) {
        _ = state.wait(within: limit) { $0.isClosed ? true : nil }
    }

    // MARK: the consumer's side

    /// The next batch; nil where there is none now.
    func take() throws(BrokerError) -> CopyBatch? {
        try state.change { Self.take(&$0) }?.get()
    }

    /// The next batch, or an empty one after a while.
    func takeWaiting() throws(BrokerError) -> CopyBatch {
        let result = state.wait(within: limits.next) { state in
            if let result = Self.take(&state) { return result }
            // What the source has said since is nothing to apply, but somebody may wait for its position.
            guard let position = state.position, position != state.handedOut else { return nil }
            state.handedOut = position
            return .success(CopyBatch(position: position))
        }
        return try result?.get() ?? CopyBatch(position: state.change { $0.position })
    }

    func close() {
        state.change { $0.isClosed = true }
    }

    private static func take(_ state: inout State) -> Result<CopyBatch, BrokerError>? {
        state.applied = state.handedOut
        guard let first = state.batches.first else { return state.failure.map { .failure($0) } }
        state.batches.removeFirst()
        state.size -= first.size
        state.handedOut = first.batch.position
        return .success(first.batch)
    }
}

extension CopyBatch {
    /// Appends a command for a database.
    mutating func append(_ command: [UInt8], for database: Int) {
        if segments.last?.database != database { segments.append(Segment(database: database)) }
        segments[segments.count - 1].bytes += command
        segments[segments.count - 1].commands += 1
    }

    /// Appends what follows this batch.
    mutating func append(_ other: CopyBatch, position: Int64?) {
        for segment in other.segments {
            if segments.last?.database == segment.database {
                segments[segments.count - 1].bytes += segment.bytes
                segments[segments.count - 1].commands += segment.commands
            } else {
                segments.append(segment)
            }
        }
        keys += other.keys
        self.position = position
    }
}
