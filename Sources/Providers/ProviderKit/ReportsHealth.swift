public import BrokerModel

/// A provider whose servers can end by themselves; it starts them again, and tells.
public protocol ReportsHealth: Provider {
    /// What happens to the provider's backings from the first call on; one reader.
    var health: AsyncStream<HealthReport> { get }
}

/// What has become of a backing's server.
public struct HealthReport: Equatable, Sendable {
    public enum Health: Equatable, Sendable {
        /// It serves again.
        case ready
        /// It has ended or does not answer; why, and what is done about it.
        case failed(String)
        /// Its name stands for another address now: it is to be provisioned again.
        case moved(to: String)
    }

    public let backing: BackingID
    public let health: Health

    public init(backing: BackingID, health: Health) {
        self.backing = backing
        self.health = health
    }
}
