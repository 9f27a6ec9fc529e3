/// The one version string: command line, daemon and API show it.
public enum BrokerVersion {
    public static let current = "0.1.0"
}
