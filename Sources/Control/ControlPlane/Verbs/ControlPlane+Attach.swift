public import BrokerModel
import Gateway
import Ledger
import Logging
import ProviderKit

extension ControlPlane {
    /// Attaches a resource to an app, and makes the resource when it is missing. The same attachment again changes
    /// nothing and is answered with `attached: false`.
    ///
    /// Throws `aliasTaken` with both fixes; a resource that this call has made is not left behind then.
    public func attach(
        _ request: AttachRequest, in workspace: WorkspaceName, operation: OperationID
    ) async throws(BrokerError) -> AttachOutcome {
        let wish = try AttachWish(request)
        var kept = request
        kept.provider = request.provider?.withoutSecret
        let call = try Call(.attach, operation, in: workspace, resource: wish.resource, request: kept)
        return try await perform(call) { () async throws(BrokerError) in
            let (stored, users, members) = try await ledger.read { reader in
                let stored = try reader.resource(named: wish.resource, in: workspace)
                let users = try stored.map { try reader.attachments(of: $0.resource.id) } ?? []
                return (
                    stored, Set(users.map(\.attachment.credential.user)),
                    try reader.members(of: wish.app, in: workspace, reserved: true)
                )
            }
            if let stored {
                try checkPresent(stored)
                try ResourcePlan.checkExisting(
                    stored.resource, serviceClass: wish.serviceClass, provider: wish.provider)
            }
            let making = try stored == nil ? resourcePlan(wish) : nil
            let provider = stored?.resource.provider ?? making?.provider ?? .emulator
            let serviceClass = stored?.resource.serviceClass ?? making?.serviceClass ?? .redis
            let decision = try AttachmentPlan.decide(
                AttachmentPlan.Facts(
                    app: wish.app, resource: wish.resource, alias: wish.alias, isDirect: wish.isDirect,
                    serviceClass: serviceClass, provider: provider,
                    modes: try providers.provider(for: provider).offering(for: serviceClass)?.modes ?? [],
                    members: members, users: users, making: Self.makingOptions(request)))
            switch (decision, stored) {
            case (.attached(let id), .some(let stored)):
                return try await outcome(of: id, on: stored, workspace: workspace)
            case (.attached, .none): throw Self.internalFailure
            case (.attach(let plan), _): return try await attach(plan, wish.app, to: stored, making: making, call)
            }
        }
    }

    /// For a command line that does the same.
    private static func makingOptions(_ request: AttachRequest) -> String {
        (request.class.map { " --class \($0)" } ?? "")
            + (request.provider.map { " --provider \((try? $0.resolved())?.argument ?? $0.reference)" } ?? "")
    }

    private func resourcePlan(_ wish: AttachWish) throws(BrokerError) -> ResourcePlan {
        try ResourcePlan(
            name: wish.resource, serviceClass: wish.serviceClass, provider: wish.provider, plan: nil,
            offerings: try providers.provider(for: wish.provider ?? .emulator).offerings,
            command: wish.command)
    }

