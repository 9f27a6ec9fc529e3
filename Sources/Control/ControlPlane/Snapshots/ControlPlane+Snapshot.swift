public import BrokerModel
import Logging
import ProviderKit

extension ControlPlane {
    /// How many a workspace may have.
    private static let mostSnapshots = 1000

    /// Keeps what resources hold, all at one instant, under a name. One of that name that is there already is replaced when
    /// the new one is whole.
    ///
    /// Throws `unsupported` where a resource cannot be kept; then nothing is.
    public func createSnapshot(
        _ request: SnapshotCreateRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> SnapshotDocument {
        let name = try SnapshotName(request.name)
        let resources = try await live(request.resources, of: request.lease, in: workspace)
        guard let first = resources.first else {
            throw BrokerError(
                .resourceNotFound, "there is nothing to keep", why: "the workspace has no resources",
                fix: "broker attach cache --to web")
        }
        let key = KeptSnapshot.Key(workspace: workspace, name: name)
        guard snapshots[key] != nil || snapshots.keys.count(where: { $0.workspace == workspace }) < Self.mostSnapshots
        else {
            throw BrokerError(
                .invalidRequest, "the workspace has \(Self.mostSnapshots) snapshots", why: "more are not kept",
                fix: "broker snapshot rm NAME")
        }
        let provider = try keeper(of: first)
        for resource in resources where resource.backing.provider != first.backing.provider {
            _ = try keeper(of: resource)
        }
        let ids = resources.map { _ in SnapshotID.random() }
        let response = try await provider.snapshot(
            SnapshotRequest(
                parts: zip(resources, ids).map { resource, id in
                    SnapshotRequest.Part(id: id, backing: resource.backing, serviceClass: resource.serviceClass)
                }))
        let parts = zip(zip(resources, ids), response.facts).map { kept, facts in
            KeptSnapshot.Part(
                id: kept.1, name: kept.0.reference.name, serviceClass: kept.0.serviceClass,
                provider: kept.0.backing.provider, facts: facts)
        }
        let former = snapshots[key]
        let kept = KeptSnapshot(name: name, time: Timestamp.now(), parts: parts)
        snapshots[key] = kept
        if let former { await forget(former) }
        return kept.document
    }

    /// The workspace's snapshots by name.
    public func snapshots(in workspace: WorkspaceName) -> SnapshotsDocument {
        SnapshotsDocument(
            snapshots: snapshots.filter { $0.key.workspace == workspace }.map(\.value.document)
                .sorted { $0.name < $1.name })
    }

    /// Forgets a snapshot. What has begun with it keeps what it has. Throws `snapshotNotFound`.
    public func removeSnapshot(_ name: String, in workspace: WorkspaceName) async throws(BrokerError)
        -> SnapshotDocument
    {
        let kept = try found(snapshot: name, in: workspace)
        snapshots[KeptSnapshot.Key(workspace: workspace, name: kept.name)] = nil
        await forget(kept)
        return kept.document
    }

    /// Has resources go back to a snapshot; their clients stay connected. Caches go first, since they alone may have to
    /// refuse: throws `snapshotNotFound`, `unsupported`, or `operationRunning` while a cache's changes are copied.
    public func restore(
        _ name: String, _ request: RestoreSnapshotRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> SnapshotDocument {
        let kept = try found(snapshot: name, in: workspace)
        var resources = try await live(request.resources, of: request.lease, in: workspace)
        if request.resources.isEmpty {
            // Where none is named, those are meant that the snapshot has.
            resources = resources.filter { resource in kept.parts.contains { $0.name == resource.reference.name } }
        }
        guard !resources.isEmpty else {
            throw BrokerError(
                .snapshotNotFound, "snapshot \"\(name)\" has no resource that is there",
                why: "it has \(kept.parts.map(\.name.rawValue).joined(separator: ", "))",
                fix: "broker restore \(name) cache")
        }
        var steps: [(any Snapshots, RestoreRequest)] = []
        resources.sort { $0.serviceClass == .redis && $1.serviceClass != .redis }
        for resource in resources {
            let part = try kept.part(for: resource.reference.name, resource.serviceClass)
            steps.append(
                (
                    try keeper(of: resource),
                    RestoreRequest(
                        backing: resource.backing, serviceClass: resource.serviceClass, snapshot: part.id)
                ))
        }
        for (provider, step) in steps { _ = try await provider.restore(step) }
        return kept.document
    }

    /// Empties a resource; a lease's that began with a snapshot goes back to that. Its clients stay connected.
    public func reset(_ resource: String, in workspace: WorkspaceName) async throws(BrokerError) -> ResetDocument {
        let live = try await live(try ResourceReference(resource), in: workspace)
        let keeper = try keeper(of: live)
        if live.serviceClass.isNetworked {
            _ = try await keeper.reset(
                ResetRequest(backing: live.backing, serviceClass: live.serviceClass, goal: .beginning))
        } else if let part = live.beginning {
            // A file does not know what it began with.
            _ = try await keeper.restore(
                RestoreRequest(backing: live.backing, serviceClass: live.serviceClass, snapshot: part.id))
        } else {
            _ = try await keeper.reset(ResetRequest(backing: live.backing, serviceClass: live.serviceClass))
        }
        return ResetDocument(resource: "\(live.reference)")
    }

    /// Adds what a file has to what a resource holds: all of it, or nothing.
    public func seed(
        _ resource: String, _ request: SeedFileRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> SeedDocument {
        let live = try await live(try ResourceReference(resource), in: workspace)
        let response = try await keeper(of: live).seed(
            SeedRequest(
                backing: live.backing, serviceClass: live.serviceClass, path: request.path,
                format: try Self.format(of: request)))
        return SeedDocument(resource: "\(live.reference)", items: response.items)
    }

    // MARK: parts

    func found(snapshot name: String, in workspace: WorkspaceName) throws(BrokerError) -> KeptSnapshot {
        let key = KeptSnapshot.Key(workspace: workspace, name: try SnapshotName(name))
        guard let kept = snapshots[key] else {
            throw BrokerError(
                .snapshotNotFound, "there is no snapshot \"\(name)\"",
                why: "the workspace has none of that name; they last as long as the daemon",
                fix: "broker snapshot create \(name)")
        }
        return kept
    }

    private func keeper(of resource: LiveResource) throws(BrokerError) -> any Snapshots {
        try checkServes(resource)
        guard let provider = try providers.provider(for: resource.backing.provider) as? any Snapshots else {
            throw BrokerError(
                .unsupported, "what \"\(resource.reference)\" holds cannot be kept or exchanged",
                why: "\(resource.backing.provider) is a real server; emulated resources can",
                fix: "broker swap \(resource.reference.name) --to emulator")
        }
        return provider
    }

    func forget(_ kept: KeptSnapshot) async {
        for part in kept.parts {
            do throws(BrokerError) {
                let provider = try providers.provider(for: part.provider) as? any Snapshots
                try await provider?.removeSnapshot(part.id)
            } catch {
                log.error("a snapshot was not removed", metadata: ["snapshot": "\(kept.name)", "error": "\(error)"])
            }
        }
    }

    private static func format(of request: SeedFileRequest) throws(BrokerError) -> SeedRequest.Format {
        let ending = request.path.split(separator: ".").last.map { $0.lowercased() } ?? ""
        let endings = ["jsonl": "json", "sqlite": "sql", "redis": "resp", "txt": "resp"]
        let text = request.format ?? endings[ending] ?? ending
        guard let format = SeedRequest.Format(rawValue: text) else {
            throw BrokerError(
                .invalidRequest, "\"\(text.prefix(40))\" is no format of a seed",
                why: "the formats are \(SeedRequest.Format.allCases.map(\.rawValue).joined(separator: ", "))",
                fix: "broker seed cache FILE --format resp")
        }
        return format
    }
}
