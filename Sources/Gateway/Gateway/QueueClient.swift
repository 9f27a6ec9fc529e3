import EventLoop
import QueueEmulator

/// A session of class `beanstalk`, with its end made known to the endpoint.
final class QueueClient: ConnectionHandler {
    let session: QueueSession
    let endpoint: Endpoint
    private(set) weak var connection: Connection?
    /// Nil while no fault of the endpoint's is of commands, and none has left anything; `QueueFaults`.
    private(set) var faults: QueueFaults?

    init(_ session: QueueSession, _ connection: Connection, endpoint: Endpoint) {
        self.session = session
        self.connection = connection
        self.endpoint = endpoint
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int {
        guard let faults else { return session.received(bytes, on: connection) }
        return faults.received(bytes, on: connection, by: session)
    }

    func inputEnded(on connection: Connection) {
        if let faults, faults.outlivesInput() { return }
        session.inputEnded(on: connection)
    }

    func outputDrained(on connection: Connection) {
        session.outputDrained(on: connection)
    }

    func closed(_ connection: Connection, because reason: CloseReason) {
        session.closed(connection, because: reason)
        endpoint.gone(connection)
    }

    /// Has faults look at its commands, or not.
    func look(_ areMet: Bool) {
        if areMet, faults == nil, let connection {
            faults = QueueFaults(connection, endpoint: endpoint)
        } else if !areMet, faults?.isIdle == true {
            faults = nil
        }
        session.filter = faults
    }
}
