public import BrokerModel
import Ledger

extension ControlPlane {
    /// The variables that the app's next process gets, by name, values in the clear.
    ///
    /// Throws `appNotFound` for an app that was never attached to anything.
    public func environment(
        of app: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> EnvironmentDocument {
        let app = try AppName(app)
        let (release, members) = try await ledger.read { reader in
            (try reader.latestRelease(of: app, in: workspace), try reader.members(of: app, in: workspace))
        }
        guard release > 0 else { throw Self.notFound(app) }
        let variables = AppEnvironment(members).owners.sorted { $0.key < $1.key }.map { name, owner in
            let url = owner.url
            return EnvironmentDocument.Variable(
                name: name, value: url.value.reveal { $0 }, masked: url.masked, resource: owner.resource.rawValue)
        }
        return EnvironmentDocument(app: app.rawValue, release: release, variables: variables)
    }

    static func notFound(_ app: AppName) -> BrokerError {
        BrokerError(
            .appNotFound, "there is no app \"\(app)\"", why: "nothing was ever attached to it in this workspace",
            fix: "broker attach cache --to \(app)")
    }
}
