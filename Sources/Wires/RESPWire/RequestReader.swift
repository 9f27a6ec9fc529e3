#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Reads the parts of one request; every access is checked against `end`.
struct RequestReader {
    enum Result {
        case found
        case partial
        case failed(ProtocolError)
    }

    enum Part<Value> {
        case value(Value)
        case partial
        case failed(ProtocolError)
    }

    let start: UnsafePointer<UInt8>
    let end: Int
    var position: Int
    let limits: RequestLimits

    /// The number behind `*`; a negative one counts as 0, which asks for nothing.
    mutating func readCount() -> Part<Int> {
        switch readNumber(tooLong: .countTooLong) {
        case .value(let number):
            guard let number, number <= Int64(Int32.max) else { return .failed(.invalidCount) }
            if number > Int64(limits.arguments) {
                return .failed(limits.isAuthenticated ? .invalidCount : .unauthenticatedCount)
            }
            return .value(max(Int(number), 0))
        case .partial: return .partial
        case .failed(let error): return .failed(error)
        }
    }

    /// `$length`, the bytes and a line end. Leaves `position` in front of the `$` when more is needed.
    @inline(__always)
    mutating func readBulk() -> Part<Bytes> {
        let begin = position
        guard position < end else { return .partial }
        guard start[position] == UInt8(ascii: "$") else { return .failed(.expectedBulk(start[position])) }
        position &+= 1
        let length: Int
        // One or two digits, by far the most frequent: bounds are checked once for all four bytes.
        if position &+ 4 <= end, start[position &+ 1] == UInt8(ascii: "\r"), start[position] &- 48 <= 9 {
            length = Int(start[position] &- 48)
            position &+= 3
        } else {
            switch readNumber(tooLong: .lengthTooLong) {
            case .value(let number):
                guard let number, number >= 0 else { return .failed(.invalidLength) }
                if number > Int64(limits.bulk) {
                    return .failed(limits.isAuthenticated ? .invalidLength : .unauthenticatedLength)
                }
                length = Int(number)
            case .partial:
                position = begin
                return .partial
            case .failed(let error): return .failed(error)
            }
        }
        // `position` is at most `end`, so that no length overflows.
        guard end &- position &- 2 >= length else {
            position = begin
            return .partial
        }
        let bytes = Bytes(start + position, length)
        position &+= length &+ 2
        return .value(bytes)
    }

    /// Everything up to a line feed, without it and a carriage return before it.
    mutating func readLine() -> Part<Bytes> {
        let rest = end - position
        guard let found = memchr(start + position, 10, rest) else {
            return rest > RequestLimits.line ? .failed(.lineTooLong) : .partial
        }
        var length = UnsafeRawPointer(found) - UnsafeRawPointer(start + position)
        let line = start + position
        position += length + 1
        if length > 0, line[length - 1] == UInt8(ascii: "\r") { length -= 1 }
        return .value(Bytes(line, length))
    }

    /// A number up to a carriage return, and the line feed behind it; nil for what is none.
    private mutating func readNumber(tooLong: ProtocolError) -> Part<Int64?> {
        var index = position
        while index < end, start[index] != UInt8(ascii: "\r") {
            index &+= 1
            if index &- position > RequestLimits.line { return .failed(tooLong) }
        }
        guard index &+ 1 < end else { return .partial }
        let number = Bytes(start + position, index &- position).integer
        position = index &+ 2
        return .value(number)
    }
}
