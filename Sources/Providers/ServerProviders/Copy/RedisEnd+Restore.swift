import BrokerModel
import ProviderKit
import ReplicationWire

/// Keys as commands that make them elsewhere.
extension RedisEnd {
    /// `RESTORE key expiry payload REPLACE ABSTTL` of each key of one database; `DEL` of one that is not there, unless it
    /// is to be skipped.
    func restore(_ keys: [CopyKey], skipsMissing: Bool = false) async throws(BrokerError) -> CopyBatch {
        try await ask { connection throws(BrokerError) in
            var batch = CopyBatch()
            guard let database = keys.first?.database else { return batch }
            try connection.select(try self.serversNumber(of: database))
            for (key, value) in zip(keys, try Self.values(of: keys[...], connection)) {
                if let value {
                    let expiry = Array("\(value.expiry ?? 0)".utf8)
                    let words = [
                        Array("RESTORE".utf8), key.name, expiry, value.dump, Array("REPLACE".utf8),
                        Array("ABSTTL".utf8),
                    ]
                    batch.append(ReplicatedCommand(words).bytes, for: database)
                    batch.keys += 1
                } else if !skipsMissing {
                    batch.append(ReplicatedCommand([Array("DEL".utf8), key.name]).bytes, for: database)
                }
            }
            return batch
        }
    }

    /// The server's functions as the command that loads them; nil where it has none, or does not tell.
    func functions() async throws(BrokerError) -> [UInt8]? {
        try await ask { connection throws(BrokerError) in
            let questions = ReplicatedCommand("FUNCTION", "LIST").bytes + ReplicatedCommand("FUNCTION", "DUMP").bytes
            let replies = try connection.ask(questions, count: 2)
            guard case .array(let libraries) = replies[0], !libraries.isEmpty, case .bytes(let dump) = replies[1] else {
                return nil
            }
            let words = ["FUNCTION", "RESTORE"].map { Array($0.utf8) } + [dump, Array("REPLACE".utf8)]
            return ReplicatedCommand(words).bytes
        }
    }
}
