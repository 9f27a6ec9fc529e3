import BrokerModel
import Gateway
import Ledger
import Logging
import ProviderKit

/// Direct attachments past a swap: nobody can move their connections, so that they would go on with the former provider.
/// A swap refuses them, or, told to, shuts them out at the pause and gives their apps a release with the target's URL.
extension ControlPlane {
    /// Throws `unsafe` with the direct attachments named, where there are some and they are not to be fenced or cannot be.
    func checkFence(
        _ resource: Resource, to target: ProviderReference, _ attachments: [StoredAttachment], isFenced: Bool,
        _ command: String
    ) throws(BrokerError) {
        let direct = attachments.map(\.attachment).filter { $0.mode == .direct }
        guard !direct.isEmpty else { return }
        let names = direct.map { "\($0.app) as \($0.alias)" }.joined(separator: ", ")
        let detach = direct.map { "broker detach \(resource.name) --from \($0.app) --as \($0.alias) && " }.joined()
        guard try providers.provider(for: resource.provider) is any FencesDirect else {
            throw BrokerError(
                .unsafe, "\"\(resource.name)\" has direct attachments",
                why:
                    "past the endpoint, \(names) would go on with \(resource.provider), whose own credential they have",
                fix: detach + command)
        }
        let provider = try providers.provider(for: target)
        guard provider.offering(for: resource.serviceClass)?.modes.contains(.direct) == true else {
            throw BrokerError(
                .unsafe, "\"\(resource.name)\" has direct attachments",
                why:
                    "\(names) would go on with the former provider, and \"\(target)\" can be reached by the endpoint only",
                fix: detach + command)
        }
        guard provider is any FencesDirect else {
            throw BrokerError(
                .unsafe, "\"\(resource.name)\" has direct attachments",
                why: "\(names) would get the own credential of \"\(target)\", which the next swap cannot take back",
                fix: detach + command)
        }
        guard isFenced else {
            throw BrokerError(
                .unsafe, "\"\(resource.name)\" has direct attachments",
                why: "past the endpoint, \(names) would go on with the former provider",
                fix: "\(command) --fence   # shuts them out; they go on with a restart. Or: \(detach)\(command)")
        }
    }

    /// Has the target let the direct attachments in, before anybody waits.
    func bindDirect(_ run: inout SwapRun) async throws(BrokerError) {
        guard run.options.fences else { return }
        let provider = try providers.provider(for: run.target.provider)
        for edge in run.attachments.map(\.attachment) where edge.mode == .direct {
            let response = try await provider.bind(
                BindRequest(
                    backing: run.target, serviceClass: run.resource.serviceClass, attachment: edge.id, mode: .direct))
            if let url = response.direct { run.direct[edge.id] = url }
        }
    }

    /// Shuts the direct attachments out of the former provider.
    func fence(_ run: inout SwapRun) async throws(BrokerError) {
        guard !run.direct.isEmpty, let former = run.former else { return }
        guard let provider = try providers.provider(for: former.provider) as? any FencesDirect else {
            throw Self.internalFailure
        }
        run.isFenced = true
        let left = max(run.timeLeft, .milliseconds(1))
        do throws(BrokerError) {
            try await provider.fence(former, within: left)
        } catch {
            // A server that had no time to answer is not to blame.
            guard left < .milliseconds(100), run.timeLeft <= .milliseconds(1) else { throw error }
            throw HandoverFailure.tooLate([]).error(run)
        }
    }

    /// The former provider counts as before.
    func liftFence(_ run: SwapRun) async {
        guard run.isFenced, let former = run.former else { return }
        do throws(BrokerError) {
            try await (try providers.provider(for: former.provider) as? any FencesDirect)?.lift(former)
        } catch {
            // They are in again when the backing is provisioned the next time.
            log.error("a fence was not lifted", metadata: ["resource": "\(run.resource.name)", "error": "\(error)"])
        }
    }

    /// Of a rollback that was undone: the former provider stays, and lets in nobody.
    func unbindDirect(_ run: SwapRun) async {
        for edge in run.attachments.map(\.attachment) where run.direct[edge.id] != nil {
            await unbind(edge, from: run.target, of: run.resource)
        }
    }

    private func unbind(_ edge: Attachment, from backing: Backing, of resource: Resource) async {
        do throws(BrokerError) {
            _ = try await providers.provider(for: backing.provider).unbind(
                UnbindRequest(backing: backing, serviceClass: resource.serviceClass, attachment: edge.id, mode: .direct)
            )
        } catch {
            log.warning("a credential was not revoked", metadata: ["attachment": "\(edge.id)", "error": "\(error)"])
        }
    }

    /// Behind the switch: who was fenced is shut out for good, and named in the receipt.
    func tellFenced(_ run: inout SwapRun) async {
        guard run.isFenced, let former = run.former else { return }
        for edge in run.attachments.map(\.attachment) where run.direct[edge.id] != nil {
            run.outcome.fenced = (run.outcome.fenced ?? []) + ["\(edge.app) as \(edge.alias)"]
            await unbind(edge, from: former, of: run.resource)
        }
    }
}
