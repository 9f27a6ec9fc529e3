public import BrokerModel

/// Everything that can be set about the daemon. Flags win over `BROKER_…` variables, those over the defaults here.
public struct Settings: Equatable, Sendable {
    /// Where the state lives; nil leaves it to the rule of `BrokerPlaces`.
    public var home: String?
    /// The endpoints' ports. They are below the range that systems give to outgoing connections.
    public var ports: ClosedRange<UInt16> = 21000...24999
    public var logLevel = LogLevel.info
    /// What seals the secrets in the ledger; nil takes the key file in the home, which is made when it is missing.
    public var masterKey: Secret?
    /// The ledger's file; nil is `ledger.sqlite` in the home.
    public var ledger: String?

    /// The port of 127.0.0.1 on which the HTTP API is reached beside the socket; nil is none.
    public var apiPort: UInt16?
    /// The port of 127.0.0.1 on which clients of Toxiproxy are served; nil is none.
    public var toxiproxyPort: UInt16?

    /// How much the daemon says.
    public enum LogLevel: String, CaseIterable, Sendable {
        case trace, debug, info, warning, error
    }

    public init() {}

    /// Throws `invalidRequest`, naming the setting, for what cannot be read. An empty variable counts as unset.
    public init(flags: [String: String], environment: [String: String]) throws(BrokerError) {
        for key in SettingKey.all {
            guard let (text, source) = key.given(flags: flags, environment: environment) else { continue }
            do throws(BrokerError) {
                try key.read(text, &self)
            } catch {
                // Without it the default counts.
                var error = error
                error.fix = source == "flag" ? "broker daemon run --help" : "unset \(key.variable)"
                throw error
            }
        }
    }
}
