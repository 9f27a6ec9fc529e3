import CacheEmulator
public import EventLoop
public import RESPWire
import Synchronization

/// All endpoints: stable addresses behind which providers are exchanged.
///
/// Callable from anywhere; the work is done on the loop of the endpoint's tenant, in the order of the calls.
public final class Gateway: Sendable {
    /// The endpoints of one loop.
    private struct Home {
        let loop: any EventLoop
        let endpoints: LoopBound<EndpointTable>
    }

    private struct Places {
        var homes: [ObjectIdentifier: Home] = [:]
        var open: [EndpointID: Home] = [:]
        var lastFault: UInt64 = 0
    }

    private let loops: LoopPool
    private let longestHold: Duration
    private let places = Mutex(Places())

    /// - Parameters:
    ///   - loops: also of those who provide upstreams: what serves an endpoint lives on the endpoint's loop.
    ///   - longestHold: how long a client waits for an upstream before it is told that there is none.
    public init(loops: LoopPool, longestHold: Duration = .seconds(10)) {
        self.loops = loops
        self.longestHold = longestHold
    }

    /// All endpoints on one loop.
    public convenience init(loop: any EventLoop, longestHold: Duration = .seconds(10)) {
        self.init(loops: LoopPool(of: loop), longestHold: longestHold)
    }

    /// Binds an endpoint, and returns where: of port 0 the system chooses one. Clients that come before `route` names an
    /// upstream are accepted and held.
    ///
    /// Throws the system's error: EADDRINUSE when somebody else has the address.
    ///
    /// - Parameter beginning: who may use it and who serves it, where that is known already.
    @discardableResult
    public func open(
        _ id: EndpointID, at address: SocketAddress, beginning: EndpointBeginning? = nil
    ) async throws(SocketError) -> SocketAddress {
        let home = settle(id)
        let result: Result<SocketAddress, SocketError> = await run(at: home) { table in
            do throws(SocketError) {
                let address = try table.open(id, at: address)
                if let beginning { table.endpoints[id]?.begin(beginning) }
                return .success(address)
            } catch {
                return .failure(error)
            }
        } orWhenStopped: {
            .failure(SocketError(call: "listen", address: address, errno: 0, reason: "the loop has stopped"))
        }
        if case .failure = result { leave(id) }
        return try result.get()
    }

    /// Frees an endpoint's address and closes its connections once their replies are sent; returns how many.
    /// An unknown endpoint has none. A script that runs there is ended: it is not waited for.
    @discardableResult
    public func close(_ id: EndpointID) async -> Int {
        guard let home = home(of: id) else { return 0 }
        endScripts(on: id, at: home)
        let closed = await run(at: home) {
            $0.close(id)
        } orWhenStopped: {
            0
        }
        leave(id)
        return closed
    }

    /// The same; returns what the endpoint has counted.
    public func closeCounting(_ id: EndpointID) async -> EndpointStatistics {
        guard let home = home(of: id) else { return EndpointStatistics() }
        endScripts(on: id, at: home)
        let statistics = await run(at: home) {
            let statistics = $0.endpoints[id]?.statistics ?? EndpointStatistics()
            _ = $0.close(id)
            return statistics
        } orWhenStopped: {
            EndpointStatistics()
        }
        leave(id)
        return statistics
    }

    /// From now on until they are closed, scripts at the endpoints' emulators are ended as soon as they take long. For
    /// whoever is about to close them all.
    public func endScripts() {
        for (id, home) in places.withLock({ $0.open }) { endScripts(on: id, at: home) }
    }

    private func endScripts(on id: EndpointID, at home: Home) {
        home.loop.postUrgently { home.endpoints.value.setScripts(of: id, areEnded: true) }
    }

    /// Names who serves an endpoint. Connections to the former upstream are closed at a reply boundary; returns how
    /// many. With nil nobody serves it: clients are held.
    @discardableResult
    public func route(_ id: EndpointID, to upstream: Upstream?) async -> Int {
        await run(id) {
            $0.route(id, to: upstream)
        } orWhenStopped: {
            0
        }
    }

