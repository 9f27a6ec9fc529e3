import RDBWire

/// An RDB file taken apart.
struct ReadFile: Equatable {
    var items: [RDBItem] = []
    var version = 0
    var consumed = 0
    var unread: [UInt8] = []

    /// The entries with their databases.
    var entries: [(database: Int, entry: RDBEntry)] {
        var database = 0
        var entries: [(database: Int, entry: RDBEntry)] = []
        for item in items {
            switch item {
            case .selectDatabase(let number): database = number
            case .entry(let entry): entries.append((database, entry))
            default: break
            }
        }
        return entries
    }

    /// Reads `bytes`, of which `piece` says how many the source hands out each time.
    init(
        _ bytes: [UInt8], totalLength: Int? = nil, limits: RDBLimits = RDBLimits(),
        piece: @escaping () -> Int = { .max }
    ) throws(RDBError) {
        var position = 0
        var reader = RDBReader(totalLength: totalLength, limits: limits) { buffer in
            let count = min(piece(), buffer.count, bytes.count - position)
            buffer.copyBytes(from: bytes[position..<position + count])
            position += count
            return count
        }
        while true {
            let item = try reader.next()
            items.append(item)
            if item == .end { break }
        }
        version = reader.version
        consumed = reader.bytesConsumed
        unread = reader.takeUnread()
    }
}

/// Writes a file with the given parts, one after the other.
func writtenFile(
    checksums: Bool = true, _ body: (inout RDBWriter) throws -> Void
) throws -> [UInt8] {
    let file = Collector()
    var writer = RDBWriter(checksums: checksums) { file.bytes.append(contentsOf: $0) }
    try body(&writer)
    try writer.end()
    guard writer.bytesWritten == file.bytes.count else { throw RedisServer.Failure(text: "bytes are missing") }
    return file.bytes
}

private final class Collector {
    var bytes: [UInt8] = []
}

extension RDBValue {
    /// The payload by an encoder of its own.
    func encoded(_ thresholds: EncodingThresholds = EncodingThresholds()) throws(RDBError) -> [UInt8] {
        var encoder = RDBEncoder(thresholds)
        return try encoder.encode(self)
    }
}

extension String {
    var bytes: [UInt8] { Array(utf8) }
}
