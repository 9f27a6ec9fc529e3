public import BrokerModel
import Gateway
import Ledger
import ProviderKit

/// What a swap would do, and what stands against it.
extension ControlPlane {
    /// So many keys are drawn for the types and sizes of a plan.
    private static let drawn = 10_000

    /// Looks at both sides and changes nothing. A server that is not started yet cannot be asked what it knows: that is
    /// looked at when the swap has started it.
    public func planSwap(
        _ resource: String, _ request: SwapRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> SwapPlanDocument {
        let name = try ResourceName(resource)
        let target = try request.to.resolved()
        let (stored, attachments) = try await stored(name, in: workspace)
        let provider = try providers.provider(for: target)
        try SwapRules.check(stored.resource, to: target, provider.offerings, attachments)
        try checkFence(
            stored.resource, to: target, attachments, isFenced: request.fence == true,
            "broker swap \(name) --to \(target.argument)")
        let response = try await provider.check(
            CheckRequest(provider: target, serviceClass: stored.resource.serviceClass))
        let options = SwapOptions(request)
        let copies: (from: any CopiesData, to: any CopiesData)?
        do throws(BrokerError) {
            let isCopied = stored.resource.serviceClass == .redis
            copies = isCopied ? (try copier(for: stored.resource.provider), try copier(for: target)) : nil
        } catch {
            guard options.mode == .cold else { throw error }
            copies = nil
        }

        var plan = SwapPlanDocument(
            resource: name.rawValue, from: stored.resource.provider.description, to: target.description,
            server: response.server, data: options.mode.rawValue, maxPause: Int(options.maxPause / .milliseconds(1)))
        plan.clients = await clients(of: EndpointSpecification.all(of: stored.resource, attachments).map(\.id))
        guard let copies, let former = try await ledger.read({ try $0.backing(stored.backing) }) else { return plan }
        let source = try await copies.from.survey(
            SurveyRequest(backing: former, serviceClass: stored.resource.serviceClass, sample: Self.drawn))
        let backing = Backing(
            id: .random(), resource: stored.resource.id, provider: target, secret: .random(), memory: [:])
        let offer = try await copies.to.survey(
            SurveyRequest(backing: backing, serviceClass: stored.resource.serviceClass))
        let fitness = SwapFitness(
            resource: stored.resource, target: target, source: source, offer: offer,
            used: await used(by: attachments, of: stored.resource), clients: plan.clients.values.reduce(0, +),
            mode: options.mode)
        plan.take(source, offer)
        // A server that does not tell is one that forbids most.
        let isElsewhere = if case .url = stored.resource.provider { true } else { false }
        let handsOut = source.handsOutChanges ?? !isElsewhere
        if !handsOut, options.mode == .copy || options.mode == .overwrite {
            plan.byKey = true
            plan.othersUnknown = source.clients == nil ? true : nil
            let own = await serverIDs(of: EndpointSpecification.all(of: stored.resource, attachments).map(\.id))
            plan.strangers = (source.clients ?? [:]).filter { !own.contains($0.key) }.map(\.value).sorted()
        }
        plan.problems = fitness.problems
        return plan
    }

    /// What the apps that are attached have used since the daemon started.
    func used(by attachments: [StoredAttachment], of resource: Resource) async -> [String: Set<String>] {
        var used: [String: Set<String>] = [:]
        for endpoint in EndpointSpecification.all(of: resource, attachments).map(\.id) {
            let commands = await gateway.use(of: endpoint).commands
            for edge in attachments {
                used[edge.attachment.app.rawValue, default: []].formUnion(commands[edge.attachment.id.rawValue] ?? [])
            }
        }
        return used
    }

    private func serverIDs(of endpoints: [EndpointID]) async -> Set<Int64> {
        var numbers: Set<Int64> = []
        for endpoint in endpoints { numbers.formUnion(await gateway.use(of: endpoint).serverIDs) }
        return numbers
    }

    private func clients(of endpoints: [EndpointID]) async -> [String: Int] {
        var clients: [String: Int] = [:]
        for endpoint in endpoints {
            for (state, count) in await gateway.use(of: endpoint).clients {
                clients[state.rawValue, default: 0] += count
            }
        }
        return clients
    }
}

extension SwapPlanDocument {
    /// Keys a second that a copy carries and compares, and bytes a second that it carries. Measured on two cores with
    /// values of 100 bytes, and with values of 100 kB; a plan for a person, not a promise.
    private static let keysCarried = 100_000.0
    private static let keysCompared = 25_000.0
    private static let bytesCarried = 50_000_000.0

    fileprivate mutating func take(_ source: BackingSurvey, _ offer: BackingSurvey) {
        keys = source.count
        let drawn = source.drawn.values.reduce(0) { $0 + $1.keys }
        isEstimated = drawn < keys
        let scale = drawn > 0 ? Double(keys) / Double(drawn) : 1
        types = source.drawn.map { type, share in
            TypeShare(
                type: type, keys: Int((Double(share.keys) * scale).rounded()),
                bytes: Int((Double(share.bytes) * scale).rounded()))
        }.sorted { ($1.keys, $0.type) < ($0.keys, $1.type) }
        bytes = types.reduce(0) { $0 + $1.bytes }
        targetKeys = offer.count
        isTargetKnown = offer.commands != nil
        guard data == SwapFitness.DataMode.copy.rawValue || data == SwapFitness.DataMode.overwrite.rawValue else {
            return
        }
        let compared = Double(min(keys, keys > SwapOptions.mostCompared ? SwapOptions.sample : keys))
        seconds =
            max(Double(keys) / Self.keysCarried, Double(bytes) / Self.bytesCarried) + compared / Self.keysCompared
    }
}
