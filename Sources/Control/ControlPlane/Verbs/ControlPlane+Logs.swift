public import BrokerModel
import Ledger

extension ControlPlane {
    private static let usualCount = 100
    private static let largestCount = 10_000

    /// What happened to the resources and apps of a workspace, oldest first.
    ///
    /// - Parameters:
    ///   - source: a resource's or an app's name; nil is all.
    ///   - last: how many at most, the newest of them; 100 unless said otherwise.
    ///   - after: the cursor of an earlier answer: only what came later.
    public func logs(
        in workspace: WorkspaceName, source: String?, last: Int?, after: String?
    ) async throws(BrokerError) -> LogsDocument {
        let count = min(max(last ?? Self.usualCount, 0), Self.largestCount)
        var cursor: Int64?
        if let after {
            guard let id = Int64(after), id >= 0 else {
                throw BrokerError(
                    .invalidRequest, "\"\(after.prefix(40))\" is no cursor",
                    why: "a cursor comes from an earlier answer")
            }
            cursor = id
        }
        let from = cursor
        let (events, latest) = try await ledger.read { reader in
            (
                try reader.events(in: workspace, source: source, last: count, after: from),
                try reader.latestEvent()
            )
        }
        return LogsDocument(
            entries: events.map { LogEntry(time: Timestamp.text($0.time), source: $0.source, message: $0.message) },
            cursor: "\(latest)")
    }
}
