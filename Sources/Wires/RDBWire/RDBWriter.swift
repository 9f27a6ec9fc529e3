/// Writes an RDB file of version 10 to a sink, in pieces.
///
/// The order is that of Redis: auxiliaries, functions, then database by database its number, its sizes, its entries;
/// `end` at last. The writer does not check it.
public struct RDBWriter: ~Copyable {
    /// Takes all of the bytes, or throws.
    public typealias Sink = (UnsafeRawBufferPointer) throws(RDBError) -> Void

    /// What is collected before the sink is called; a piece is longer by what stands in front of the next value.
    private static let pieceSize = 64 << 10

    private let sink: Sink
    private let checksums: Bool
    private var strings: StringEncoder
    private var pending: [UInt8] = []
    private var crc = CRC64()
    /// That the sink has.
    private var flushed = 0

    /// Without `checksums` the file ends with 0 instead, as with `rdbchecksum no`. `compresses` is for keys and
    /// auxiliaries; payloads are written as they are.
    public init(compresses: Bool = true, checksums: Bool = true, sink: @escaping Sink) {
        self.sink = sink
        self.checksums = checksums
        strings = StringEncoder(compresses: compresses)
        pending.reserveCapacity(Self.pieceSize)
        pending.append(contentsOf: "REDIS0010".utf8)
    }

    /// Bytes of the file so far, also those that the sink does not have.
    public var bytesWritten: Int { flushed + pending.count }

    public mutating func auxiliary(_ key: [UInt8], _ value: [UInt8]) throws(RDBError) {
        pending.append(RDBFormat.Opcode.auxiliary)
        strings.append(key, to: &pending)
        strings.append(value, to: &pending)
        try flushIfLong()
    }

    public mutating func auxiliary(_ key: String, _ value: String) throws(RDBError) {
        try auxiliary(Array(key.utf8), Array(value.utf8))
    }

    /// A library, as FUNCTION LOAD takes it.
    public mutating func function(code: [UInt8]) throws(RDBError) {
        pending.append(RDBFormat.Opcode.function)
        strings.append(code, to: &pending)
        try flushIfLong()
    }

    /// `number` is not negative.
    public mutating func selectDatabase(_ number: Int) throws(RDBError) {
        pending.append(RDBFormat.Opcode.selectDatabase)
        StringEncoder.append(length: UInt64(max(number, 0)), to: &pending)
        try flushIfLong()
    }

    /// How many entries, and entries with an expiry, follow in this database.
    public mutating func sizes(keys: Int, expires: Int) throws(RDBError) {
        pending.append(RDBFormat.Opcode.sizes)
        StringEncoder.append(length: UInt64(max(keys, 0)), to: &pending)
        StringEncoder.append(length: UInt64(max(expires, 0)), to: &pending)
        try flushIfLong()
    }

    public mutating func entry(_ entry: RDBEntry) throws(RDBError) {
        guard let type = entry.payload.first else { throw .notEncodable("empty payload") }
        if let expiry = entry.expiry {
            pending.append(RDBFormat.Opcode.expiryMilliseconds)
            pending.append(littleEndian: expiry)
        }
        if let idle = entry.idle {
            pending.append(RDBFormat.Opcode.idle)
            StringEncoder.append(length: idle, to: &pending)
        }
        if let frequency = entry.frequency {
            pending.append(RDBFormat.Opcode.frequency)
            pending.append(frequency)
        }
        pending.append(type)
        strings.append(entry.key, to: &pending)
        try entry.payload.withUnsafeBufferPointer { payload throws(RDBError) in
            try append(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: payload[1...])))
        }
        try flushIfLong()
    }

    /// The end mark and the checksum; everything goes to the sink.
    public mutating func end() throws(RDBError) {
        pending.append(RDBFormat.Opcode.end)
        try flush()
        pending.append(littleEndian: checksums ? crc.value : 0)
        try flush()
    }

    /// Long bytes go to the sink piece by piece, without being copied.
    private mutating func append(_ bytes: UnsafeRawBufferPointer) throws(RDBError) {
        if pending.count + bytes.count > Self.pieceSize { try flush() }
        guard bytes.count >= Self.pieceSize else {
            pending.append(contentsOf: bytes)
            return
        }
        var start = 0
        while start < bytes.count {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.pieceSize, bytes.count)])
            try write(piece)
            start += piece.count
        }
    }

    private mutating func flushIfLong() throws(RDBError) {
        if pending.count >= Self.pieceSize { try flush() }
    }

    private mutating func flush() throws(RDBError) {
        var bytes: [UInt8] = []
        swap(&bytes, &pending)
        try bytes.withUnsafeBufferPointer { bytes throws(RDBError) in try write(UnsafeRawBufferPointer(bytes)) }
        bytes.removeAll(keepingCapacity: true)
        swap(&bytes, &pending)
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) throws(RDBError) {
        guard !bytes.isEmpty else { return }
        if checksums { crc.update(bytes) }
        flushed += bytes.count
        try sink(bytes)
    }
}
