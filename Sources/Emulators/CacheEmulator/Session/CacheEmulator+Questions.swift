import EventLoop
import RESPWire

extension CacheEmulator {
    /// The reply to a command that changes nothing, as RESP2, in database 0. It is asked by nobody: no list of clients and
    /// no statistics know of it.
    public func answer(to words: [[UInt8]]) -> [UInt8] {
        let front = NoFront()
        let connection = Connection(id: Connection.nextID(), pool: BufferPool(), peerAddress: "", localAddress: "")
        let client = CacheClient(connection: connection, id: 0, isAuthenticated: true, front: front)
        client.mayWait = false
        var request: [UInt8] = []
        request.append(command: words.map { .array($0) })
        let batch = RequestBatch()
        let seen = statistics
        readClock()
        countCommands(false)
        defer {
            countCommands(true)
            statistics = seen.keepingCounts(butOf: statistics)
        }
        return request.withUnsafeBytes { bytes in
            var partial = PartialRequest()
            _ = batch.parse(bytes, limits: .unlimited, partial: &partial)
            guard batch.count == 1 else { return Array("-ERR no command\r\n".utf8) }
            let arguments = batch.arguments + batch[0].first
            let index = table.index(of: arguments[0]) ?? -1
            guard index >= 0, !table.commands[index].flags.contains(.write) else {
                return Array("-ERR it is no question\r\n".utf8)
            }
            let hash = batch[0].count > 1 ? keyHash(arguments[1], seed: memory.seed) : 0
            // The client does not keep its front alive.
            return withExtendedLifetime(front) {
                run(index, arguments, batch[0].count, hash, client)
                return Array(connection.output.readable)
            }
        }
    }
}
