import RESPWire

/// One key with what belongs to it, in one block:
///
///     0  epoch        u32   in which the block was made or copied
///     4  key length   u32
///     8  value length u32
///    12  meta         u32   type (3 bits), encoding (3), has expiry (1), unused (1), access (24)
///    16  expiry       i64   only with the flag: milliseconds since 1970
///        key bytes, value bytes
///
/// The value is the bytes of a string, 8 bytes of an integer or score, or the address of a larger structure. Members
/// of sets, fields of hashes and members of sorted sets are entries of the same form.
struct Entry: Equatable {
    let block: UnsafeMutableRawPointer

    static let headerSize = 16
    private static let expiryFlag: UInt32 = 1 << 6

    init(_ block: UnsafeMutableRawPointer) {
        self.block = block
    }

    @inline(__always) var epoch: UInt32 { block.load(as: UInt32.self) }
    @inline(__always) var keyLength: Int { Int(block.load(fromByteOffset: 4, as: UInt32.self)) }
    @inline(__always) var valueLength: Int { Int(block.load(fromByteOffset: 8, as: UInt32.self)) }
    @inline(__always) private var meta: UInt32 { block.load(fromByteOffset: 12, as: UInt32.self) }

    @inline(__always) private func setMeta(_ value: UInt32) {
        block.storeBytes(of: value, toByteOffset: 12, as: UInt32.self)
    }

    @inline(__always) var type: ValueType { ValueType(rawValue: UInt8(truncatingIfNeeded: meta & 7)) ?? .string }

    @inline(__always) var encoding: UInt8 { UInt8(truncatingIfNeeded: meta >> 3 & 7) }

    /// How a value of the type is stored; the meaning of the number is the type's own.
    @inline(__always) func setEncoding(_ encoding: UInt8) {
        setMeta(meta & ~UInt32(7 << 3) | UInt32(encoding) << 3)
    }

    @inline(__always) func setType(_ type: ValueType, encoding: UInt8) {
        setMeta(meta & ~UInt32(63) | UInt32(encoding) << 3 | UInt32(type.rawValue))
    }

    /// 24 bits of the entry's last access, in the keyspace's unit.
    @inline(__always) var access: UInt32 { meta >> 8 }

    @inline(__always) func setAccess(_ value: UInt32) {
        setMeta(meta & 0xff | value << 8)
    }

    @inline(__always) var hasExpiry: Bool { meta & Self.expiryFlag != 0 }

    /// Milliseconds since 1970; only where `hasExpiry`.
    @inline(__always) var expiry: Int64 { block.load(fromByteOffset: 16, as: Int64.self) }

    @inline(__always) func setExpiry(_ value: Int64) {
        block.storeBytes(of: value, toByteOffset: 16, as: Int64.self)
    }

    @inline(__always) private var keyOffset: Int { Self.headerSize &+ (hasExpiry ? 8 : 0) }
    @inline(__always) private var valueOffset: Int { keyOffset &+ keyLength }

    @inline(__always) var key: Bytes { Bytes(raw: block + keyOffset, keyLength) }
    @inline(__always) var valueStart: UnsafeMutableRawPointer { block + valueOffset }
    @inline(__always) var value: Bytes { Bytes(raw: valueStart, valueLength) }

    @inline(__always) var size: Int { valueOffset &+ valueLength }

    /// The value as an integer.
    @inline(__always) var integer: Int64 {
        get { valueStart.loadUnaligned(as: Int64.self) }
        nonmutating set { valueStart.storeBytes(of: newValue, as: Int64.self) }
    }

    /// The value as a score.
    @inline(__always) var score: Double {
        get { valueStart.loadUnaligned(as: Double.self) }
        nonmutating set { valueStart.storeBytes(of: newValue, as: Double.self) }
    }

    /// The value as the address of a larger structure.
    @inline(__always) var pointer: UnsafeMutableRawPointer {
        get { valueStart.loadUnaligned(as: UnsafeMutableRawPointer.self) }
        nonmutating set { valueStart.storeBytes(of: newValue, as: UnsafeMutableRawPointer.self) }
    }

    /// A new entry with room for `valueLength` bytes that the caller fills.
    @inline(__always)
    static func make(
        key: Bytes, valueLength: Int, type: ValueType, encoding: UInt8, expiry: Int64?, in memory: Memory
    ) -> Entry {
        let size = headerSize &+ (expiry == nil ? 0 : 8) &+ key.count &+ valueLength
        let entry = Entry(memory.allocate(size))
        entry.block.storeBytes(of: memory.epoch, as: UInt32.self)
        entry.block.storeBytes(of: UInt32(truncatingIfNeeded: key.count), toByteOffset: 4, as: UInt32.self)
        entry.block.storeBytes(of: UInt32(truncatingIfNeeded: valueLength), toByteOffset: 8, as: UInt32.self)
        var meta = UInt32(type.rawValue) | UInt32(encoding) << 3
        if let expiry {
            meta |= expiryFlag
            entry.setMeta(meta)
            entry.setExpiry(expiry)
        } else {
            entry.setMeta(meta)
        }
        (entry.block + entry.keyOffset).copyMemory(from: key.start, byteCount: key.count)
        return entry
    }

    /// The same key, type and access in a block of its own with another value length and expiry; of the value, as
    /// many bytes as fit are taken over.
    func remade(valueLength: Int, expiry: Int64?, in memory: Memory) -> Entry {
        let made = Entry.make(
            key: key, valueLength: valueLength, type: type, encoding: encoding, expiry: expiry, in: memory)
        made.setAccess(access)
        made.valueStart.copyMemory(from: valueStart, byteCount: min(valueLength, self.valueLength))
        return made
    }

    /// Changes the length of a value whose block has room for it.
    @inline(__always) func setValueLength(_ length: Int) {
        block.storeBytes(of: UInt32(truncatingIfNeeded: length), toByteOffset: 8, as: UInt32.self)
    }

    /// Whether a value of `length` bytes fits into the block as it is.
    @inline(__always) func hasRoom(forValue length: Int) -> Bool {
        SizeClasses.capacity(valueOffset &+ length) == SizeClasses.capacity(size)
    }

    @inline(__always) func free(in memory: Memory) {
        memory.free(block, size, epoch: epoch)
    }
}

/// The types of values, numbered as in an entry's meta.
enum ValueType: UInt8 {
    case string = 0
    case list = 1
    case set = 2
    case sortedSet = 3
    case hash = 4
    case stream = 5

    /// As TYPE answers.
    var name: StaticString {
        switch self {
        case .string: "string"
        case .list: "list"
        case .set: "set"
        case .sortedSet: "zset"
        case .hash: "hash"
        case .stream: "stream"
        }
    }
}
