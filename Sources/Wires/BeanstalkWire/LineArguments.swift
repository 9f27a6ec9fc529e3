/// Reads the arguments of a command line from left to right, with the tolerance of 1.12 and no more.
struct LineArguments {
    private let line: UnsafeRawBufferPointer
    private var position: Int

    init(_ line: UnsafeRawBufferPointer, from position: Int) {
        self.line = line
        self.position = position
    }

    var isAtEnd: Bool { position == line.count }

    /// All that is left, when it is a valid tube name.
    func lastTube() -> UnsafeRawBufferPointer? {
        let rest = UnsafeRawBufferPointer(rebasing: line[position...])
        return TubeName.isValid(rest) ? rest : nil
    }

    /// A number after any spaces (not tabs, no sign); nil when there is none or it exceeds `maximum`.
    mutating func number(upTo maximum: UInt64) -> UInt64? {
        skipSpaces()
        guard case .number(let magnitude) = digits(), magnitude <= maximum else { return nil }
        return magnitude
    }

    mutating func number32() -> UInt32? {
        number(upTo: UInt64(UInt32.max)).map { UInt32(truncatingIfNeeded: $0) }
    }

    /// The number that must be the last thing on the line.
    mutating func lastNumber() -> UInt64? {
        guard let number = number(upTo: .max), isAtEnd else { return nil }
        return number
    }

    mutating func lastNumber32() -> UInt32? {
        guard let number = number32(), isAtEnd else { return nil }
        return number
    }

    /// A number as C's `strtoul` reads it: white space and a sign before it, anything after it, the upper half of
    /// 64 bits cut off. Nil when there is no digit or 64 bits do not hold it.
    mutating func looseUnsigned32() -> UInt32? {
        let isNegative = looseSign()
        guard case .number(let magnitude) = digits() else { return nil }
        return UInt32(truncatingIfNeeded: isNegative ? 0 &- magnitude : magnitude)
    }

    /// A number as C's `strtol` reads it, cut to 32 bits; no digit at all is 0, and nil what 64 bits do not hold.
    mutating func looseSigned32() -> Int32? {
        let isNegative = looseSign()
        switch digits() {
        case .none: return 0
        case .overflow: return nil
        case .number(let magnitude):
            guard magnitude <= UInt64(Int64.max) + (isNegative ? 1 : 0) else { return nil }
            return Int32(truncatingIfNeeded: isNegative ? 0 &- magnitude : magnitude)
        }
    }

    /// The longest run of tube-name characters after any spaces; nil when it is empty.
    mutating func tubeWord() -> UnsafeRawBufferPointer? {
        skipSpaces()
        let start = position
        while position < line.count, TubeName.allows(line[position]) { position += 1 }
        guard position > start else { return nil }
        return UnsafeRawBufferPointer(rebasing: line[start..<position])
    }

    private enum Digits {
        case none
        case overflow
        case number(UInt64)
    }

    private mutating func digits() -> Digits {
        let start = position
        var value: UInt64 = 0
        var isOverflown = false
        while position < line.count {
            let digit = line[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            let (product, wrapped) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(UInt64(digit))
            isOverflown = isOverflown || wrapped || carried
            value = sum
            position += 1
        }
        if position == start { return .none }
        return isOverflown ? .overflow : .number(value)
    }

    /// Skips white space and one sign; true for a minus.
    private mutating func looseSign() -> Bool {
        while position < line.count, line[position] == 0x20 || (0x09...0x0d).contains(line[position]) { position += 1 }
        guard position < line.count else { return false }
        switch line[position] {
        case UInt8(ascii: "-"):
            position += 1
            return true
        case UInt8(ascii: "+"):
            position += 1
            return false
        default: return false
        }
    }

    private mutating func skipSpaces() {
        while position < line.count, line[position] == 0x20 { position += 1 }
    }
}
