public import BrokerModel

/// The daemon as the command line knows it: the program hands it over, so that no verb can reach the control plane.
///
/// Flags are given by their environment variable: `["BROKER_PORTS": "21000-21099"]`.
public struct DaemonHook: Sendable {
    /// Runs the daemon in this process until it is told to end.
    public var run: @Sendable (_ flags: [String: String]) async throws -> Void
    /// What the settings would be.
    public var settings: @Sendable (_ flags: [String: String]) throws -> SettingsDocument

    public init(
        run: @escaping @Sendable (_ flags: [String: String]) async throws -> Void,
        settings: @escaping @Sendable (_ flags: [String: String]) throws -> SettingsDocument
    ) {
        self.run = run
        self.settings = settings
    }
}
