import BrokerModel
import ProviderKit
import ReplicationWire

/// Hands out what a real redis server holds, as its replica.
final class RedisSource: CopySource {
    private let end: RedisEnd
    private let queue: BatchQueue
    private let stream: ReplicaStream

    private init(_ end: RedisEnd, _ stream: ReplicaStream, _ queue: BatchQueue) {
        self.end = end
        self.queue = queue
        self.stream = stream
    }

    /// Returns when the server has granted a snapshot: every write after that is in the stream.
    static func open(
        _ server: CopyServer, _ contents: CopySourceRequest.Contents
    ) async throws(BrokerError) -> RedisSource {
        let end = RedisEnd(server)
        let queue = BatchQueue(server.limits)
        let place: ProviderURL.Place
        let clock: ClockOffset
        do throws(BrokerError) {
            (place, clock) = try await end.ask { ($0.peer, $0.clock) }
        } catch {
            await end.close()
            throw error
        }
        let source = RedisSource(end, ReplicaStream(server, at: place, clock, contents, queue), queue)
        do throws(BrokerError) {
            try await source.stream.start()
            return source
        } catch {
            await source.close()
            throw error
        }
    }

    func next() async throws(BrokerError) -> CopyBatch {
        if let batch = try queue.take() { return batch }
        return try await end.run { [queue] () throws(BrokerError) in try queue.takeWaiting() }
    }

    /// The offset of the server's history. It is asked of the same server as the stream, and every byte up to it was or
    /// will be sent to each replica, so that the stream reaches it or fails.
    func position() async throws(BrokerError) -> Int64 {
        try await end.ask { [stream] connection throws(BrokerError) in
            let info = try connection.ask("INFO", "replication").text ?? ""
            var facts: [Substring: Substring] = [:]
            for line in info.split(whereSeparator: \.isNewline) {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2 { facts[parts[0]] = parts[1] }
            }
            guard let offset = facts["master_repl_offset"].flatMap({ Int64($0) }) else {
                throw connection.server.unsupported("it does not say how far its stream is")
            }
            let histories = [facts["master_replid"], facts["master_replid2"]].compactMap { $0 }
            guard histories.isEmpty || histories.contains(where: { $0 == stream.historyID ?? "" }) else {
                throw connection.server.lost("it has restarted, and its data may be other data")
            }
            return offset
        }
    }

    func counts() async throws(BrokerError) -> [Int: Int] { try await end.counts() }

    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys { try await end.keys(from: cursor) }

    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] { try await end.digests(of: keys) }

    func close() async {
        await stream.close()
        await end.close()
    }
}
