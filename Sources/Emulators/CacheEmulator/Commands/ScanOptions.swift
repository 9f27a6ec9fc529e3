import RESPWire

/// The options that SCAN and its kin take.
struct ScanOptions {
    var pattern: Bytes?
    var count = 10
    var type: Bytes?

    /// Nil after an error reply.
    init?(_ call: borrowing Call, from first: Int, allowsType: Bool = false) {
        var index = first
        while index < call.count {
            guard index + 1 < call.count else {
                call.reply.error(ErrorText.syntax)
                return nil
            }
            if call.isWord(index, "count") {
                guard let number = call.integer(index + 1) else { return nil }
                guard number >= 1 else {
                    call.reply.error(ErrorText.syntax)
                    return nil
                }
                count = Int(min(number, Int64(Int32.max)))
            } else if call.isWord(index, "match") {
                pattern = call[index + 1]
            } else if allowsType, call.isWord(index, "type") {
                type = call[index + 1]
            } else {
                call.reply.error(ErrorText.syntax)
                return nil
            }
            index += 2
        }
        if let pattern, Glob.isAll(pattern) { self.pattern = nil }
    }

    /// A cursor of this provider's, or the beginning for another one's; nil for what is none.
    static func cursor(_ bytes: Bytes, _ call: borrowing Call) -> UInt64? {
        guard let cursor = cursor(bytes) else { return nil }
        return call.emulator.scanEpoch?.opened(cursor) ?? cursor
    }

    /// A cursor as C's strtoul reads it, though without spaces in front; nil for what is no number of 64 bits.
    private static func cursor(_ bytes: Bytes) -> UInt64? {
        guard bytes.count > 0 else { return 0 }
        let isNegative = bytes[0] == UInt8(ascii: "-")
        let digits = isNegative || bytes[0] == UInt8(ascii: "+") ? bytes.slice(1, bytes.count - 1) : bytes
        guard digits.count > 0 else { return nil }
        var cursor: UInt64 = 0
        for index in 0..<digits.count {
            let digit = digits[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (product, overflow) = cursor.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard !overflow, !carry else { return nil }
            cursor = sum
        }
        return isNegative ? 0 &- cursor : cursor
    }

    /// Whether a name matches the pattern, where there is one.
    @inline(__always) func accepts(_ name: Bytes) -> Bool {
        guard let pattern else { return true }
        return Glob.matches(pattern, name)
    }

    /// What HSCAN and the like answer for a key that is not here.
    static func replyEmpty(_ call: borrowing Call) {
        call.reply.array(2)
        call.reply.bulk("0")
        call.reply.array(0)
    }

    func replyCursor(_ cursor: UInt64, _ call: borrowing Call) {
        call.reply.bulkInteger(Int64(call.emulator.scanEpoch?.tagged(cursor) ?? cursor))
    }
}
