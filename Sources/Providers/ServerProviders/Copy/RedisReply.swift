/// A reply with all its bytes.
enum RedisReply: Equatable, Sendable {
    /// A status or a bulk string.
    case bytes([UInt8])
    case error(String)
    case integer(Int64)
    case null
    case array([RedisReply])

    /// Nil for what has none.
    var text: String? {
        guard case .bytes(let bytes) = self else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
