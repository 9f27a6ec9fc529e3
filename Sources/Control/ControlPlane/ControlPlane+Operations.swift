import BrokerModel
import Ledger
import Logging

/// Operations: each takes its resource's turn, is done once, and is brought to an end after a crash.
extension ControlPlane {
    /// A mutation as it was asked for.
    struct Call: Sendable {
        let kind: Operation.Kind
        let id: OperationID
        let workspace: WorkspaceName
        let resource: ResourceName
        /// The request as JSON, without its secrets.
        let request: String

        init(
            _ kind: Operation.Kind, _ id: OperationID, in workspace: WorkspaceName, resource: ResourceName,
            request: some Encodable
        ) throws(BrokerError) {
            self.kind = kind
            self.id = id
            self.workspace = workspace
            self.resource = resource
            do {
                self.request = try LedgerText.encode(request)
            } catch {
                throw BrokerError(
                    .internalFailure, "the request cannot be kept", why: "\(type(of: error))", fix: "broker logs")
            }
        }

        var key: OperationLocks.Key { OperationLocks.Key(workspace: workspace, resource: resource) }

        /// The operation's row before anything is done.
        func begin(_ resource: ResourceID, _ intent: Intent) throws -> StoredOperation {
            StoredOperation(
                operation: Operation(id: id, workspace: workspace, kind: kind, resource: resource, phase: .intended),
                request: request, intent: try LedgerText.encode(intent))
        }
    }

    /// Runs `body` when it is the call's turn on its resource. A call whose id is known gets the first one's outcome;
    /// what an earlier operation on the resource has left unfinished is finished first.
    func perform<Outcome: Codable & Sendable>(
        _ call: Call, _ body: () async throws(BrokerError) -> Outcome
    ) async throws(BrokerError) -> Outcome {
        guard await locks.take(call.key, within: settings.patience) else {
            throw BrokerError(
                .operationRunning, "another operation on \"\(call.resource)\" is running",
                why: "it has not ended within \(settings.patience)", fix: "broker status")
        }
        defer { locks.release(call.key) }
        guard !isStopping else { throw Self.stopping }
        let settled = try await settle(call.resource, in: call.workspace)
        if let earlier = try await ledger.read({ try $0.operation(call.id) }) { return try replay(earlier, call) }
        // Who asks again for what was cut short asks for what has been done now.
        for id in settled {
            guard let done = try await ledger.read({ try $0.operation(id) }), done.operation.phase == .succeeded,
                done.operation.kind == call.kind, done.request == call.request
            else { continue }
            return try replay(done, call)
        }
        return try await body()
    }

    static let stopping = BrokerError(
        .daemonNotRunning, "the daemon is stopping", why: "it takes no more operations", fix: "broker daemon start")

    /// Brings what was cut short on this resource to its end; returns what that was. Whoever calls it holds the
    /// resource's lock.
    @discardableResult
    func settle(_ name: ResourceName, in workspace: WorkspaceName) async throws(BrokerError) -> [OperationID] {
        let unfinished = try await ledger.read { reader in
            let open = try reader.unfinishedOperations()
            guard !open.isEmpty, let resource = try reader.resource(named: name, in: workspace)?.resource.id else {
                return [StoredOperation]()
            }
            return open.filter { $0.operation.resource == resource }
        }
        for operation in unfinished { try await resume(operation) }
        return unfinished.map(\.operation.id)
    }

    /// Goes on with an operation from what is on disk. Throws only when it is still unfinished then.
    func resume(_ stored: StoredOperation) async throws(BrokerError) {
        if let undoing = undoings[stored.operation.id] {
            await undoMaking(undoing.operation, undoing.intent, because: undoing.cause)
            if undoings[stored.operation.id] != nil { throw undoing.cause }
            return
        }
        let intent: Intent = try LedgerText.decode(stored.intent)
        log.notice(
            "resuming an operation",
            metadata: ["operation": "\(stored.operation.id)", "kind": "\(stored.operation.kind)"])
        do throws(BrokerError) {
            switch stored.operation.kind {
            case .create: _ = try await finishCreate(stored.operation)
            case .attach: _ = try await finishAttach(stored.operation, intent)
            case .detach: _ = try await finishDetach(stored.operation, intent)
            case .destroy: _ = try await finishDestroy(stored.operation)
            case .swap:
                _ = try await finishSwap(stored.operation, intent, SwapMachine(resumingFrom: stored.operation.phase))
            }
        } catch {
            let id = stored.operation.id
            let phase = try await ledger.read { try $0.operation(id)?.operation.phase }
            log.warning("an operation was resumed and failed", metadata: ["operation": "\(id)", "error": "\(error)"])
            guard phase == .failed || phase == .succeeded else { throw error }
        }
    }

    private func replay<Outcome: Decodable>(
        _ earlier: StoredOperation, _ call: Call
    ) throws(BrokerError) -> Outcome {
        guard earlier.operation.kind == call.kind, earlier.operation.workspace == call.workspace,
            earlier.request == call.request
        else {
            throw BrokerError(
                .invalidRequest, "the operation id \"\(call.id)\" was used for another request",
                why: "a retry repeats its request; another request has an id of its own",
                fix: "send another Idempotency-Key, or none")
        }
        if let error = earlier.error { throw error }
        guard let outcome = earlier.outcome else {
            throw BrokerError(
                .operationRunning, "the operation \"\(call.id)\" is not finished", why: "it is resumed",
                fix: "broker status")
        }
        return try LedgerText.decode(outcome)
    }
}

extension ProviderDocument {
    /// What the ledger may keep of it.
    var withoutSecret: ProviderDocument {
        var document = self
        document.secret = nil
        return document
    }
}
