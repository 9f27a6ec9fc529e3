import EventLoop

/// The relay's connection to the server. Throughout an event the session is held: what comes of it may close the client,
/// whose connection is what holds it otherwise.
final class RelayLink: ConnectionHandler {
    weak var relay: RedisRelay?

    init(relay: RedisRelay) {
        self.relay = relay
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        guard let relay else { return bytes.count }
        return withExtendedLifetime(relay.session) { relay.received(bytes) }
    }

    func outputDrained(on connection: Connection) {
        guard let relay else { return }
        withExtendedLifetime(relay.session) { relay.linkDrained() }
    }

    func closed(_ connection: Connection, because reason: CloseReason) {
        guard let relay else { return }
        withExtendedLifetime(relay.session) { relay.linkClosed() }
    }
}
