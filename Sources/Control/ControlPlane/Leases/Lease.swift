import BrokerModel
import EventLoop
import Gateway
import ProviderKit

/// Resources of its own, for as long as somebody needs them. In memory: it ends with the daemon at the latest.
struct Lease {
    let id: LeaseID
    let workspace: WorkspaceName
    /// The lease with which it ends.
    let parent: LeaseID?
    /// The process that has taken it; nil where that is not known.
    let pid: Int32?
    /// It ends with the connection that has taken it.
    var isHeld: Bool
    var isKept = false
    /// Nil where only what holds it ends it.
    var endsAt: ContinuousClock.Instant?
    /// Ends it when its time is over.
    var end: Task<Void, Never>?
    var resources: [LeasedResource] = []
    /// What is ended with it where its holder ends first.
    var process: LeaseProcess?
    let madeAt = ContinuousClock.now
    /// How long taking it took.
    var took = Duration.zero
    /// What has become of leases under it.
    var under = LeaseTally()

    /// Made and ended in next to no time. One without resources only holds others.
    var isInMemory: Bool { !resources.isEmpty && resources.allSatisfy(\.wish.isInMemory) }
}

/// A backing that a provider serves.
struct ServedBacking {
    let backing: Backing
    let response: ProvisionResponse
    /// What it is written down as, where it has a file or a process.
    let record: LeaseRecord?
}

/// One resource of a lease.
struct LeasedResource {
    let wish: LeasedWish
    let backing: Backing
    /// What serves it, in the provider's words. The emulator itself is not held here: it goes on its own loop.
    let server: String?
    /// The file; nil for what has an endpoint.
    let path: String?
    /// Where clients find it; nil for a file.
    let port: UInt16?
    let secret: Secret
    /// The file's URL.
    let direct: DirectURL?
    /// What it began with.
    let beginning: KeptSnapshot.Part?
    /// What it is written down as, where it has a file or a process.
    let record: LeaseRecord?

    var name: ResourceName { wish.name }
    var endpoint: EndpointID? { port == nil ? nil : backing.resource.endpoint }

    /// What a client needs to reach it: a URL with its secret, and the same for people's eyes.
    var url: (value: String, masked: String) {
        let place = "127.0.0.1:\(port ?? 0)"
        switch wish.serviceClass {
        case .redis:
            guard wish.asksForPassword else { return ("redis://\(place)/0", "redis://\(place)/0") }
            let value = secret.reveal { "redis://\(Self.user):\($0)@\(place)/0" }
            return (value, "redis://\(Self.user):***@\(place)/0")
        case .beanstalk: return ("beanstalk://\(place)", "beanstalk://\(place)")
        case .sqlite: return (direct?.url.reveal { $0 } ?? "", direct?.masked ?? "")
        }
    }

    /// Who its clients are at a resource whose class authenticates.
    static let user = "lease"
}

/// What is asked of one resource of a lease, its words checked.
struct LeasedWish {
    let name: ResourceName
    let serviceClass: ServiceClass
    let provider: ProviderReference
    let plan: Plan
    /// 0 is any free one.
    let port: UInt16
    let asksForPassword: Bool
    /// The snapshot that it begins with.
    let from: String?
    /// What is to go wrong from the first connection on.
    let faults: [Fault]
    /// Nothing of it outlives the daemon.
    var isInMemory: Bool { provider.isInMemory(serviceClass, plan) }

    /// - Parameter parent: the lease under which it is to be: it hands its provider on with its secret.
    init(_ wish: LeaseWish, under parent: Lease?, _ providers: ProviderCatalog) throws(BrokerError) {
        let command = "broker test --set \(wish.name)"
        name = try ResourceName(wish.name)
        let asked = try wish.class.map { text throws(BrokerError) in
            try ServiceClass(named: text, command: command)
        }
        let named = try wish.provider.map { document throws(BrokerError) in try document.resolved() } ?? .emulator
        let known = parent?.resources.map(\.wish.provider).first { $0.description == named.description }
        provider = wish.provider?.secret == nil ? known ?? named : named
        let offerings = try providers.provider(for: provider).offerings
        let plan = try ResourcePlan(
            name: name, serviceClass: asked ?? ServiceClass(defaultFor: name), provider: provider, plan: wish.plan,
            offerings: offerings, command: command)
        serviceClass = plan.serviceClass
        self.plan = plan.plan
        asksForPassword = wish.auth ?? true
        from = wish.from
        faults = try (wish.faults ?? []).map { fault throws(BrokerError) in try fault.checked(for: plan.serviceClass) }
        guard let port = UInt16(exactly: wish.port ?? 0) else {
            throw BrokerError(
                .invalidRequest, "\(wish.port ?? 0) is no port", why: "ports are 1 to 65535",
                fix: "\(command) --port 6379")
        }
        self.port = port
    }
}

extension ProviderReference {
    /// Whether a resource of it has neither a file nor a process.
    func isInMemory(_ serviceClass: ServiceClass, _ plan: Plan) -> Bool {
        self == .emulator && serviceClass.isNetworked && !plan.isDurable
    }
}

/// What has become of leases: summed up for the one under which they were.
struct LeaseTally {
    var took: [Duration] = []
    var leftOpen = 0
    var requests: UInt64 = 0
    var unsupported: [String: Int] = [:]

    mutating func add(_ statistics: EndpointStatistics) {
        requests += statistics.requests
        unsupported.merge(statistics.unsupported, uniquingKeysWith: +)
    }

    mutating func add(_ other: LeaseTally) {
        took += other.took
        leftOpen += other.leftOpen
        requests += other.requests
        unsupported.merge(other.unsupported, uniquingKeysWith: +)
    }

    func document(of id: LeaseID) -> LeaseEndDocument {
        let sorted = took.sorted()
        return LeaseEndDocument(
            id: id.rawValue, ended: true, leases: sorted.count, leftOpen: leftOpen,
            tookMedian: Self.at(0.5, sorted).milliseconds, tookP99: Self.at(0.99, sorted).milliseconds,
            requests: requests, unsupported: unsupported)
    }

    private static func at(_ share: Double, _ sorted: [Duration]) -> Duration {
        guard !sorted.isEmpty else { return .zero }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}

extension Duration {
    var milliseconds: Double { self / .milliseconds(1) }
}
