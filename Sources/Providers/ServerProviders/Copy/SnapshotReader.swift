import RDBWire
import RESPWire

/// Reads the snapshot that a master sends in front of its stream, key by key, as commands.
///
/// Safety of `@unchecked Sendable`: it is used within the calls of its stream only, which come one after the other.
final class SnapshotReader: @unchecked Sendable {
    struct Part {
        var database: Int
        var command: [UInt8]
        var isFunction = false
    }

    private static let timeout = Duration.seconds(60)
    private let stream: ServerStream
    private var reader: RDBReader
    private var database = 0
    private let loss = Loss()

    /// Reads the header: `$length`.
    init(_ stream: ServerStream, until deadline: ContinuousClock.Instant) throws(RedisProblem) {
        self.stream = stream
        var line = ""
        while line.isEmpty { line = try stream.line(until: deadline) }
        guard line.first == "$" else {
            throw line.first == "-"
                ? .refused(String(line.dropFirst())) : .otherProtocol("it sends no snapshot behind PSYNC")
        }
        guard let size = Int(line.dropFirst()), size >= 0 else {
            throw .otherProtocol("the length of its snapshot is none")
        }
        let loss = loss
        reader = RDBReader(totalLength: size) { space throws(RDBError) in
            while stream.unread.isEmpty { try Self.receive(stream, loss) }
            let count = min(space.count, stream.unread.count)
            space.copyBytes(from: stream.unread.prefix(count))
            stream.take(count)
            return count
        }
    }

    /// The next key or library; nil when the snapshot is complete, and what follows is the stream.
    func next() throws(RedisProblem) -> Part? {
        do throws(RDBError) {
            while true {
                switch try reader.next() {
                case .auxiliary, .sizes: continue
                case .selectDatabase(let number): database = number
                case .moduleAuxiliary: throw .unsupported("data of a module")
                case .function(let code):
                    let words = ["FUNCTION", "LOAD", "REPLACE"].map { Array($0.utf8) } + [code]
                    return Part(database: 0, command: RequestEncoding.bytes(words), isFunction: true)
                case .entry(let entry):
                    var payload = entry.payload
                    DumpPayload.seal(&payload, version: reader.version)
                    let words = [
                        Array("RESTORE".utf8), entry.key, Array("\(max(entry.expiry ?? 0, 0))".utf8), payload,
                        Array("REPLACE".utf8), Array("ABSTTL".utf8),
                    ]
                    return Part(database: database, command: RequestEncoding.bytes(words))
                case .end: return nil
                }
            }
        } catch {
            throw loss.problem ?? .refused("ERR its snapshot cannot be read: \(error)")
        }
    }

    private static func receive(_ stream: ServerStream, _ loss: Loss) throws(RDBError) {
        do throws(RedisProblem) {
            guard try stream.receive(until: .now + timeout) else {
                throw .unreachable("it sent nothing of its snapshot for \(timeout)")
            }
        } catch {
            loss.problem = error
            throw .transfer(code: 0)
        }
    }

    /// Why nothing comes any more.
    private final class Loss {
        var problem: RedisProblem?
    }
}
