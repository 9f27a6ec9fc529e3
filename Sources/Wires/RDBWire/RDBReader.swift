/// Reads an RDB file item by item from a source that may block, holding no more of it than one value.
///
/// Values come as payloads, passed over but not taken apart; a value that is wrong inside shows when it is decoded.
public struct RDBReader: ~Copyable {
    /// Fills the buffer, which is never empty, at least in part, and returns the number of bytes; 0 at the end.
    public typealias Source = (UnsafeMutableRawBufferPointer) throws(RDBError) -> Int

    private enum State {
        case header
        case items
        case ended
        /// Nothing can be read behind an error.
        case failed(RDBError)
    }

    /// Of the file; 0 before the first item.
    public private(set) var version = 0
    private let limits: RDBLimits
    private let totalLength: Int?
    private var state = State.header
    private var source: SourceBuffer

    /// The source is asked for no byte behind `totalLength`, at which the file has to end.
    ///
    /// Without it more may be read than the file has, which `takeUnread` hands back.
    public init(totalLength: Int? = nil, limits: RDBLimits = RDBLimits(), source: @escaping Source) {
        self.limits = limits
        self.totalLength = totalLength
        self.source = SourceBuffer(limit: totalLength, read: source)
    }

    /// Bytes of the file so far; after `.end` all of them.
    public var bytesConsumed: Int { source.consumed }

    /// What was read from the source and does not belong to the file; to be called once, after `.end`.
    public mutating func takeUnread() -> [UInt8] { source.takeUnread() }

    /// The next item; `.end` again behind the end, the same error again behind an error.
    public mutating func next() throws(RDBError) -> RDBItem {
        do throws(RDBError) {
            switch state {
            case .failed(let error): throw error
            case .ended: return .end
            case .header:
                try readHeader()
                state = .items
            case .items: break
            }
            let item = try readItem()
            if item == .end { state = .ended }
            return item
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private mutating func readHeader() throws(RDBError) {
        for letter in "REDIS".utf8 {
            guard try source.byte() == letter else { throw .notRDB }
        }
        for _ in 0..<4 {
            let digit = try source.byte() &- UInt8(ascii: "0")
            guard digit <= 9 else { throw .notRDB }
            version = version * 10 + Int(digit)
        }
        guard (1...RDBFormat.newestReadable).contains(version) else { throw .unsupportedVersion(version) }
    }

    private mutating func readItem() throws(RDBError) -> RDBItem {
        var entry = RDBEntry(key: [], payload: [])
        while true {
            let opcode = try source.byte()
            switch opcode {
            case RDBFormat.Opcode.expirySeconds: entry.expiry = Int64(try source.little(Int32.self)) * 1000
            case RDBFormat.Opcode.expiryMilliseconds: entry.expiry = try source.little(Int64.self)
            case RDBFormat.Opcode.idle: entry.idle = try source.length()
            case RDBFormat.Opcode.frequency: entry.frequency = try source.byte()
            case RDBFormat.Opcode.slotSizes:
                for _ in 0..<3 { _ = try source.length() }
            case RDBFormat.Opcode.auxiliary: return .auxiliary(key: try string(), value: try string())
            case RDBFormat.Opcode.selectDatabase: return .selectDatabase(try number(most: Int(Int32.max)))
            case RDBFormat.Opcode.sizes: return .sizes(keys: try number(), expires: try number())
            case RDBFormat.Opcode.function: return .function(code: try string())
            case RDBFormat.Opcode.prereleaseFunction: throw .unsupported("function of a release candidate of Redis 7.0")
            case RDBFormat.Opcode.moduleAuxiliary:
                let module = try source.length()
                try source.skipModuleData(limits)
                return .moduleAuxiliary(module: module)
            case RDBFormat.Opcode.end:
                try readEnd()
                return .end
            default:
                guard let type = RDBType(rawValue: opcode) else { throw .unknownType(opcode) }
                entry.key = try string()
                source.beginCapture(opcode)
                try source.skipValue(type, limits)
                entry.payload = source.endCapture()
                return .entry(entry)
            }
        }
    }

    private mutating func readEnd() throws(RDBError) {
        if version >= 5 {
            let checksum = source.checksum()
            let stated = try source.little(UInt64.self)
            guard stated == 0 || stated == checksum else { throw .wrongChecksum }
        }
        if let totalLength, totalLength != source.consumed { throw .malformed("bytes behind the end") }
    }

    private mutating func number(most: Int = .max) throws(RDBError) -> Int {
        let number = try source.length()
        guard number <= UInt64(most) else { throw .tooLarge(limit: most) }
        return Int(number)
    }

    private mutating func string() throws(RDBError) -> [UInt8] {
        switch try source.stringHeader(limits) {
        case .plain(let count): return try source.take(count)
        case .integer(let value): return Decimal.bytes(value)
        case .compressed(let packed, let count):
            let bytes = try source.take(packed)
            return try bytes.withUnsafeBufferPointer { bytes throws(RDBError) in
                try LZF.decompress(UnsafeRawBufferPointer(bytes), count: count, limit: limits.stringBytes)
            }
        }
    }
}
