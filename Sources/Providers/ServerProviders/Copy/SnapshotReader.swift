import BrokerModel
import ProviderKit
import RDBWire
import ReplicationWire

/// Turns the snapshot that comes over a link into commands for a queue, or passes over it.
final class SnapshotReader {
    private let link: ReplicaLink
    private let server: CopyServer
    private let clock: ClockOffset
    private let queue: BatchQueue
    private let contents: CopySourceRequest.Contents
    private var part = CopyBatch()
    private var size = 0
    /// What ended the link, which the reader of the file cannot carry.
    private var problem: RedisProblem?

    init(
        _ link: ReplicaLink, _ server: CopyServer, _ clock: ClockOffset, _ queue: BatchQueue,
        _ contents: CopySourceRequest.Contents
    ) {
        self.clock = clock
        self.link = link
        self.server = server
        self.queue = queue
        self.contents = contents
    }

    /// Returns when the next byte of the link is the stream's first.
    func read(_ form: SnapshotForm) throws(BrokerError) {
        let totalLength: Int?
        var mark: [UInt8] = []
        switch form {
        case .length(let length): totalLength = length
        case .marked(let bytes): (totalLength, mark) = (nil, bytes)
        }
        do throws(RDBError) {
            var reader = RDBReader(totalLength: totalLength) { [self] buffer throws(RDBError) in try fill(buffer) }
            var database = 0
            while true {
                let item = try reader.next()
                if item == .end { break }
                if case .everything = contents { try take(item, &database, version: reader.version) }
            }
            link.unread(reader.takeUnread())
        } catch {
            throw brokerError(error)
        }
        flush()
        try pass(mark)
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(RDBError) -> Int {
        do throws(RedisProblem) {
            // While the master is slow, what there is shall not wait.
            return try link.read(buffer) { flush() }
        } catch {
            problem = error
            throw .transfer(code: 0)
        }
    }

    private func take(_ item: RDBItem, _ database: inout Int, version: Int) throws(RDBError) {
        switch item {
        case .auxiliary, .sizes, .end: return
        case .selectDatabase(let number): database = number
        case .moduleAuxiliary: throw .unsupported("data that a module keeps")
        case .function(let code):
            // Functions are of the server, not of a database.
            let words = ["FUNCTION", "LOAD", "REPLACE"].map { Array($0.utf8) } + [code]
            append(ReplicatedCommand(words).bytes, for: 0)
        case .entry(let entry):
            guard let number = server.scope.number(ofServers: database) else { return }
            if let type = entry.payload.first, RDBType(rawValue: type) == .module2 {
                throw .unsupported("value of a module")
            }
            append(restore(entry, version), for: number)
            part.keys += 1
        }
        if size >= server.limits.batch { flush() }
    }

    /// An expiry of 0 would mean none; one that has passed may be any.
    private func restore(_ entry: RDBEntry, _ version: Int) -> [UInt8] {
        var payload = entry.payload
        DumpPayload.seal(&payload, version: version)
        let expiry = entry.expiry.map { max(clock.time($0, of: .theirs), 1) } ?? 0
        return ReplicatedCommand([
            Array("RESTORE".utf8), entry.key, Array("\(expiry)".utf8), payload, Array("REPLACE".utf8),
            Array("ABSTTL".utf8),
        ]).bytes
    }

    private func append(_ command: [UInt8], for database: Int) {
        part.append(command, for: database)
        size += command.count
    }

    private func flush() {
        guard size > 0 else { return }
        queue.push(part, position: nil)
        part = CopyBatch()
        size = 0
    }

    /// The bytes that stand behind a snapshot of unknown length.
    private func pass(_ mark: [UInt8]) throws(BrokerError) {
        var seen: [UInt8] = []
        do throws(RedisProblem) {
            while seen.count < mark.count {
                var byte: UInt8 = 0
                _ = try withUnsafeMutableBytes(of: &byte) { buffer throws(RedisProblem) in try link.read(buffer) }
                seen.append(byte)
            }
        } catch {
            throw server.lost(error.words)
        }
        guard seen == mark else { throw server.error(.otherProtocol("its snapshot has another end than it said")) }
    }

    private func brokerError(_ error: RDBError) -> BrokerError {
        switch error {
        case .transfer: server.lost(problem?.words ?? "it closed the connection")
        case .unsupported, .unsupportedVersion, .unknownType: server.unsupported("\(error)")
        default: server.error(.otherProtocol("\(error)"))
        }
    }
}

extension RedisProblem {
    /// Without the server's name.
    fileprivate var words: String {
        switch self {
        case .unreachable(let words), .otherProtocol(let words), .refused(let words): words
        }
    }
}
