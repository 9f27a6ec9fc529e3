public import BrokerModel

/// A provider whose servers can end, or fail, by themselves; it brings them back, and tells.
public protocol ReportsHealth: Provider {
    /// What happens to the provider's backings from the first call on; one reader.
    var health: AsyncStream<HealthReport> { get }
}

/// What has become of a backing's server.
public struct HealthReport: Equatable, Sendable {
    public enum Health: Equatable, Sendable {
        /// It serves again.
        case ready
        /// It has ended, does not answer, or cannot do all that it should; why, and what is done about it.
        case failed(String)
        /// It serves; something that a person should know of has happened.
        case noted(String)
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
