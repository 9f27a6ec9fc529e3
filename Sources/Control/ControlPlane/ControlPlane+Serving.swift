import BrokerModel
import EventLoop
import Gateway
import Ledger
import Processes
import ProviderKit

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Bringing resources to service: endpoints, providers, routes. Whoever calls holds the resource's lock.
extension ControlPlane {
    private static let host = "127.0.0.1"

    /// Opens the resource's endpoints, has its provider serve, and routes the one to the other. Done again, it does
    /// what is missing. Throws when the provider fails; a port that is taken is a state, not an error.
    func serve(_ id: ResourceID) async throws(BrokerError) {
        let (stored, backing, attachments) = try await ledger.read { reader in
            let stored = try Self.found(try reader.resource(id))
            let backing = try Self.found(try reader.backing(stored.backing))
            // Who is just being attached gets in with the outcome.
            return (stored, backing, try reader.attachments(of: id).filter { $0.lifecycle != .coming })
        }
        let resource = stored.resource
        let endpoints = EndpointSpecification.all(of: resource, attachments)
        // First, so that clients are held rather than refused while the provider starts.
        for endpoint in endpoints { await open(endpoint, of: id) }
        let response: ProvisionResponse
        do throws(BrokerError) {
            response = try await provision(backing, resource)
        } catch {
            serving[id, default: Serving()].hasFailed(.failed(error.reason), fix: error.fix)
            // What is tried again may succeed in a moment; this does not by itself.
            if error.code == .needsAttention { for endpoint in endpoints { await gateway.fail(endpoint.id) } }
            throw error
        }
        for endpoint in endpoints { await route(endpoint.id, to: response, of: backing.id) }
        serving[id, default: Serving()].serves(response)
    }

    /// - Parameter plan: where it is not the resource's: of the target of a swap.
    func provision(
        _ backing: Backing, _ resource: Resource, plan: Plan? = nil
    ) async throws(BrokerError) -> ProvisionResponse {
        let id = backing.id
        let kept = backing.memory.filter { $0.key == Plan.memoryKey }
        return try await providers.provider(for: backing.provider).provision(
            ProvisionRequest(backing: backing, serviceClass: resource.serviceClass, plan: plan ?? resource.plan) {
                [ledger] memory async throws(BrokerError) in
                let whole = memory.merging(kept) { own, _ in own }
                try await ledger.write { try $0.remember(whole, for: id) }
            })
    }

    /// The plan of a backing that is, or was, no resource's own: the one by which it was made or that its resource has had
    /// before, or else the default one of its provider.
    func plan(of backing: Backing, _ resource: Resource) throws(BrokerError) -> Plan {
        let offered = try providers.provider(for: backing.provider).offering(for: resource.serviceClass)?.plans ?? []
        return offered.first { $0.name == backing.memory[Plan.memoryKey] } ?? offered.first ?? resource.plan
    }

    func deprovision(_ backing: Backing, _ resource: Resource) async throws(BrokerError) {
        let provider = try providers.provider(for: backing.provider)
        _ = try await provider.deprovision(
            DeprovisionRequest(backing: backing, serviceClass: resource.serviceClass))
    }

    /// Routes an open endpoint, unless it is routed there: clients of an endpoint that is routed again are closed.
    @discardableResult
    func route(_ endpoint: EndpointID, to response: ProvisionResponse, of backing: BackingID) async -> Int {
        guard let now = routes[endpoint], let upstream = response.upstream else { return 0 }
        let route = Route(backing: backing, upstream)
        guard now != route else { return 0 }
        routes[endpoint] = route
        return await gateway.route(endpoint, to: upstream)
    }

    /// Opens an endpoint on the port that it has for ever. Where somebody else holds the port, that is noted.
    private func open(_ endpoint: EndpointSpecification, of resource: ResourceID) async {
        if routes[endpoint.id] == nil {
            do throws(SocketError) {
                try await gateway.open(endpoint.id, at: .tcp(host: Self.host, port: endpoint.port))
                routes[endpoint.id] = .some(nil)
                serving[resource, default: Serving()].taken[endpoint.id] = nil
            } catch {
                let owner = error.errno == EADDRINUSE ? PortOwner.find(port: endpoint.port)?.description : error.reason
                serving[resource, default: Serving()].taken[endpoint.id] =
                    "port \(endpoint.port): \(owner ?? "held by a process that cannot be seen")"
                return
            }
        }
        for grant in endpoint.grants { await gateway.grant(grant, on: endpoint.id) }
    }

    /// Closes an endpoint; returns how many connections it had.
    @discardableResult
    func close(_ endpoint: EndpointID) async -> Int {
        routes[endpoint] = nil
        return await gateway.close(endpoint)
    }

    func closeEndpoints(of resource: Resource, _ attachments: [StoredAttachment]) async {
        for endpoint in EndpointSpecification.all(of: resource, attachments) { await close(endpoint.id) }
    }

    /// Opens a new endpoint on the next port that the ledger has not given away and that can be bound.
    ///
    /// Next is behind the latest one, round and round: an app that still has the URL of a removed endpoint meets nobody
    /// there for as long as possible, since some protocols have no credential to keep it out.
    ///
    /// It is open before anything is on disk, so that two operations cannot choose the same port; a crash closes it.
    func openNew(_ endpoint: EndpointID) async throws(BrokerError) -> UInt16 {
        let (given, latest) = try await ledger.read { (try $0.ports(), try $0.latestPort()) }
        let reserved = Set(given)
        let behind = settings.ports.filter { $0 > latest ?? 0 }
        for port in behind + settings.ports.filter({ $0 <= latest ?? 0 }) where !reserved.contains(port) {
            do throws(SocketError) {
                try await gateway.open(endpoint, at: .tcp(host: Self.host, port: port))
                routes[endpoint] = .some(nil)
                return port
            } catch  where error.errno == EADDRINUSE || error.errno == EACCES {
                continue
            } catch {
                throw BrokerError(.internalFailure, "an endpoint cannot be opened", why: "\(error)", fix: "broker logs")
            }
        }
        throw BrokerError(
            .portsExhausted, "there is no free port in \(settings.ports.lowerBound)-\(settings.ports.upperBound)",
            why: "\(reserved.count) belong to resources, other programs hold the rest",
            fix: "export BROKER_PORTS=\(Self.wider(settings.ports)) && broker daemon stop && broker daemon start")
    }

    /// The range with 1000 more ports: above it, or below where there is nothing above.
    private static func wider(_ ports: ClosedRange<UInt16>) -> String {
        let last = min(Int(ports.upperBound) + 1000, 65535)
        let missing = 1000 - (last - Int(ports.upperBound))
        return "\(max(Int(ports.lowerBound) - missing, 1024))-\(last)"
    }

    /// What an operation works on is in the ledger as long as the operation is unfinished.
    static func found<Value>(_ value: Value?) throws -> Value {
        guard let value else {
            throw BrokerError(
                .needsAttention, "the ledger misses a part of an operation", why: "\(Value.self) is gone",
                fix: "broker logs")
        }
        return value
    }
}

extension BrokerError {
    /// In one line, for a state.
    var reason: String { why.isEmpty ? what : "\(what): \(why)" }
}
