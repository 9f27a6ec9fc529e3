public import BrokerModel
import Gateway
import Ledger

extension ControlPlane {
    /// All resources of a workspace, and the apps that are attached to any, each by name. The releases of an app that
    /// has been detached from everything can still be read.
    public func status(in workspace: WorkspaceName) async throws(BrokerError) -> StatusDocument {
        let (resources, attachments, apps) = try await ledger.read { reader in
            let members = try reader.apps(in: workspace).map { app in
                (app, try reader.latestRelease(of: app, in: workspace), try reader.members(of: app, in: workspace))
            }.filter { _, _, members in !members.isEmpty }
            return (try reader.resources(in: workspace), try reader.attachments(in: workspace), members)
        }
        let statistics = await gateway.statistics()
        var states: [ResourceStatus] = []
        for stored in resources {
            var status = status(
                of: stored, attachments.filter { $0.attachment.resource == stored.resource.id }, statistics)
            status.undo?.failure = await waysBack[stored.resource.id]?.wayBack.failure?.reason
            states.append(status)
        }
        return StatusDocument(
            workspace: workspace.rawValue, resources: states,
            apps: apps.map { app, release, members in
                let environment = AppEnvironment(members)
                return AppStatus(
                    name: app.rawValue, release: release,
                    attachments: members.map { AttachmentStatus($0.attachment, $0.resource, environment) })
            })
    }

    /// One resource, without its connections: for an answer that has just made or found it.
    func status(of stored: StoredResource) async -> ResourceStatus {
        status(of: stored, [], await gateway.statistics())
    }

    private func status(
        of stored: StoredResource, _ attachments: [StoredAttachment], _ statistics: [EndpointID: EndpointStatistics]
    ) -> ResourceStatus {
        let resource = stored.resource
        let now = serving[resource.id]
        let state =
            switch stored.lifecycle {
            case .coming: ResourceState.starting
            case .present: now?.state ?? .starting
            case .going: ResourceState.failed("it is being removed: broker destroy \(resource.name)")
            }
        let counted = ([resource.id.endpoint] + attachments.map(\.attachment.endpoint)).compactMap { statistics[$0] }
        var status = ResourceStatus(
            name: resource.name.rawValue, class: resource.serviceClass.rawValue,
            provider: resource.provider.description,
            plan: resource.plan.name, state: state.word, detail: state.detail,
            host: resource.port == nil ? nil : "127.0.0.1", port: resource.port.map(Int.init), path: now?.path,
            connections: counted.reduce(0) { $0 + $1.connections },
            // Endpoints of one emulator all report its count.
            unsupported: counted.reduce(into: [:]) { $0.merge($1.unsupported, uniquingKeysWith: max) })
        if let open = waysBack[resource.id] {
            status.undo = ResourceStatus.Undo(
                to: open.former.provider.description, seconds: Int(max(open.until - Timestamp.now(), 0) / 1000))
        }
        if case .url = resource.provider, let server = routes[resource.id.endpoint]??.server {
            status.access = server.ownUsers == nil ? "gateway" : "own-users"
        }
        status.swap = progress[resource.id]?.status
        return status
    }
}