    /// Nobody will serve an endpoint before a person has acted: until `route` names an upstream, clients are told so instead
    /// of being held.
    public func fail(_ id: EndpointID) async {
        await run(id) {
            $0.endpoints[id]?.fail()
        } orWhenStopped: {
        }
    }

    // MARK: exchanging the upstream under connected clients

    /// Opens a connection to the target for every client beside the present one; all are served as before. Clients that
    /// come later get one, too. Returns nil, or why it failed; then everything is as it was, after `resume`.
    public func prepare(_ id: EndpointID, for target: Upstream, within limit: Duration) async -> HandoverFailure? {
        await step(id) { $0.prepare(for: target, within: limit, $1) }
    }

    /// Takes no more requests and awaits every reply, and every message that was published. Commands that block are given
    /// up on the server, to be asked again. Clients that come are held. `resume` or `adopt` ends it.
    public func pause(_ id: EndpointID, within limit: Duration) async -> HandoverFailure? {
        await step(id) { $0.pause(within: limit, $1) }
    }

    /// Sets up at the target what the paused clients have set up: database, protocol, subscriptions, open transactions.
    public func restore(_ id: EndpointID, within limit: Duration) async -> HandoverFailure? {
        await step(id) { $0.restore(within: limit, $1) }
    }

    /// Has the target serve the paused clients and those that were held; nil when nothing was restored.
    public func adopt(_ id: EndpointID) async -> Adoption? {
        await run(id) {
            $0.endpoints[id]?.adopt()
        } orWhenStopped: {
            nil
        }
    }

    /// Has the present upstream serve on; whatever was prepared at the target is given up.
    public func resume(_ id: EndpointID) async {
        await run(id) {
            $0.endpoints[id]?.abandonHandover()
        } orWhenStopped: {
        }
    }

    private func step(
        _ id: EndpointID, _ body: @escaping @Sendable (Endpoint, @escaping Endpoint.Ended) -> Void
    ) async -> HandoverFailure? {
        await withCheckedContinuation { continuation in
            guard let home = home(of: id) else { return continuation.resume(returning: .notServing) }
            let isPosted = home.loop.post {
                guard let endpoint = home.endpoints.value.endpoints[id] else {
                    return continuation.resume(returning: .notServing)
                }
                body(endpoint) { continuation.resume(returning: $0) }
            }
            if !isPosted { continuation.resume(returning: .notServing) }
        }
    }

    /// Notes from now on which keys the clients of these endpoints, which are of one tenant, change at `server`, of which
    /// `keys` tells where its commands have them. Returns when nothing is under way that was sent before; nil when that
    /// does not end.
    public func watchChanges(
        of ids: [EndpointID], at server: Upstream.RedisServer, _ keys: CommandKeys
    ) async -> ChangeWatch? {
        guard let home = ids.lazy.compactMap({ self.home(of: $0) }).first else { return nil }
        let watch = ChangeWatch(home.loop, home.endpoints, ids, server, keys)
        if await watch.begin() { return watch }
        watch.end()
        return nil
    }

    // MARK: who may use it

    /// Lets an attachment in. A grant of the same holder is replaced.
    public func grant(_ grant: Grant, on id: EndpointID) async {
        await run(id) {
            $0.endpoints[id]?.grants.add(grant)
        } orWhenStopped: {
        }
    }

    /// Takes an attachment's right away and closes its connections, nobody else's; returns how many.
    @discardableResult
    public func revoke(holder: String, on id: EndpointID) async -> Int {
        await run(id) {
            $0.endpoints[id]?.revoke(holder: holder) ?? 0
        } orWhenStopped: {
            0
        }
    }

    /// What an endpoint's clients do and have used; of one that is not open nothing.
    public func use(of id: EndpointID) async -> EndpointUse {
        await run(id) {
            $0.endpoints[id]?.use ?? EndpointUse()
        } orWhenStopped: {
            EndpointUse()
        }
    }

