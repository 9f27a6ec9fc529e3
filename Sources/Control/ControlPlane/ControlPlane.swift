import BrokerModel
public import Gateway
public import Ledger
public import Logging
public import ProviderKit

/// What the broker does, one verb per file: it decides by pure plans, commits intents and outcomes to the ledger, and
/// has providers and the gateway act in between.
///
/// Every mutation is an operation. Its intent is on disk before anything is done, its outcome and the apps' releases in
/// one transaction afterwards; what a crash cuts short is resumed or rolled back by the next `start`. Operations on one
/// resource take turns. State that an `await` may have changed is read again, and the ledger's transaction decides.
public actor ControlPlane {
    let ledger: Ledger
    let gateway: Gateway
    let providers: ProviderCatalog
    let settings: ControlPlaneSettings
    let log: Logger
    let locks = OperationLocks()
    /// How each resource is served now; what is on disk is not repeated here.
    var serving: [ResourceID: Serving] = [:]
    /// The endpoints that are open, and what each is routed to.
    var routes: [EndpointID: Route?] = [:]
    /// Creates and attaches that have failed and whose undoing could not be put on disk (it is full): what is to be
    /// tried again, so that nothing appears later that was reported as failed.
    var undoings: [OperationID: Undoing] = [:]
    /// Swaps that are under way.
    var progress: [ResourceID: SwapProgress] = [:]
    /// What removes from servers what aborted swaps have written there.
    var takingBack: [ResourceID: Task<Void, Never>] = [:]
    /// Swaps that can be undone with what was written since.
    var waysBack: [ResourceID: OpenWayBack] = [:]
    /// What was kept of resources; in memory, as what keeps it.
    var snapshots: [KeptSnapshot.Key: KeptSnapshot] = [:]
    /// Leases that have not ended.
    var leases: [LeaseID: Lease] = [:]
    /// Whose lease is made or ended now.
    var leaseTurns = LeaseTurns()
    var watchesTurns = false
    /// Servers that leases may take.
    var warm = WarmServers()
    /// Tasks that live as long as the control plane: `stop` ends them.
    var background: [Task<Void, Never>] = []
    /// What is being brought to service, resource by resource.
    var bringing: [ResourceID: Task<Void, Never>] = [:]
    var isStopping = false

    /// - Parameters:
    ///   - gateway: the endpoints; nobody else opens any.
    ///   - providers: every kind of provider once.
    public init(
        ledger: Ledger, gateway: Gateway, providers: [any Provider], settings: ControlPlaneSettings, log: Logger
    ) {
        self.ledger = ledger
        self.gateway = gateway
        self.providers = ProviderCatalog(providers)
        self.settings = settings
        self.log = log
    }

    /// Tells tests and the daemon where it is in an operation: the place for `BROKER_TEST_CRASH_AT`.
    func reached(_ point: CrashPoint) async {
        await settings.reached(point)
    }
}
