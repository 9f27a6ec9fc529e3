public import BrokerModel

/// A provider whose servers can be put to rest with the daemon and come back, with their data, by `provision`.
public protocol SuspendsServers: Provider {
    /// Ends the backing's server in order; its data stays. One that does not run is left as it is.
    func suspend(_ backing: Backing) async throws(BrokerError)
}
