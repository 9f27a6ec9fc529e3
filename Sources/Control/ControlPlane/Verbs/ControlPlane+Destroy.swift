public import BrokerModel
import Ledger
import Processes
import ProviderKit

extension ControlPlane {
    /// Removes a resource and its data; a server that the broker did not start keeps its own.
    ///
    /// Throws `resourceAttached` while apps are attached, unless `force` detaches them, each with a release; `unsafe`
    /// while a process has its file open, unless `force`: what that process writes later would be lost without a word.
    public func destroy(
        _ name: String, in workspace: WorkspaceName, force: Bool, operation: OperationID
    ) async throws(BrokerError) -> DestroyOutcome {
        let name = try ResourceName(name)
        let call = try Call(
            .destroy, operation, in: workspace, resource: name, request: [name.rawValue, force ? "force" : nil])
        try await stopBringing(name, in: workspace)
        return try await perform(call) { () async throws(BrokerError) in
            let (stored, attachments) = try await ledger.read { reader in
                let stored = try reader.resource(named: name, in: workspace)
                return (stored, try stored.map { try reader.attachments(of: $0.resource.id) } ?? [])
            }
            guard let stored else { throw Self.notFound(name) }
            if !force, !attachments.isEmpty { throw Self.attached(name, attachments) }
            let users = serving[stored.resource.id]?.path.map(FileUser.find) ?? []
            if !force, !users.isEmpty { throw Self.open(name, users) }
            let id = stored.resource.id
            await forgetWayBack(of: id)
            try await ledger.write { writer in
                try writer.set(.going, of: id)
                try writer.begin(try call.begin(id, Intent()))
            }
            await reached(.destroyIntended)
            var outcome = try await finishDestroy(
                Operation(id: operation, workspace: workspace, kind: .destroy, resource: id, phase: .intended))
            if !users.isEmpty {
                outcome.warning = "\(Self.list(users)) had its file open: what is written there now is lost"
            }
            return outcome
        }
    }

    /// From the intent on disk to the outcome on disk. There is no way back; a provider that cannot remove its part
    /// leaves the operation unfinished, and it is tried again with the next one, or at the next start.
    func finishDestroy(_ operation: Operation) async throws(BrokerError) -> DestroyOutcome {
        let id = operation.resource
        let (stored, attachments, backings) = try await ledger.read { reader in
            (
                try Self.found(try reader.resource(id)), try reader.attachments(of: id),
                try reader.backings().filter { $0.resource == id }
            )
        }
        let resource = stored.resource
        await closeEndpoints(of: resource, attachments)
        for backing in backings { try await deprovision(backing, resource) }
        serving[id] = nil
        await reached(.destroyEffected)

        let outcome = try await ledger.write { writer in
            let apps = Set(attachments.map(\.attachment.app)).sorted { $0.rawValue < $1.rawValue }
            for app in apps {
                let gone = attachments.filter { $0.attachment.app == app }.map(\.attachment.id)
                _ = try writer.takeAway(Set(gone), from: app, in: operation.workspace, "destroy \(resource.name)")
            }
            try writer.remove(id)
            try writer.note(resource.name, in: operation.workspace, "destroyed")
            let outcome = DestroyOutcome(resource: resource.name.rawValue, detached: apps.map(\.rawValue))
            try writer.succeed(operation.id, outcome: try LedgerText.encode(outcome))
            return outcome
        }
        await reached(.destroyCommitted)
        return outcome
    }

    private static func list(_ users: [FileUser]) -> String { users.map(\.description).joined(separator: ", ") }

    private static func open(_ name: ResourceName, _ users: [FileUser]) -> BrokerError {
        BrokerError(
            .unsafe, "the file of \"\(name)\" is open",
            why: "\(list(users)) would go on writing to a file that is gone",
            fix:
                "broker destroy \(name) --force  # or end it first: kill \(users.map { "\($0.pid)" }.joined(separator: " "))"
        )
    }

    private static func attached(_ name: ResourceName, _ attachments: [StoredAttachment]) -> BrokerError {
        let edges = attachments.map(\.attachment)
        let detaches = edges.map { "broker detach \(name) --from \($0.app) --as \($0.alias)" }
        return BrokerError(
            .resourceAttached, "\"\(name)\" is attached",
            why: "to " + edges.map { "\($0.app) as \($0.alias)" }.joined(separator: ", "),
            fix: (detaches + ["broker destroy \(name)"]).joined(separator: " && "))
    }
}
