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
    ///
    /// Throws `resourceNotFound` for a source that is no resource and no app and of which nothing is told.
    public func logs(
        in workspace: WorkspaceName, source: String?, last: Int?, after: String?
    ) async throws(BrokerError) -> LogsDocument {
        let count = min(max(last ?? Self.usualCount, 0), Self.largestCount)
        var cursor: Int64?
        if let after {
            guard let id = Int64(after), id >= 0 else {
                throw BrokerError(
                    .invalidRequest, "\"\(after.prefix(40))\" is no cursor",
                    why: "a cursor comes from an earlier answer", fix: "broker logs --json")
            }
            cursor = id
        }
        let from = cursor
        let (events, latest) = try await ledger.read { reader in
            if let source { try Self.checkSource(source, in: workspace, reader) }
            return (
                try reader.events(in: workspace, source: source, last: count, after: from),
                try reader.latestEvent()
            )
        }
        return LogsDocument(
            entries: events.map { LogEntry(time: Timestamp.text($0.time), source: $0.source, message: $0.message) },
            cursor: "\(latest)")
    }

    private static func checkSource(_ source: String, in workspace: WorkspaceName, _ reader: LedgerReader) throws {
        if let name = ResourceName(rawValue: source), try reader.resource(named: name, in: workspace) != nil { return }
        if let app = AppName(rawValue: source), try reader.latestRelease(of: app, in: workspace) > 0 { return }
        guard try reader.events(in: workspace, source: source, last: 1, after: nil).isEmpty else { return }
        throw BrokerError(
            .resourceNotFound, "there is no resource and no app \"\(source.prefix(80))\"",
            why: "this workspace has none of that name", fix: "broker logs")
    }
}
