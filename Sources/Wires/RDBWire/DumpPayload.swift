/// The form in which DUMP hands out a payload and RESTORE takes it: behind it stand the version (16 bits) and the CRC64
/// of all before, little-endian.
public enum DumpPayload {
    public static let footerSize = 10

    /// The payload with its footer; `version` is that of the file that it is of.
    public static func seal(_ payload: [UInt8], version: Int = RDBFormat.writtenVersion) -> [UInt8] {
        var dump = payload
        seal(&dump, version: version)
        return dump
    }

    /// Appends the footer to a payload.
    public static func seal(_ payload: inout [UInt8], version: Int = RDBFormat.writtenVersion) {
        payload.reserveCapacity(payload.count + footerSize)
        payload.append(littleEndian: UInt16(truncatingIfNeeded: version))
        let crc = payload.withUnsafeBytes { CRC64.of($0) }
        payload.append(littleEndian: crc)
    }

    /// The payload in front of a footer that is right; the bytes stay where they are.
    ///
    /// Redis 7.0 refuses what Redis 7.2 has dumped, so versions above `newest` are refused.
    public static func open(
        _ dump: UnsafeRawBufferPointer, newest: Int = RDBFormat.writtenVersion
    ) throws(RDBError) -> UnsafeRawBufferPointer {
        guard dump.count >= footerSize else { throw .unusableDump }
        let size = dump.count - footerSize
        let version = UInt16(littleEndian: dump.loadUnaligned(fromByteOffset: size, as: UInt16.self))
        let crc = UInt64(littleEndian: dump.loadUnaligned(fromByteOffset: size + 2, as: UInt64.self))
        guard Int(version) <= newest, crc == CRC64.of(UnsafeRawBufferPointer(rebasing: dump[..<(size + 2)])) else {
            throw .unusableDump
        }
        return UnsafeRawBufferPointer(rebasing: dump[..<size])
    }

    /// The payload in front of a footer that is right.
    public static func open(_ dump: [UInt8], newest: Int = RDBFormat.writtenVersion) throws(RDBError) -> [UInt8] {
        try dump.withUnsafeBufferPointer { bytes throws(RDBError) in
            Array(try open(UnsafeRawBufferPointer(bytes), newest: newest))
        }
    }
}
