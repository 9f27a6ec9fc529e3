/// What can be set about the control plane.
public struct ControlPlaneSettings: Sendable {
    /// The folder in which leases with files or processes are written down, for the daemon that comes after a crash; nil
    /// writes none down.
    public var leaseRecords: String?
    /// Where endpoints get their ports from.
    public var ports: ClosedRange<UInt16> = 21000...24999
    /// How long an operation waits for another one on the same resource.
    public var patience = Duration.seconds(30)
    /// How often what does not serve is tried again: a port that somebody else holds, a provider that has failed.
    public var retryInterval = Duration.seconds(1)
    /// The clock of the retries.
    public var clock: any Clock<Duration> = ContinuousClock()
    /// Called at every crash point; the daemon's own kills it where `BROKER_TEST_CRASH_AT` says so.
    public var reached: @Sendable (CrashPoint) async -> Void = { $0.crashIfAsked() }

    public init(ports: ClosedRange<UInt16> = 21000...24999) {
        self.ports = ports
    }
}
