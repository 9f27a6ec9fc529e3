internal import CNumbers

/// Numbers as text, in the forms in which Redis keeps them.
enum Decimal {
    /// "-9223372036854775808"
    private static let longest = 20

    static func bytes(_ value: Int64) -> [UInt8] {
        var rest = value.magnitude
        var count = value < 0 ? 2 : 1
        var bound = rest
        while bound >= 10 {
            bound /= 10
            count &+= 1
        }
        // `count` is at most 20, and each step writes one place below it.
        return [UInt8](unsafeUninitializedCapacity: count) { place, written in
            var index = count
            repeat {
                index &-= 1
                place[index] = UInt8(truncatingIfNeeded: rest % 10) &+ UInt8(ascii: "0")
                rest /= 10
            } while rest > 0
            if value < 0 { place[0] = UInt8(ascii: "-") }
            written = count
        }
    }

    /// The integer whose one canonical form the bytes are: no plus, no leading zero, no space; nil for other bytes.
    static func integer(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard bytes.count > 0, bytes.count <= longest else { return nil }
        let isNegative = bytes[0] == UInt8(ascii: "-")
        var index = isNegative ? 1 : 0
        guard index < bytes.count else { return nil }
        let first = bytes[index] &- UInt8(ascii: "0")
        guard first <= 9 else { return nil }
        if first == 0 { return bytes.count == 1 ? 0 : nil }
        var value = UInt64(first)
        index &+= 1
        while index < bytes.count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (product, isAbove) = value.multipliedReportingOverflow(by: 10)
            let (sum, isFarAbove) = product.addingReportingOverflow(UInt64(digit))
            guard !isAbove, !isFarAbove else { return nil }
            value = sum
            index &+= 1
        }
        guard value <= UInt64(Int64.max) + (isNegative ? 1 : 0) else { return nil }
        return Int64(truncatingIfNeeded: isNegative ? 0 &- value : value)
    }

    /// A score in text, as strtod reads it; nil for not a number and for other text.
    static func double(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
        guard let start = bytes.baseAddress else { return nil }
        var value = 0.0
        let isNumber = start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { text in
            cnumbers_parse_double(text, bytes.count, &value) == 1
        }
        return isNumber ? value : nil
    }

    /// A score as a compact sorted set keeps it: an integer without a fraction, 17 digits where there is one.
    static func score(_ value: Double) -> [UInt8] {
        if value.isInfinite { return Array((value < 0 ? "-inf" : "inf").utf8) }
        // The bound is Redis's; above it even integers get an exponent.
        if value.magnitude <= 0x1p62, Double(Int64(value)) == value { return bytes(Int64(value)) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 40) { place in
            let count = place.baseAddress.map { Int(cnumbers_format_double($0, value)) } ?? 0
            return place[..<max(count, 0)].map { UInt8(bitPattern: $0) }
        }
    }
}
