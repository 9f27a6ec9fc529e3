public import EventLoop
public import RESPWire

/// All endpoints of one loop: stable addresses behind which providers are exchanged.
///
/// Callable from anywhere; the work is done on the loop, in the order of the calls.
public final class Gateway: Sendable {
    public let loop: any EventLoop
    private let endpoints: LoopBound<EndpointTable>

    /// - Parameter longestHold: how long a client waits for an upstream before it is told that there is none.
    public init(loop: any EventLoop, longestHold: Duration = .seconds(10)) {
        self.loop = loop
        endpoints = LoopBound(EndpointTable(loop: loop, longestHold: longestHold), on: loop)
    }

    /// Binds an endpoint. Clients that come before `route` names an upstream are accepted and held.
    ///
    /// Throws the system's error: EADDRINUSE when somebody else has the address.
    public func open(_ id: EndpointID, at address: SocketAddress) async throws(SocketError) {
        let result: Result<Void, SocketError> = await run { table in
            do throws(SocketError) {
                try table.open(id, at: address)
                return .success(())
            } catch {
                return .failure(error)
            }
        } orWhenStopped: {
            .failure(SocketError(call: "listen", address: address, errno: 0, reason: "the loop has stopped"))
        }
        try result.get()
    }

    /// Frees an endpoint's address and closes its connections once their replies are sent; returns how many.
    /// An unknown endpoint has none.
    @discardableResult
    public func close(_ id: EndpointID) async -> Int {
        await run {
            $0.close(id)
        } orWhenStopped: {
            0
        }
    }

    /// Names who serves an endpoint. Connections to the former upstream are closed at a reply boundary; returns how
    /// many. With nil nobody serves it: clients are held.
    @discardableResult
    public func route(_ id: EndpointID, to upstream: Upstream?) async -> Int {
        await run {
            $0.route(id, to: upstream)
        } orWhenStopped: {
            0
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
        await run {
            $0.endpoints[id]?.adopt()
        } orWhenStopped: {
            nil
        }
    }

    /// Has the present upstream serve on; whatever was prepared at the target is given up.
    public func resume(_ id: EndpointID) async {
        await run {
            $0.endpoints[id]?.abandonHandover()
        } orWhenStopped: {
        }
    }

    private func step(
        _ id: EndpointID, _ body: @escaping @Sendable (Endpoint, @escaping Endpoint.Ended) -> Void
    ) async -> HandoverFailure? {
        await withCheckedContinuation { continuation in
            let isPosted = loop.post { [endpoints] in
                guard let endpoint = endpoints.value.endpoints[id] else {
                    return continuation.resume(returning: .notServing)
                }
                body(endpoint) { continuation.resume(returning: $0) }
            }
            if !isPosted { continuation.resume(returning: .notServing) }
        }
    }

    /// Notes from now on which keys the clients of these endpoints change at `server`, of which `keys` tells where its
    /// commands have them. Returns when nothing is under way that was sent before; nil when that does not end.
    public func watchChanges(
        of ids: [EndpointID], at server: Upstream.RedisServer, _ keys: CommandKeys
    ) async -> ChangeWatch? {
        let watch = ChangeWatch(loop, endpoints, ids, server, keys)
        if await watch.begin() { return watch }
        watch.end()
        return nil
    }

    // MARK: who may use it

    /// Lets an attachment in. A grant of the same holder is replaced.
    public func grant(_ grant: Grant, on id: EndpointID) async {
        await run {
            $0.endpoints[id]?.grants.add(grant)
        } orWhenStopped: {
        }
    }

    /// Takes an attachment's right away and closes its connections, nobody else's; returns how many.
    @discardableResult
    public func revoke(holder: String, on id: EndpointID) async -> Int {
        await run {
            $0.endpoints[id]?.revoke(holder: holder) ?? 0
        } orWhenStopped: {
            0
        }
    }

    /// What an endpoint's clients do and have used; of one that is not open nothing.
    public func use(of id: EndpointID) async -> EndpointUse {
        await run {
            $0.endpoints[id]?.use ?? EndpointUse()
        } orWhenStopped: {
            EndpointUse()
        }
    }

    public func statistics() async -> [EndpointID: EndpointStatistics] {
        await run {
            $0.endpoints.mapValues(\.statistics)
        } orWhenStopped: {
            [:]
        }
    }

    private func run<Value: Sendable>(
        _ body: @escaping @Sendable (EndpointTable) -> Value, orWhenStopped fallback: @escaping @Sendable () -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            let isPosted = loop.post { [endpoints] in continuation.resume(returning: body(endpoints.value)) }
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

    func open(_ id: EndpointID, at address: SocketAddress) throws(SocketError) {
        guard endpoints[id] == nil else { return }
        let endpoint = Endpoint(loop: loop, longestHold: longestHold)
        endpoint.listener = try loop.listen(on: address) { [unowned endpoint] connection in
            endpoint.accept(connection)
        }
        endpoints[id] = endpoint
    }

    func close(_ id: EndpointID) -> Int {
        guard let endpoint = endpoints.removeValue(forKey: id) else { return 0 }
        endpoint.listener?.close()
        return endpoint.route(to: nil, closesHeld: true)
    }

    func route(_ id: EndpointID, to upstream: Upstream?) -> Int {
        endpoints[id]?.route(to: upstream, closesHeld: false) ?? 0
    }
}
