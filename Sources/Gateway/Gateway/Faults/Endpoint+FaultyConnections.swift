import BrokerModel
import EventLoop
import RESPWire

/// Faults of whole connections.
extension Endpoint {
    /// A client has come while the endpoint has faults.
    func acceptUnderFaults(_ connection: Connection) -> (any ConnectionHandler)? {
        var met = faults.meet(isNew: true, now: loop.now)
        if met.contains(where: { $0.effect == .down }) { return nil }
        if met.contains(where: { $0.effect == .maxClients }) {
            ReplyWriter(connection.output, version: 2).error("ERR max number of clients reached")
            connection.closeAfterFlush()
            return RefusedClient()
        }
        let handler = admit(connection)
        // Where nobody has to say who they are, that is known from the beginning.
        if let session = redisSessions[connection.id], session.grant != nil { met += knownFaults(session) }
        if met.contains(where: { $0.effect == .down }) { loop.atEndOfTurn { connection.close() } }
        guard !met.isEmpty, connection.isOpen else { return handler }
        let client = ShapedClient(handler, connection, endpoint: self)
        shaped[connection.id] = client
        for (id, effect, seed) in met { client.add(effect, by: id, seed: seed) }
        return client
    }

    /// Has a new fault meet all clients that are there, in the order in which they came.
    func meetAll(_ id: FaultID) {
        let all = redisSessions.values.map(\.connection) + Array(queueConnections.values) + Array(held.values)
        for connection in all.sorted(by: { $0.id < $1.id }) {
            guard let (id, effect, seed) = faults.meet(id, isNew: false, now: loop.now).first else { continue }
            if effect == .down { connection.close() } else { shape(connection, effect, by: id, seed: seed) }
        }
        for session in redisSessions.values.sorted(by: { $0.connection.id < $1.connection.id }) {
            meetKnown(session, id)
        }
    }

    /// A client has said who it is, in a request that is being answered: faults that choose clients meet it.
    func identified(_ session: RedisSession) {
        if faults.chooseClients { meetKnown(session) }
    }

    private func meetKnown(_ session: RedisSession, _ only: FaultID? = nil) {
        let met = knownFaults(session, only)
        for (id, effect, seed) in met {
            guard effect == .down else {
                shape(session.connection, effect, by: id, seed: seed)
                continue
            }
            loop.atEndOfTurn { [connection = session.connection] in connection.close() }
        }
    }

    private func knownFaults(_ session: RedisSession, _ only: FaultID? = nil) -> [FaultTable.Met] {
        faults.meet(
            only, now: loop.now, isOfClient: session.isOfClient(like:),
            isFirst: { session.metFaults.insert($0).inserted })
    }

    private func shape(_ connection: Connection, _ effect: FaultEffect, by id: FaultID, seed: UInt64) {
        guard connection.isOpen, let handler = connection.handler else { return }
        let client = shaped[connection.id] ?? ShapedClient(handler, connection, endpoint: self)
        if shaped[connection.id] == nil {
            shaped[connection.id] = client
            connection.handler = client
        }
        client.add(effect, by: id, seed: seed)
    }

    /// Lets go the connections that a fault holds that is over, or was removed.
    func releaseConnections(by id: FaultID) {
        for (connection, client) in shaped {
            client.remove(id)
            guard client.isIdle, shaped[connection] != nil else { continue }
            client.leave()
            shaped[connection] = nil
        }
    }
}
