import RESPWire

/// An end of life as options give it: EX, PX, EXAT, PXAT and the like, with the argument that holds the number.
struct Expiry {
    enum Unit {
        case seconds
        case milliseconds
        case secondsAt
        case millisecondsAt

        var isSeconds: Bool { self == .seconds || self == .secondsAt }
        var isRelative: Bool { self == .seconds || self == .milliseconds }
    }

    let unit: Unit
    let argument: Int

    static func unit(_ word: Bytes) -> Unit? {
        if word.isWord("ex") { return .seconds }
        if word.isWord("px") { return .milliseconds }
        if word.isWord("exat") { return .secondsAt }
        if word.isWord("pxat") { return .millisecondsAt }
        return nil
    }

    /// Milliseconds since 1970, or nil after an error reply: not a number, not above zero, too far away.
    func time(_ call: borrowing Call, command: String) -> Int64? {
        guard let number = call.integer(argument) else { return nil }
        guard number > 0, let time = Self.time(number, unit, now: call.now) else {
            call.reply.error(ErrorText.invalidExpiry(command))
            return nil
        }
        return time
    }

    /// `number` in `unit` as milliseconds since 1970; nil when it does not fit.
    static func time(_ number: Int64, _ unit: Unit, now: Int64) -> Int64? {
        var time = number
        if unit.isSeconds {
            guard number.magnitude <= UInt64(Int64.max / 1000) else { return nil }
            time = number * 1000
        }
        guard unit.isRelative else { return time }
        let (sum, overflow) = time.addingReportingOverflow(now)
        return overflow ? nil : sum
    }
}
