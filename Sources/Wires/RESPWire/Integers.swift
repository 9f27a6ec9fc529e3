extension Bytes {
    /// The bytes as a signed decimal in its one canonical form: no plus, no leading zero, no space; nil for anything
    /// else and for what does not fit.
    public var integer: Int64? {
        guard count > 0, count <= 20 else { return nil }
        var index = 0
        let isNegative = start[0] == UInt8(ascii: "-")
        if isNegative {
            guard count > 1 else { return nil }
            index = 1
        }
        let first = start[index] &- UInt8(ascii: "0")
        if first == 0 { return count == 1 ? 0 : nil }
        guard first <= 9 else { return nil }
        var value = UInt64(first)
        index += 1
        while index < count {
            let digit = start[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard !overflow, !carry else { return nil }
            value = sum
            index += 1
        }
        if isNegative {
            return value <= UInt64(Int64.max) &+ 1 ? Int64(truncatingIfNeeded: 0 &- value) : nil
        }
        return value <= UInt64(Int64.max) ? Int64(value) : nil
    }
}

/// Decimal digits of integers, written two at a time.
public enum Decimal {
    /// "00" "01" … "99".
    @usableFromInline static let pairs: StaticString = """
        00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354\
        555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """

    /// The most bytes that `write` uses: "-9223372036854775808".
    public static let maxLength = 20

    /// Writes `value` at `place` and returns the number of bytes.
    @inlinable public static func write(_ value: Int64, to place: UnsafeMutablePointer<UInt8>) -> Int {
        if value >= 0 { return write(UInt64(value), to: place) }
        place[0] = UInt8(ascii: "-")
        return 1 &+ write(value.magnitude, to: place + 1)
    }

    @inlinable public static func write(_ value: UInt64, to place: UnsafeMutablePointer<UInt8>) -> Int {
        if value < 10 {
            place[0] = UInt8(truncatingIfNeeded: value) &+ UInt8(ascii: "0")
            return 1
        }
        let length = digits(value)
        var rest = value
        var index = length
        let table = pairs.utf8Start
        while rest >= 100 {
            let pair = Int(truncatingIfNeeded: rest % 100) &* 2
            rest /= 100
            index &-= 2
            place[index] = table[pair]
            place[index &+ 1] = table[pair &+ 1]
        }
        if rest >= 10 {
            let pair = Int(truncatingIfNeeded: rest) &* 2
            place[0] = table[pair]
            place[1] = table[pair &+ 1]
        } else {
            place[0] = UInt8(truncatingIfNeeded: rest) &+ UInt8(ascii: "0")
        }
        return length
    }

    /// How many decimal digits `value` has.
    @inlinable public static func digits(_ value: UInt64) -> Int {
        var bound: UInt64 = 10
        var count = 1
        while count < 20, value >= bound {
            count &+= 1
            bound = bound &* 10
            if count == 20 { break }
        }
        return count
    }
}