    /// Commits the intent and goes on. Endpoints are open before: a crash closes them, nothing is on disk yet.
    private func attach(
        _ plan: AttachmentPlan, _ app: AppName, to stored: StoredResource?, making: ResourcePlan?, _ call: Call
    ) async throws(BrokerError) -> AttachOutcome {
        var made: (resource: Resource, backing: Backing)?
        if let making {
            let (resource, backing, _) = try await prepare(making, in: call.workspace)
            made = (resource, backing)
        }
        guard let resource = stored?.resource ?? made?.resource else { throw Self.internalFailure }
        let id = AttachmentID.random()
        let hasEndpoint = resource.serviceClass.isNetworked && !resource.serviceClass.authenticates
        let intent = Intent(attachment: id, makesResource: made != nil)
        do throws(BrokerError) {
            let port = hasEndpoint ? try await openNew(EndpointID(id.rawValue, of: resource.id.rawValue)) : nil
            let new = made
            try await ledger.write { writer in
                if let new { try writer.insert(new.resource, .coming, backing: new.backing) }
                let attachment = Attachment(
                    id: id, app: app, resource: resource.id, alias: plan.alias, mode: plan.mode,
                    credential: Credential(user: plan.user, secret: .random(), generation: 1), port: port,
                    sequence: try writer.nextSequence(), isPrimary: false)
                // Another attach may have taken the alias since the plan was made.
                guard
                    try !writer.members(of: app, in: call.workspace, reserved: true)
                        .contains(where: { $0.attachment.alias == plan.alias })
                else { throw Self.overtaken(plan.alias, app) }
                try writer.insert(
                    StoredAttachment(attachment: attachment, workspace: call.workspace, lifecycle: .coming, direct: nil)
                )
                try writer.begin(try call.begin(resource.id, intent))
            }
        } catch {
            if made != nil { await close(resource.id.endpoint) }
            await close(EndpointID(id.rawValue, of: resource.id.rawValue))
            throw error
        }
        await reached(.attachIntended)
        return try await finishAttach(
            Operation(
                id: call.id, workspace: call.workspace, kind: .attach, resource: resource.id, phase: .intended), intent)
    }

    /// From the intent on disk to the outcome on disk, or back to where it was.
    func finishAttach(_ operation: Operation, _ intent: Intent) async throws(BrokerError) -> AttachOutcome {
        let outcome: AttachOutcome
        do throws(BrokerError) {
            outcome = try await makeAttachment(operation, intent)
        } catch {
            await undoMaking(operation, intent, because: error)
            throw error
        }
        await reached(.attachCommitted)
        return outcome
    }

    private func makeAttachment(_ operation: Operation, _ intent: Intent) async throws(BrokerError) -> AttachOutcome {
        let id = operation.resource
        if intent.makesResource { try await serve(id) }
        let (stored, backing, new) = try await ledger.read { reader in
            let stored = try Self.found(try reader.resource(id))
            return (
                stored, try Self.found(try reader.backing(stored.backing)),
                try Self.found(try intent.attachment.map { try reader.attachment($0) } ?? nil)
            )
        }
        let resource = stored.resource
        let attachment = new.attachment
        let response = try await providers.provider(for: backing.provider).bind(
            BindRequest(
                backing: backing, serviceClass: resource.serviceClass, attachment: attachment.id, mode: attachment.mode)
        )
        await reached(.attachEffected)

        let status = await status(of: stored.present)
        let outcome = try await ledger.write { writer in
            if intent.makesResource {
                try writer.set(.present, of: id)
                try writer.noteCreated(resource)
            }
            let former = try writer.members(of: attachment.app, in: operation.workspace)
            let isPrimary = !former.contains { $0.serviceClass == resource.serviceClass && $0.attachment.isPrimary }
            try writer.set(primary: isPrimary, of: attachment.id)
            if let direct = response.direct { try writer.set(direct, of: attachment.id) }
            try writer.set(.present, of: attachment.id)

            let members = try writer.members(of: attachment.app, in: operation.workspace)
            let environment = AppEnvironment(members)
            let description = "attach \(resource.name) as \(attachment.alias)"
            let release = try writer.addRelease(
                of: attachment.app, in: operation.workspace, description,
                environment.difference(from: AppEnvironment(former)))
            try writer.note(
                resource.name, in: operation.workspace,
                "attached to \(attachment.app) as \(attachment.alias), \(attachment.mode.rawValue)")
            try writer.note(attachment.app, in: operation.workspace, "release v\(release): \(description)")
            let outcome = AttachOutcome(
                app: attachment.app.rawValue, created: intent.makesResource, attached: true, release: release,
                resource: status, attachment: AttachmentStatus(attachment, resource.name, environment))
            try writer.succeed(operation.id, outcome: try LedgerText.encode(outcome))
            return outcome
        }
        await admit(attachment, to: stored)
        return outcome
    }