    /// Of one endpoint; of one that is not open nothing.
    public func statistics(of id: EndpointID) async -> EndpointStatistics {
        await run(id) {
            $0.endpoints[id]?.statistics ?? EndpointStatistics()
        } orWhenStopped: {
            EndpointStatistics()
        }
    }

    /// Of all endpoints. Scripts that run meanwhile are not waited for.
    public func statistics() async -> [EndpointID: EndpointStatistics] {
        var all: [EndpointID: EndpointStatistics] = [:]
        for home in places.withLock({ Array($0.homes.values) }) {
            let part = await withCheckedContinuation { continuation in
                let isPosted = home.loop.postUrgently {
                    continuation.resume(returning: home.endpoints.value.endpoints.mapValues(\.statistics))
                }
                if !isPosted { continuation.resume(returning: [:]) }
            }
            all.merge(part) { first, _ in first }
        }
        return all
    }

    // MARK: loops

    func nextFault() -> FaultID {
        places.withLock { places in
            places.lastFault += 1
            return FaultID(rawValue: places.lastFault)
        }
    }

    private func home(of id: EndpointID) -> Home? { places.withLock { $0.open[id] } }

    /// Chooses the loop of an endpoint that is to be opened; one that is open already keeps its own.
    private func settle(_ id: EndpointID) -> Home {
        places.withLock { places in
            if let home = places.open[id] { return home }
            let loop = loops.take(for: id.tenant)
            let name = ObjectIdentifier(loop)
            let home =
                places.homes[name]
                ?? Home(
                    loop: loop,
                    endpoints: LoopBound(EndpointTable(loop: loop, longestHold: longestHold), on: loop))
            places.homes[name] = home
            places.open[id] = home
            return home
        }
    }

    private func leave(_ id: EndpointID) {
        guard places.withLock({ $0.open.removeValue(forKey: id) }) != nil else { return }
        loops.give(for: id.tenant)
    }

    /// On the endpoint's loop; of one that is not open `fallback` is all there is to say.
    func run<Value: Sendable>(
        _ id: EndpointID, _ body: @escaping @Sendable (EndpointTable) -> Value,
        orWhenStopped fallback: @escaping @Sendable () -> Value
    ) async -> Value {
        guard let home = home(of: id) else { return fallback() }
        return await run(at: home, body, orWhenStopped: fallback)
    }

    private func run<Value: Sendable>(
        at home: Home, _ body: @escaping @Sendable (EndpointTable) -> Value,
        orWhenStopped fallback: @escaping @Sendable () -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            let isPosted = home.loop.post { continuation.resume(returning: body(home.endpoints.value)) }
            if !isPosted { continuation.resume(returning: fallback()) }
        }
    }
}

/// The endpoints by id; lives on the loop.
final class EndpointTable {
    let loop: any EventLoop
    private let longestHold: Duration
    var endpoints: [EndpointID: Endpoint] = [:]

    init(loop: any EventLoop, longestHold: Duration) {
        self.loop = loop
        self.longestHold = longestHold
    }

    func open(_ id: EndpointID, at address: SocketAddress) throws(SocketError) -> SocketAddress {
        if let open = endpoints[id]?.listener { return open.address }
        let endpoint = Endpoint(loop: loop, longestHold: longestHold)
        let listener = try loop.listen(on: address) { [unowned endpoint] connection in
            endpoint.accept(connection)
        }
        endpoint.listener = listener
        endpoints[id] = endpoint
        return listener.address
    }

    func close(_ id: EndpointID) -> Int {
        setScripts(of: id, areEnded: false)
        guard let endpoint = endpoints.removeValue(forKey: id) else { return 0 }
        // What holds bytes back would hold the end of connections back, too.
        _ = endpoint.removeFaults()
        endpoint.listener?.close()
        return endpoint.route(to: nil, closesHeld: true)
    }

    func setScripts(of id: EndpointID, areEnded: Bool) {
        if case .cache(let emulator)? = endpoints[id]?.upstream { emulator.value.endsScripts = areEnded }
    }

    func route(_ id: EndpointID, to upstream: Upstream?) -> Int {
        endpoints[id]?.route(to: upstream, closesHeld: false) ?? 0
    }
}
