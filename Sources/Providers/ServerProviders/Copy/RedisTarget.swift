import BrokerModel
import ProviderKit
import ReplicationWire
import Synchronization

/// Writes what another backing held to a real redis server.
///
/// That server expires keys by its own clock, which a replica would not do. So a key that was to expire sooner than its
/// commands arrive here, and whose life the app prolonged meanwhile, is missing at the end: a comparison of digests finds
/// it.
final class RedisTarget: StandingCopyTarget {
    private let end: RedisEnd
    /// Once a command was refused, what follows would stand on a hole.
    private let failure = Mutex<BrokerError?>(nil)

    private init(_ server: CopyServer) {
        end = RedisEnd(server)
    }

    /// Returns when the server has taken the login.
    static func open(_ server: CopyServer) async throws(BrokerError) -> RedisTarget {
        let target = RedisTarget(server)
        do throws(BrokerError) {
            try await target.end.ask { _ in }
            return target
        } catch {
            await target.close()
            throw error
        }
    }

    func apply(_ batch: CopyBatch) async throws(BrokerError) {
        if let failure = failure.withLock({ $0 }) { throw failure }
        if batch.segments.isEmpty { return }
        do throws(BrokerError) {
            try await end.ask { [end] connection throws(BrokerError) in
                let requests = try Requests(batch, end, connection)
                let refused = try connection.apply(
                    requests.parts, commands: requests.commands, selecting: requests.selected)
                guard let refused else { return }
                throw end.server.refusal(of: requests.name(of: refused.index), refused.words)
            }
        } catch {
            failure.withLock { $0 = error }
            throw error
        }
    }

    func counts() async throws(BrokerError) -> [Int: Int] { try await end.counts() }

    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys { try await end.keys(from: cursor) }

    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] { try await end.digests(of: keys) }

    func removeAll() async throws(BrokerError) { try await end.removeAll() }

    func remove(_ keys: [CopyKey], with digests: [UInt64?]) async throws(BrokerError) -> Int {
        try await end.remove(keys, with: digests)
    }

    func close() async { await end.close() }

    /// A batch as it is sent: with a SELECT wherever the database changes.
    private struct Requests {
        var parts: [[UInt8]] = []
        var commands = 0
        var selected: Int

        init(_ batch: CopyBatch, _ end: RedisEnd, _ connection: RedisConnection) throws(BrokerError) {
            selected = connection.selected
            for segment in batch.segments where segment.commands > 0 {
                let database = try end.serversNumber(of: segment.database)
                if database != selected {
                    parts.append(ReplicatedCommand("SELECT", "\(database)").bytes)
                    commands += 1
                    selected = database
                }
                parts.append(try Self.bytes(of: segment, connection))
                commands += segment.commands
            }
        }

        private static func bytes(
            of segment: CopyBatch.Segment, _ connection: RedisConnection
        ) throws(BrokerError) -> [UInt8] {
            let (server, clock) = (connection.server, connection.clock)
            let shared: SharedTarget? =
                if case .one(let own) = server.scope { SharedTarget(database: own) } else { nil }
            guard shared != nil || clock != .none else { return segment.bytes }
            var stream = CommandStream(offset: 0)
            stream.append(segment.bytes)
            var bytes: [UInt8] = []
            var begin = 0
            do {
                while let command = try stream.next() {
                    let timed = clock.translated(command, of: .ours)
                    guard let translated = try shared?.translated(timed ?? command) ?? timed?.bytes else { continue }
                    bytes += segment.bytes[begin..<Int(stream.offset) - command.bytes.count]
                    bytes += translated
                    begin = Int(stream.offset)
                }
            } catch {
                throw server.unsupported((error as? SharedTarget.Violation)?.reason ?? "\(error)")
            }
            return begin == 0 ? segment.bytes : bytes + segment.bytes[begin...]
        }

        /// For a message.
        func name(of index: Int) -> String {
            var stream = CommandStream(offset: 0)
            for part in parts { stream.append(part) }
            var left = index
            while let command = try? stream.next() {
                if left == 0 { return command.nameText }
                left -= 1
            }
            return "a command"
        }
    }
}
