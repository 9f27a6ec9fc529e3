import BrokerModel

/// One row of the table of settings: the variable, what it means, how it is read and shown.
struct SettingKey: Sendable {
    let variable: String
    let meaning: String
    let read: @Sendable (String, inout Settings) throws(BrokerError) -> Void
    /// The value as it would be written in the environment.
    let show: @Sendable (Settings) -> String

    /// The explicit list; `docs/reference/settings.md` follows it, and a test compares.
    static let all: [SettingKey] = [
        SettingKey(
            variable: "BROKER_HOME",
            meaning: "folder of the state; else $XDG_STATE_HOME/broker, else ~/.local/state/broker",
            read: { text, settings in settings.home = text },
            show: { $0.home ?? "" }),
        SettingKey(
            variable: "BROKER_PORTS", meaning: "first and last port of the endpoints",
            read: { text, settings throws(BrokerError) in settings.ports = try ports(text) },
            show: { "\($0.ports.lowerBound)-\($0.ports.upperBound)" }),
        SettingKey(
            variable: "BROKER_LOG_LEVEL", meaning: "trace, debug, info, warning or error",
            read: { text, settings throws(BrokerError) in settings.logLevel = try level(text) },
            show: { $0.logLevel.rawValue }),
        SettingKey(
            variable: "BROKER_MASTER_KEY",
            meaning: "seals the secrets in the ledger; else a 0600 file in the home; never a flag",
            read: { text, settings in settings.masterKey = Secret(text) },
            show: { $0.masterKey.map(\.description) ?? "" }),
        SettingKey(
            variable: "BROKER_LEDGER_URL", meaning: "sqlite:////path of the ledger; else ledger.sqlite in the home",
            read: { text, settings throws(BrokerError) in settings.ledger = try ledger(text) },
            show: { $0.ledger.map { "sqlite:///" + PercentCoding.encoded(path: $0) } ?? "" }),
        SettingKey(
            variable: "BROKER_API_PORT",
            meaning: "port of 127.0.0.1 for the HTTP API, with the token in the home's api-token; else no port",
            read: { text, settings throws(BrokerError) in settings.apiPort = try port("BROKER_API_PORT", text) },
            show: { $0.apiPort.map { "\($0)" } ?? "" }),
        SettingKey(
            variable: "BROKER_TOXIPROXY_PORT",
            meaning: "port of 127.0.0.1 for Toxiproxy's API, without a token (8474 by custom); else no port",
            read: { text, settings throws(BrokerError) in
                settings.toxiproxyPort = try port("BROKER_TOXIPROXY_PORT", text)
            },
            show: { $0.toxiproxyPort.map { "\($0)" } ?? "" }),
    ]

    /// The text that counts and where it is from; nil where only the default is left.
    func given(flags: [String: String], environment: [String: String]) -> (text: String, source: String)? {
        if let text = flags[variable] { return (text, "flag") }
        if let text = environment[variable], !text.isEmpty { return (text, "environment") }
        return nil
    }

    private static func ports(_ text: String) throws(BrokerError) -> ClosedRange<UInt16> {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = UInt16(parts[0]), let last = UInt16(parts[1]), first > 0, first <= last
        else {
            throw invalid("BROKER_PORTS", text, "two ports with a '-' between are expected, as in 21000-24999")
        }
        return first...last
    }

    private static func port(_ variable: String, _ text: String) throws(BrokerError) -> UInt16 {
        guard let port = UInt16(text), port > 0 else {
            throw invalid(variable, text, "a port of 1 to 65535 is expected")
        }
        return port
    }

    private static func level(_ text: String) throws(BrokerError) -> Settings.LogLevel {
        guard let level = Settings.LogLevel(rawValue: text.lowercased()) else {
            let all = Settings.LogLevel.allCases.map(\.rawValue).joined(separator: ", ")
            throw invalid("BROKER_LOG_LEVEL", text, "the levels are \(all)")
        }
        return level
    }

    private static func ledger(_ text: String) throws(BrokerError) -> String {
        let prefix = "sqlite:///"
        guard text.hasPrefix(prefix + "/"), text.count > prefix.count + 1, !text.contains("?"), !text.contains("#"),
            let path = PercentCoding.decoded(text.dropFirst(prefix.count)), !path.utf8.contains(0)
        else {
            // What follows the scheme may be a credential.
            let scheme = text.split(separator: ":").first.map(String.init) ?? ""
            throw invalid("BROKER_LEDGER_URL", "\(scheme):…", "the ledger is a file: sqlite:////absolute/path")
        }
        return path
    }

    private static func invalid(_ variable: String, _ text: String, _ why: String) -> BrokerError {
        BrokerError(
            .invalidRequest, "cannot read \(variable)=\"\(text.prefix(80))\"", why: why,
            fix: "unset \(variable)")
    }
}
