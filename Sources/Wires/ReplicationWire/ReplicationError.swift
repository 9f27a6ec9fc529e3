/// What is wrong with the bytes of a replication link.
public enum ReplicationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// They are no commands of RESP2: the text says what.
    case malformed(String)
    /// A length is above a limit.
    case tooLarge(limit: Int)

    public var description: String {
        switch self {
        case .malformed(let what): "the stream of commands is malformed: \(what)"
        case .tooLarge(let limit): "the stream of commands has a length above the limit \"\(limit)\""
        }
    }
}

/// How much is believed of what a stream says about itself. Memory grows with the bytes that are there.
public struct ReplicationLimits: Equatable, Sendable {
    /// Bytes of one argument.
    public var bulkBytes = 512 << 20
    /// Arguments of one command.
    public var arguments = 1 << 20
    /// Bytes of one command.
    public var commandBytes = 1 << 30

    public init() {}
}
