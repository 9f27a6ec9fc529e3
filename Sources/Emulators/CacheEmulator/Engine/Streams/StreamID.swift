import RESPWire

/// The id of an entry of a stream: milliseconds since 1970, and a number among those of the same millisecond.
struct StreamID: Equatable, Comparable {
    var milliseconds: UInt64
    var sequence: UInt64

    static let zero = StreamID(0, 0)
    static let largest = StreamID(.max, .max)

    @inline(__always) init(_ milliseconds: UInt64, _ sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    @inline(__always) static func < (left: StreamID, right: StreamID) -> Bool {
        left.milliseconds != right.milliseconds
            ? left.milliseconds < right.milliseconds : left.sequence < right.sequence
    }

    /// The id behind this one; nil behind the largest.
    var next: StreamID? {
        if sequence < .max { return StreamID(milliseconds, sequence + 1) }
        return milliseconds < .max ? StreamID(milliseconds + 1, 0) : nil
    }

    /// The id in front of this one; nil in front of zero.
    var previous: StreamID? {
        if sequence > 0 { return StreamID(milliseconds, sequence - 1) }
        return milliseconds > 0 ? StreamID(milliseconds - 1, .max) : nil
    }

    // MARK: text

    /// "18446744073709551615-18446744073709551615"
    static let maxLength = 41

    /// Writes `ms-seq` and returns the number of bytes.
    @inline(__always) func write(to place: UnsafeMutablePointer<UInt8>) -> Int {
        let length = Decimal.write(milliseconds, to: place)
        place[length] = UInt8(ascii: "-")
        return length &+ 1 &+ Decimal.write(sequence, to: place + length + 1)
    }

    /// `ms-seq`
    var array: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.maxLength) { place, count in
            count = write(to: place.baseAddress.unsafelyUnwrapped)
        }
    }

    /// What an argument says: an id, or milliseconds alone or with `*`.
    struct Text {
        var id: StreamID
        /// False for `ms-*`.
        var hasSequence = true

        /// Nil for what is no id. `missing` stands for a sequence that is not given; `-` and `+` are the least and the largest
        /// id where they are allowed.
        init?(_ bytes: Bytes, missing: UInt64 = 0, allowsEnds: Bool = false, allowsStar: Bool = false) {
            guard bytes.count <= 127 else { return nil }
            if bytes.count == 1, bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+") {
                guard allowsEnds else { return nil }
                id = bytes[0] == UInt8(ascii: "-") ? .zero : .largest
                return
            }
            // As C reads it: up to a zero byte.
            let length = bytes.raw.firstIndex(of: 0) ?? bytes.count
            let dash = bytes.raw.prefix(length).firstIndex(of: UInt8(ascii: "-"))
            guard let milliseconds = Self.number(bytes.slice(0, dash ?? length)) else { return nil }
            id = StreamID(milliseconds, missing)
            guard let dash else { return }
            let rest = bytes.slice(dash + 1, length - dash - 1)
            if allowsStar, rest.count == 1, rest[0] == UInt8(ascii: "*") {
                hasSequence = false
                id.sequence = 0
            } else {
                guard let sequence = Self.number(rest) else { return nil }
                id.sequence = sequence
            }
        }

        /// Half of an id as Redis reads it: a number in its canonical form that is not negative, or else whatever strtoull
        /// takes, which is spaces in front, signs, and zeros.
        private static func number(_ bytes: Bytes) -> UInt64? {
            if let canonical = bytes.integer { return UInt64(exactly: canonical) }
            var index = 0
            while index < bytes.count, bytes[index] == 32 || (9...13).contains(bytes[index]) { index += 1 }
            guard index < bytes.count else { return nil }
            let isNegative = bytes[index] == UInt8(ascii: "-")
            if isNegative || bytes[index] == UInt8(ascii: "+") { index += 1 }
            guard index < bytes.count else { return nil }
            var value: UInt64 = 0
            while index < bytes.count {
                let digit = bytes[index] &- UInt8(ascii: "0")
                guard digit <= 9 else { return nil }
                let (product, isAbove) = value.multipliedReportingOverflow(by: 10)
                let (sum, isFarAbove) = product.addingReportingOverflow(UInt64(digit))
                guard !isAbove, !isFarAbove else { return nil }
                value = sum
                index += 1
            }
            return isNegative ? 0 &- value : value
        }
    }
}

extension ReplyWriter {
    /// An id in a bulk string.
    @inline(__always) func id(_ id: StreamID) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: StreamID.maxLength) { place in
            let start = place.baseAddress.unsafelyUnwrapped
            bulk(Bytes(UnsafePointer(start), id.write(to: start)))
        }
    }
}
