/// A value with everything that Redis knows about it, apart from its key.
///
/// Members are not compared with each other: one that comes twice in a set or hash is handed out twice.
public enum RDBValue: Equatable, Sendable {
    case string([UInt8])
    case list([[UInt8]])
    /// In the order of the data.
    case set([[UInt8]])
    /// By score, members of the same score by their bytes.
    case sortedSet([RDBMember])
    /// In the order of the data.
    case hash([RDBField])
    case stream(RDBStream)
}

/// A field of a hash or of an entry of a stream.
public struct RDBField: Equatable, Sendable {
    public var name: [UInt8]
    public var value: [UInt8]

    public init(name: [UInt8], value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

/// A member of a sorted set.
public struct RDBMember: Equatable, Sendable {
    public var member: [UInt8]
    /// Never NaN where it was decoded.
    public var score: Double

    public init(member: [UInt8], score: Double) {
        self.member = member
        self.score = score
    }

    /// The order of a sorted set: by score, then as memcmp orders, the shorter first.
    static func isOrdered(_ left: RDBMember, _ right: RDBMember) -> Bool {
        if left.score != right.score { return left.score < right.score }
        return left.member.isBefore(right.member)
    }
}

extension [UInt8] {
    /// Orders as memcmp does, the shorter first where one begins with the other.
    func isBefore(_ other: [UInt8]) -> Bool {
        withUnsafeBufferPointer { left in
            other.withUnsafeBufferPointer { right in left.lexicographicallyPrecedes(right) }
        }
    }
}
