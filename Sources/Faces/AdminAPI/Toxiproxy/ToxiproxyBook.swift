import BrokerModel
import ControlPlane

/// What clients of Toxiproxy's API have made: which fault a toxic is, and which lease a proxy. Faults and leases may end
/// without it, so that each look compares. In memory, as faults and leases are.
actor ToxiproxyBook {
    private let controlPlane: ControlPlane
    /// By the resource.
    private var pages: [ProxiedResource: Page] = [:]
    /// The proxies that were made here, by name.
    private var made: [String: MadeProxy] = [:]
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Of one resource.
    private struct Page {
        var toxics: [(toxic: Toxic, faults: [String])] = []
        /// The faults that make it disabled.
        var down: [String] = []
    }

    /// The workspace where proxies are made, and whose resources are called by their names alone.
    private static let workspace = WorkspaceName.default

    init(_ controlPlane: ControlPlane) {
        self.controlPlane = controlPlane
    }

    // MARK: proxies

    func index() async throws -> [String: ProxyDocument] {
        await begin()
        defer { finish() }
        var documents: [String: ProxyDocument] = [:]
        for proxy in try await proxies() where documents[proxy.name] == nil {
            // One that ends meanwhile is none.
            documents[proxy.name] = try? await document(proxy)
        }
        return documents
    }

    func show(_ name: String) async throws -> ProxyDocument {
        await begin()
        defer { finish() }
        return try await document(find(name))
    }

    func create(_ input: ProxyInput) async throws -> ProxyDocument {
        await begin()
        defer { finish() }
        guard let name = input.name, !name.isEmpty else { throw ToxiproxyError.missing("name") }
        guard try await proxies().allSatisfy({ $0.name != name }) else { throw ToxiproxyError.proxyExists }
        return try await make(input)
    }

    func update(_ name: String, _ input: ProxyInput) async throws -> ProxyDocument {
        await begin()
        defer { finish() }
        return try await update(find(name), input)
    }

    func remove(_ name: String) async throws {
        await begin()
        defer { finish() }
        let proxy = try await find(name)
        guard let lease = made[name], proxy.isMadeHere else {
            throw ToxiproxyError(
                403, "\"\(name)\" was not made by this API; fix: \(proxy.removal)")
        }
        await end(lease, of: proxy)
    }

    /// Makes or changes one after the other; what is consistent stays untouched. Ends at the first that cannot be.
    func populate(_ inputs: [ProxyInput]) async -> (proxies: [ProxyDocument], error: ToxiproxyError?) {
        await begin()
        defer { finish() }
        var documents: [ProxyDocument] = []
        do {
            for input in inputs {
                guard let name = input.name, !name.isEmpty else { throw ToxiproxyError.missing("name") }
                guard input.upstream?.isEmpty == false else { throw ToxiproxyError.missing("upstream") }
                guard let proxy = try await proxies().first(where: { $0.name == name }) else {
                    documents.append(try await make(input))
                    continue
                }
                documents.append(try await update(proxy, input))
            }
        } catch {
            return (documents, ToxiproxyError(error))
        }
        return (documents, nil)
    }

    /// Enables all proxies and removes all toxics, as far as they were made here.
    func reset() async throws {
        await begin()
        defer { finish() }
        for proxy in try await proxies() {
            guard let page = pages.removeValue(forKey: proxy.resource) else { continue }
            try await lift(page.toxics.flatMap(\.faults) + page.down, from: proxy)
        }
    }

    // MARK: toxics

    func addToxic(_ input: ToxicInput, to name: String) async throws -> ToxicDocument {
        await begin()
        defer { finish() }
        let proxy = try await find(name)
        let toxic = try Toxic(input)
        guard try await document(proxy).toxics.allSatisfy({ $0.name != toxic.name }) else {
            throw ToxiproxyError.toxicExists
        }
        let added = try await add([toxic], to: proxy)
        pages[proxy.resource, default: Page()].toxics += added
        return toxic.document
    }

    func toxic(_ toxic: String, of name: String) async throws -> ToxicDocument {
        guard let found = try await show(name).toxics.first(where: { $0.name == toxic }) else {
            throw ToxiproxyError.noToxic
        }
        return found
    }

    /// The new one is there before the old one goes; it counts anew.
    func updateToxic(_ toxic: String, of name: String, _ input: ToxicInput) async throws -> ToxicDocument {
        await begin()
        defer { finish() }
        let proxy = try await find(name)
        let index = try await position(of: toxic, proxy)
        guard let former = pages[proxy.resource]?.toxics[index] else { throw ToxiproxyError.noToxic }
        var changed = former.toxic
        try changed.change(input)
        let added = try await add([changed], to: proxy)
        pages[proxy.resource]?.toxics[index] = added[0]
        try await lift(former.faults, from: proxy)
        return changed.document
    }

    func removeToxic(_ toxic: String, of name: String) async throws {
        await begin()
        defer { finish() }
        let proxy = try await find(name)
        let index = try await position(of: toxic, proxy)
        guard let former = pages[proxy.resource]?.toxics.remove(at: index) else { throw ToxiproxyError.noToxic }
        try await lift(former.faults, from: proxy)
    }

    /// Throws where there is none of this name, or where it is not this API's.
    private func position(of toxic: String, _ proxy: SeenProxy) async throws -> Int {
        let shown = try await document(proxy)
        if let index = pages[proxy.resource]?.toxics.firstIndex(where: { $0.toxic.name == toxic }) { return index }
        guard shown.toxics.contains(where: { $0.name == toxic }) else { throw ToxiproxyError.noToxic }
        let id = toxic.dropFirst(Toxic.foreignPrefix.count)
        throw ToxiproxyError(
            403, "\"\(toxic)\" was not made by this API; fix: broker fault rm \(proxy.words) \(id)")
    }

    // MARK: leases

    /// Has the proxies that were made here live as long as the daemon; returns when it is cancelled.
    func keep() async {
        while (try? await ContinuousClock().sleep(for: .seconds(3600))) != nil {
            for proxy in made.values {
                _ = try? await controlPlane.renew(
                    proxy.lease, LeaseTerm(ttl: LeaseRequest.longestTTL), in: Self.workspace)
            }
        }
    }

    private func make(_ input: ProxyInput) async throws -> ProxyDocument {
        guard let name = input.name, name.utf8.count <= 200, !name.contains("/") else {
            throw ToxiproxyError(400, "a proxy's name has 1 to 200 bytes and no \"/\"")
        }
        guard let upstream = input.upstream, !upstream.isEmpty else { throw ToxiproxyError.missing("upstream") }
        let toxics = try Self.toxics(input.toxics ?? [])
        let down = input.enabled == false ? [Fault(.down)] : []
        let wish = LeaseWish(
            name: ResourceName(rawValue: name)?.rawValue ?? "proxy", class: ServiceClass.redis.rawValue,
            provider: try ProxyPlace.provider(upstream), port: Int(try ProxyPlace.port(input.listen)), auth: false,
            faults: toxics.map(\.fault) + down)
        let lease = try await controlPlane.lease(
            LeaseRequest(resources: [wish], ttl: LeaseRequest.longestTTL), in: Self.workspace)
        made[name] = MadeProxy(lease: lease.id, upstream: Secret(upstream), shown: try ProxyPlace.shown(upstream))
        let proxy = try await find(name)
        let faults = try await controlPlane.faults(of: proxy.reference, in: proxy.workspace).faults.map(\.id)
        pages[proxy.resource] = Page(
            toxics: zip(toxics, faults).map { ($0, [$1]) }, down: Array(faults.dropFirst(toxics.count)))
        return try await document(proxy)
    }

    private func update(_ proxy: SeenProxy, _ input: ProxyInput) async throws -> ProxyDocument {
        let port = try ProxyPlace.port(input.listen)
        let isThere = port == 0 || proxy.ports == [port] || input.listen == proxy.listen
        let former = made[proxy.name].flatMap { proxy.isMadeHere ? $0 : nil }
        let isSame = input.upstream.map { $0.isEmpty || $0 == proxy.upstream || Secret($0) == former?.upstream } ?? true
        guard isThere, isSame else {
            guard let former else {
                throw ToxiproxyError(
                    403, "\"\(proxy.name)\" was not made by this API: its address stays; fix: \(proxy.exchange)")
            }
            return try await replace(proxy, former, by: input)
        }
        if let toxics = input.toxics {
            let added = try await add(Self.toxics(toxics), to: proxy)
            let removed = pages[proxy.resource]?.toxics ?? []
            pages[proxy.resource, default: Page()].toxics = added
            try await lift(removed.flatMap(\.faults), from: proxy)
        }
        if let isEnabled = input.enabled { try await enable(isEnabled, proxy) }
        return try await document(proxy)
    }

    /// Ends a proxy and makes it anew elsewhere; the former one comes back where that cannot be.
    private func replace(
        _ proxy: SeenProxy, _ former: MadeProxy, by input: ProxyInput
    ) async throws -> ProxyDocument {
        let shown = try await document(proxy)
        let old = ProxyInput(
            name: proxy.name, listen: proxy.listen, upstream: former.upstream.reveal { $0 }, enabled: shown.enabled,
            toxics: (pages[proxy.resource]?.toxics ?? []).map { ToxicInput($0.toxic.document) })
        var new = old
        if input.listen?.isEmpty == false { new.listen = input.listen }
        if input.upstream?.isEmpty == false { new.upstream = input.upstream }
        new.enabled = input.enabled ?? old.enabled
        new.toxics = input.toxics ?? old.toxics
        await end(former, of: proxy)
        do {
            return try await make(new)
        } catch {
            _ = try? await make(old)
            throw error
        }
    }

    private func end(_ lease: MadeProxy, of proxy: SeenProxy) async {
        made[proxy.name] = nil
        pages[proxy.resource] = nil
        _ = await controlPlane.endLease(lease.lease, in: Self.workspace)
    }

    // MARK: faults

    private func enable(_ isEnabled: Bool, _ proxy: SeenProxy) async throws {
        let shown = try await document(proxy)
        if isEnabled, let down = pages[proxy.resource]?.down, !down.isEmpty {
            pages[proxy.resource]?.down = []
            try await lift(down, from: proxy)
            guard try await document(proxy).enabled else { throw Self.downElsewhere(proxy) }
        } else if isEnabled, !shown.enabled {
            throw Self.downElsewhere(proxy)
        } else if !isEnabled, pages[proxy.resource]?.down.isEmpty ?? true {
            let added = try await controlPlane.addFaults(
                FaultsRequest(faults: [Fault(.down)]), to: proxy.reference, in: proxy.workspace)
            pages[proxy.resource, default: Page()].down = added.faults.map(\.id)
        }
    }

    private static func downElsewhere(_ proxy: SeenProxy) -> ToxiproxyError {
        ToxiproxyError(
            403,
            "\"\(proxy.name)\" is down by a fault that was not made by this API; fix: broker fault ls \(proxy.words)")
    }

    /// All at one instant, or none. A queue has a fault at each of its endpoints.
    private func add(_ toxics: [Toxic], to proxy: SeenProxy) async throws -> [(toxic: Toxic, faults: [String])] {
        guard !toxics.isEmpty else { return [] }
        let added = try await controlPlane.addFaults(
            FaultsRequest(faults: toxics.map(\.fault)), to: proxy.reference, in: proxy.workspace
        ).faults.map(\.id)
        return toxics.enumerated().map { index, toxic in
            (toxic, stride(from: index, to: added.count, by: toxics.count).map { added[$0] })
        }
    }

    private func lift(_ faults: [String], from proxy: SeenProxy) async throws(BrokerError) {
        for id in faults {
            do throws(BrokerError) {
                _ = try await controlPlane.removeFaults(id, of: proxy.reference, in: proxy.workspace)
            } catch {
                // Or it has ended by itself.
                guard error.code == .faultNotFound else { throw error }
            }
        }
    }

    private static func toxics(_ inputs: [ToxicInput]) throws -> [Toxic] {
        let toxics = try inputs.map { input in try Toxic(input) }
        guard Set(toxics.map(\.name)).count == toxics.count else { throw ToxiproxyError.toxicExists }
        return toxics
    }

    // MARK: looking

    /// Those that were made here first: they hide others of the same name.
    private func proxies() async throws -> [SeenProxy] {
        let resources = try await controlPlane.networkedResources()
        let leases = Set(resources.compactMap { $0.reference.lease?.rawValue })
        made = made.filter { leases.contains($0.value.lease) }
        let names = Dictionary(uniqueKeysWithValues: made.map { ($0.value.lease, $0.key) })
        let proxies = resources.map { resource in
            let name = resource.reference.lease.flatMap { names[$0.rawValue] }
            return SeenProxy(resource, madeAs: name, upstream: name.flatMap { made[$0]?.shown })
        }
        let present = Set(proxies.map(\.resource))
        pages = pages.filter { present.contains($0.key) }
        return proxies.filter(\.isMadeHere) + proxies.filter { !$0.isMadeHere }
    }

    private func find(_ name: String) async throws -> SeenProxy {
        guard let proxy = try await proxies().first(where: { $0.name == name }) else { throw ToxiproxyError.noProxy }
        return proxy
    }

    private func document(_ proxy: SeenProxy) async throws -> ProxyDocument {
        let faults = try await controlPlane.faults(of: proxy.reference, in: proxy.workspace).faults.filter { fault in
            fault.remaining != 0 && fault.endsIn != 0
        }
        let present = Set(faults.map(\.id))
        var page = pages[proxy.resource] ?? Page()
        page.toxics.removeAll { present.isDisjoint(with: $0.faults) }
        page.down.removeAll { !present.contains($0) }
        pages[proxy.resource] = page
        let ours = Set(page.toxics.flatMap(\.faults) + page.down)
        let others = faults.filter { !ours.contains($0.id) }
        let isDown = others.contains { $0.fault.effect == .down && $0.fault.isOfAll }
        return ProxyDocument(
            name: proxy.name, listen: proxy.listen, upstream: proxy.upstream, enabled: page.down.isEmpty && !isDown,
            toxics: page.toxics.map(\.toxic.document) + others.compactMap(ToxicDocument.init))
    }

    /// One request after the other: each looks and changes over several steps of the control plane.
    private func begin() async {
        if isTaken { await withCheckedContinuation { waiting.append($0) } }
        isTaken = true
    }

    /// Who waits first is next; nobody comes between.
    private func finish() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}

extension Fault {
    /// It hits every connection.
    fileprivate var isOfAll: Bool {
        nth == nil && first == nil && every == nil && toxicity ?? 1 == 1
    }
}

extension ToxicInput {
    fileprivate init(_ document: ToxicDocument) {
        self.init(
            name: document.name, type: document.type, stream: document.stream, toxicity: document.toxicity,
            attributes: document.attributes)
    }
}
