/// One reply as it was on the wire, with its type.
enum Reply: Hashable, Sendable {
    case simple([UInt8])
    case error([UInt8])
    case integer(Int64)
    case bulk([UInt8])
    /// `$-1`
    case nullBulk
    /// `*-1`
    case nullArray
    /// `_`
    case null
    case array([Reply])
    /// Keys and values in turn.
    case map([Reply])
    case set([Reply])
    case push([Reply])
    /// The text of the number.
    case double([UInt8])
    case boolean(Bool)
    case bigNumber([UInt8])
    /// With the format in front: `txt:…`.
    case verbatim([UInt8])
    /// The connection has ended.
    case closed

    /// The elements of an array, map, set or push.
    var elements: [Reply]? {
        switch self {
        case .array(let list), .map(let list), .set(let list), .push(let list): list
        default: nil
        }
    }

    /// The bytes of a string or error, else nil.
    var bytes: [UInt8]? {
        switch self {
        case .simple(let bytes), .error(let bytes), .bulk(let bytes), .double(let bytes), .bigNumber(let bytes),
            .verbatim(let bytes):
            bytes
        default: nil
        }
    }

    /// The bytes as text, else nil.
    var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    /// The value of an integer, or of a number in a string.
    var number: Double? {
        if case .integer(let value) = self { return Double(value) }
        return text.flatMap(Double.init)
    }

    /// A name of the type, as the differences show it.
    var typeName: String {
        switch self {
        case .simple: "simple"
        case .error: "error"
        case .integer: "integer"
        case .bulk: "bulk"
        case .nullBulk: "null bulk"
        case .nullArray: "null array"
        case .null: "null"
        case .array: "array"
        case .map: "map"
        case .set: "set"
        case .push: "push"
        case .double: "double"
        case .boolean: "boolean"
        case .bigNumber: "big number"
        case .verbatim: "verbatim"
        case .closed: "closed"
        }
    }

    func withElements(_ elements: [Reply]) -> Reply {
        switch self {
        case .array: .array(elements)
        case .map: .map(elements)
        case .set: .set(elements)
        case .push: .push(elements)
        default: self
        }
    }
}

extension Reply: CustomStringConvertible {
    var description: String {
        switch self {
        case .integer(let value): "(integer) \(value)"
        case .simple(let bytes): "+\(Self.quoted(bytes))"
        case .bulk(let bytes): Self.quoted(bytes)
        case .nullBulk, .nullArray, .null, .closed: "(\(typeName))"
        case .boolean(let value): "(boolean) \(value)"
        case .array, .map, .set, .push:
            "\(typeName)[" + (elements ?? []).map(\.description).joined(separator: ", ") + "]"
        case .error(let bytes): "-\(String(decoding: bytes, as: UTF8.self))"
        case .double, .bigNumber, .verbatim: "(\(typeName)) \(text ?? "")"
        }
    }

    /// As redis-cli shows bytes.
    static func quoted(_ bytes: [UInt8]) -> String {
        var text = "\""
        for byte in bytes.prefix(400) {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
            case 10: text += "\\n"
            case 13: text += "\\r"
            case 9: text += "\\t"
            case 32..<127: text += String(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16)
                text += "\\x" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return text + (bytes.count > 400 ? "\"… (\(bytes.count) bytes)" : "\"")
    }
}
