public import BrokerModel

/// A provider that can shut its direct attachments out: past the endpoint they would go on with a provider that does not
/// count any more.
public protocol FencesDirect: Provider {
    /// Ends the connections of all direct attachments; nobody comes in by their credentials until `lift`, or until the
    /// backing is provisioned again. What they were answered before has happened when this returns, and nothing follows.
    /// Throws when that takes longer than `limit`.
    func fence(_ backing: Backing, within limit: Duration) async throws(BrokerError)

    /// Lets them in again, with the same credentials. Done again it changes nothing.
    func lift(_ backing: Backing) async throws(BrokerError)
}
