public import BrokerModel
import Gateway
import Ledger
import ProviderKit

extension ControlPlane {
    /// Takes an attachment away: its credential is revoked, its connections are closed, nobody else's; the app gets a
    /// release without its variables.
    ///
    /// Throws `attachmentAmbiguous` where an alias is needed to know which one is meant.
    public func detach(
        resource: String, app: String, alias: String?, in workspace: WorkspaceName, operation: OperationID
    ) async throws(BrokerError) -> DetachOutcome {
        let name = try ResourceName(resource)
        let app = try AppName(app)
        let alias = try alias.map { text throws(BrokerError) in try Alias(text) }
        let call = try Call(
            .detach, operation, in: workspace, resource: name, request: [name.rawValue, app.rawValue, alias?.rawValue])
        return try await perform(call) { () async throws(BrokerError) in
            let (stored, members) = try await ledger.read { reader in
                (try reader.resource(named: name, in: workspace), try reader.members(of: app, in: workspace))
            }
            guard let stored else { throw Self.notFound(name) }
            let member = try DetachPlan.find(name, app: app, alias: alias, in: members)
            let intent = Intent(attachment: member.attachment.id)
            try await ledger.write { writer in
                try writer.set(.going, of: member.attachment.id)
                try writer.begin(try call.begin(stored.resource.id, intent))
            }
            await reached(.detachIntended)
            return try await finishDetach(
                Operation(
                    id: operation, workspace: workspace, kind: .detach, resource: stored.resource.id, phase: .intended),
                intent)
        }
    }

    /// From the intent on disk to the outcome on disk. There is no way back: who is being detached stays out.
    func finishDetach(_ operation: Operation, _ intent: Intent) async throws(BrokerError) -> DetachOutcome {
        let (stored, backing, attachment) = try await ledger.read { reader in
            let stored = try Self.found(try reader.resource(operation.resource))
            return (
                stored, try Self.found(try reader.backing(stored.backing)),
                try Self.found(try intent.attachment.map { try reader.attachment($0) } ?? nil).attachment
            )
        }
        let resource = stored.resource
        let closed = await revoke(attachment, on: resource)
        let response = try await providers.provider(for: backing.provider).unbind(
            UnbindRequest(
                backing: backing, serviceClass: resource.serviceClass, attachment: attachment.id, mode: attachment.mode)
        )
        await reached(.detachEffected)

        let outcome = try await ledger.write { writer in
            let (release, plan) = try writer.takeAway(
                [attachment.id], from: attachment.app, in: operation.workspace,
                "detach \(resource.name) as \(attachment.alias)")
            try writer.note(resource.name, in: operation.workspace, "detached from \(attachment.app)")
            let outcome = DetachOutcome(
                app: attachment.app.rawValue, resource: resource.name.rawValue, alias: attachment.alias.rawValue,
                release: release, closed: closed, removed: plan.difference.removed,
                promoted: plan.promoted.first?.attachment.alias.rawValue, warning: response.warning)
            try writer.succeed(operation.id, outcome: try LedgerText.encode(outcome))
            return outcome
        }
        serving[resource.id]?.taken[attachment.endpoint] = nil
        await reached(.detachCommitted)
        return outcome
    }

    /// Takes the way to the resource away; returns how many connections were closed.
    private func revoke(_ attachment: Attachment, on resource: Resource) async -> Int {
        guard attachment.mode == .endpoint else { return 0 }
        guard resource.serviceClass.authenticates else { return await close(attachment.endpoint) }
        return await gateway.revoke(holder: attachment.id.rawValue, on: resource.id.endpoint)
    }

    static func notFound(_ name: ResourceName) -> BrokerError {
        BrokerError(
            .resourceNotFound, "there is no resource \"\(name)\"", why: "this workspace has none of that name",
            fix: "broker status")
    }
}

extension LedgerWriter {
    /// Removes attachments of one app and appends the release without them; the usual variables go to the oldest that
    /// remain.
    func takeAway(
        _ gone: Set<AttachmentID>, from app: AppName, in workspace: WorkspaceName, _ description: String
    ) throws -> (release: Int, DetachPlan) {
        let plan = DetachPlan(gone, from: try members(of: app, in: workspace))
        for id in gone { try remove(id) }
        for member in plan.promoted { try set(primary: true, of: member.attachment.id) }
        let release = try addRelease(of: app, in: workspace, description, plan.difference)
        try note(app, in: workspace, "release v\(release): \(description)")
        return (release, plan)
    }
}
