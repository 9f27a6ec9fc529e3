import EventLoop

/// The relay's connection to the server.
final class RelayLink: ConnectionHandler {
    weak var relay: RedisRelay?

    init(relay: RedisRelay) {
        self.relay = relay
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        relay?.received(bytes) ?? bytes.count
    }

    func outputDrained(on connection: Connection) {
        relay?.linkDrained()
    }

    func closed(_ connection: Connection, because reason: CloseReason) {
        relay?.linkClosed()
    }
}