    /// Lets an attachment in whose outcome is on disk. Nothing here is an error of the attach any more: a start of the
    /// daemon does the same.
    private func admit(_ attachment: Attachment, to stored: StoredResource) async {
        guard attachment.mode == .endpoint else { return }
        if stored.resource.serviceClass.authenticates {
            await gateway.grant(Grant(attachment), on: stored.resource.id.endpoint)
        } else {
            do throws(BrokerError) {
                try await serve(stored.resource.id)
            } catch {
                log.warning(
                    "a resource does not serve", metadata: ["resource": "\(stored.resource.name)", "error": "\(error)"])
            }
            await tellTrouble(of: stored.resource)
        }
    }

    private func outcome(
        of id: AttachmentID, on stored: StoredResource, workspace: WorkspaceName
    ) async throws(BrokerError) -> AttachOutcome {
        let status = await status(of: stored)
        return try await ledger.read { reader in
            let attachment = try Self.found(try reader.attachment(id)).attachment
            let members = try reader.members(of: attachment.app, in: workspace)
            return AttachOutcome(
                app: attachment.app.rawValue, created: false, attached: false,
                release: try reader.latestRelease(of: attachment.app, in: workspace), resource: status,
                attachment: AttachmentStatus(attachment, stored.resource.name, AppEnvironment(members)))
        }
    }

    /// Throws where an operation on the resource could not be brought to its end.
    func checkPresent(_ stored: StoredResource) throws(BrokerError) {
        guard stored.lifecycle == .present else {
            throw BrokerError(
                .needsAttention, "\"\(stored.resource.name)\" is neither made nor removed",
                why: "an operation on it could not be finished", fix: "broker destroy \(stored.resource.name)")
        }
    }

    private static func overtaken(_ alias: Alias, _ app: AppName) -> BrokerError {
        BrokerError(
            .aliasTaken, "the alias \"\(alias)\" of \"\(app)\" is taken", why: "another attach was faster",
            fix: "broker status")
    }

    static let internalFailure = BrokerError(
        .internalFailure, "the daemon has contradicted itself", why: "this is a fault of broker", fix: "broker logs")
}

/// An attach request, its words checked.
struct AttachWish: Sendable {
    let resource: ResourceName
    let app: AppName
    let alias: Alias?
    let serviceClass: ServiceClass?
    let provider: ProviderReference?
    let isDirect: Bool
    /// The command that was typed, without the options that say how the resource is made.
    let command: String

    init(_ request: AttachRequest) throws(BrokerError) {
        resource = try ResourceName(request.resource)
        app = try AppName(request.app)
        alias = try request.alias.map { text throws(BrokerError) in try Alias(text) }
        serviceClass = try request.class.map { name throws(BrokerError) in
            try ServiceClass(named: name, command: request.command)
        }
        provider = try request.provider.map { document throws(BrokerError) in try document.resolved() }
        isDirect = request.direct
        command = request.command
    }
}

extension AttachRequest {
    fileprivate var command: String {
        "broker attach \(resource) --to \(app)" + (alias.map { " --as \($0)" } ?? "") + (direct ? " --direct" : "")
    }
}

extension AttachmentStatus {
    init(_ attachment: Attachment, _ resource: ResourceName, _ environment: AppEnvironment) {
        self.init(
            alias: attachment.alias.rawValue, resource: resource.rawValue, mode: attachment.mode.rawValue,
            variables: environment.variables(of: attachment.id), port: attachment.port.map(Int.init))
    }
}

extension LedgerWriter {
    func addRelease(
        of app: AppName, in workspace: WorkspaceName, _ description: String, _ difference: AppEnvironment.Difference
    ) throws -> Int {
        try addRelease(
            of: app, in: workspace, description, added: difference.added, changed: difference.changed,
            removed: difference.removed)
    }
}
