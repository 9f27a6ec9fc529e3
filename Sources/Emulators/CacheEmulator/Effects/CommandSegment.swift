import RESPWire

/// Commands of the redis protocol for one database, one behind the other.
public struct CommandSegment: Equatable, Sendable {
    public var database: Int
    public var bytes: [UInt8] = []
    public var commands = 0

    public init(database: Int) {
        self.database = database
    }
}

/// One argument of a command that this server writes itself.
enum CommandWord: ExpressibleByStringLiteral {
    case text(StaticString)
    case bytes(Bytes)
    case array([UInt8])
    case number(Int64)

    init(stringLiteral text: StaticString) {
        self = .text(text)
    }
}

extension [UInt8] {
    /// Appends a command as clients send it.
    mutating func append(command words: [CommandWord]) {
        append(UInt8(ascii: "*"), number: Int64(words.count))
        for word in words {
            switch word {
            case .text(let text): append(argument: Bytes(text))
            case .bytes(let bytes): append(argument: bytes)
            case .array(let array): array.withBytes { append(argument: $0) }
            case .number(let value):
                withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Decimal.maxLength) { digits in
                    let start = digits.baseAddress.unsafelyUnwrapped
                    append(argument: Bytes(UnsafePointer(start), Decimal.write(value, to: start)))
                }
            }
        }
    }

    /// Appends a command as it has come.
    mutating func append(command arguments: UnsafeMutablePointer<Bytes>, _ count: Int) {
        append(UInt8(ascii: "*"), number: Int64(count))
        for index in 0..<count { append(argument: arguments[index]) }
    }

    private mutating func append(argument bytes: Bytes) {
        append(UInt8(ascii: "$"), number: Int64(bytes.count))
        append(contentsOf: bytes.raw)
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
    }

    private mutating func append(_ type: UInt8, number: Int64) {
        append(type)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Decimal.maxLength) { digits in
            let start = digits.baseAddress.unsafelyUnwrapped
            append(contentsOf: UnsafeBufferPointer(start: start, count: Decimal.write(number, to: start)))
        }
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
    }
}
