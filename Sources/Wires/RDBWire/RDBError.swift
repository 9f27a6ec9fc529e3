/// What is wrong with RDB data, or with moving it.
public enum RDBError: Error, Equatable, Sendable {
    /// The bytes do not begin with `REDIS` and four digits.
    case notRDB
    /// Written by a server newer than we know, or by none.
    case unsupportedVersion(Int)
    /// A type of value or an opcode that version 10 does not know.
    case unknownType(UInt8)
    /// Known, but nothing that can be taken over: the text names it.
    case unsupported(String)
    /// The bytes end inside a value or a file.
    case truncated
    /// The bytes contradict the format: the text says where.
    case malformed(String)
    /// A list, set, hash or sorted set without members, which Redis does not keep: it leaves out such a key of a file
    /// and refuses to RESTORE one.
    case emptyValue
    /// A length is above a limit.
    case tooLarge(limit: Int)
    /// The CRC64 at the end is not that of the bytes before it.
    case wrongChecksum
    /// What RESTORE calls "DUMP payload version or checksum are wrong".
    case unusableDump
    /// A value has no RDB form: the text says why.
    case notEncodable(String)
    /// The source or the sink failed, with its own code, such as errno.
    case transfer(code: Int32)
}

extension RDBError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notRDB: "not an RDB file"
        case .unsupportedVersion(let version):
            "RDB version \"\(version)\" is not supported, 1 to \(RDBFormat.newestReadable) are"
        case .unknownType(let type): "RDB type or opcode \"\(type)\" is unknown"
        case .unsupported(let what): "\(what) is not supported"
        case .truncated: "RDB data ends too early"
        case .malformed(let place): "RDB data is malformed: \(place)"
        case .emptyValue: "RDB value has no members"
        case .tooLarge(let limit): "RDB data has a length above the limit \"\(limit)\""
        case .wrongChecksum: "RDB checksum is wrong"
        case .unusableDump: "DUMP payload version or checksum are wrong"
        case .notEncodable(let reason): "value has no RDB form: \(reason)"
        case .transfer(let code): "RDB transfer failed with code \"\(code)\""
        }
    }
}
