public import BrokerModel
import Ledger

extension ControlPlane {
    /// The app's releases, newest first. Throws `appNotFound` for an app that has none.
    public func releases(of app: String, in workspace: WorkspaceName) async throws(BrokerError) -> ReleasesDocument {
        let app = try AppName(app)
        let releases = try await ledger.read { try $0.releases(of: app, in: workspace) }
        guard !releases.isEmpty else { throw Self.notFound(app) }
        return ReleasesDocument(
            app: app.rawValue,
            releases: releases.map { release in
                ReleaseEntry(
                    version: release.version, description: release.description,
                    createdAt: Timestamp.text(release.createdAt), added: release.added, changed: release.changed,
                    removed: release.removed)
            })
    }
}
