public import RDBWire

/// A value as a server holds it.
public struct HeldValue: Sendable {
    public let value: RDBValue
    /// Milliseconds since 1970.
    public let expiry: Int64?

    public init(value: RDBValue, expiry: Int64?) {
        self.value = value
        self.expiry = expiry
    }

    public var digest: UInt64 { value.digest(expiry: expiry) }
}

/// The databases of a real redis-server: takes commands, and tells all that it holds.
public final class RealKeyspace {
    /// What the server answers, as far as it is looked at.
    private enum Reply {
        case integer(Int)
        case bulk([UInt8]?)
        case error(String)
        case array([Reply])
        case other
    }

    private let client: SocketClient

    public init(_ server: RealServer) throws {
        client = try SocketClient(to: server.address)
    }

    /// Runs commands, one behind the other, in a database; returns the errors among the answers.
    public func apply(_ bytes: [UInt8], commands: Int, in database: Int) throws -> [String] {
        try client.send("SELECT \(database)\r\n")
        _ = try receive()
        try client.send(bytes)
        var errors: [String] = []
        for _ in 0..<commands {
            if case .error(let text) = try receive() { errors.append(text) }
        }
        return errors
    }

    /// Every key with its value and expiry, by `database key`.
    public func contents() throws -> [String: HeldValue] {
        var contents: [String: HeldValue] = [:]
        for database in 0..<16 {
            _ = try call("SELECT", "\(database)")
            guard case .array(let names) = try call("KEYS", "*") else { continue }
            for case .bulk(let name?) in names {
                let key = String(decoding: name, as: UTF8.self)
                guard case .bulk(let dump?) = try call("DUMP", key),
                    case .integer(let time) = try call("PEXPIRETIME", key)
                else { continue }
                contents["\(database) \(key)"] = HeldValue(
                    value: try RDBValue.decode(DumpPayload.open(dump)), expiry: time < 0 ? nil : Int64(time))
            }
        }
        return contents
    }

    private func call(_ words: String...) throws -> Reply {
        try client.send("*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined())
        return try receive()
    }

    private func receive() throws -> Reply {
        let line = try client.receive(until: "\r\n").dropLast(2)
        let rest = String(decoding: line.dropFirst(), as: UTF8.self)
        switch line.first {
        case UInt8(ascii: ":"): return .integer(Int(rest) ?? 0)
        case UInt8(ascii: "-"): return .error(rest)
        case UInt8(ascii: "$"):
            guard let count = Int(rest), count >= 0 else { return .bulk(nil) }
            return .bulk(try client.receive(exactly: count + 2).dropLast(2))
        case UInt8(ascii: "*"):
            var elements: [Reply] = []
            for _ in 0..<max(Int(rest) ?? 0, 0) { elements.append(try receive()) }
            return .array(elements)
        default: return .other
        }
    }
}
