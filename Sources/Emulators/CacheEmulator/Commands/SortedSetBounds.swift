import RESPWire

/// A range of scores: `1.5`, `(1.5` without the bound itself, `-inf`, `+inf`.
struct ScoreRange {
    private let low: Double
    private let high: Double
    private let excludesLow: Bool
    private let excludesHigh: Bool

    /// Nil when an argument is no number. Text is taken as strtod takes it, so that nothing is 0.
    init?(from: Bytes, to: Bytes) {
        guard let low = Self.bound(from), let high = Self.bound(to) else { return nil }
        (self.low, excludesLow) = low
        (self.high, excludesHigh) = high
    }

    private static func bound(_ bytes: Bytes) -> (Double, excludes: Bool)? {
        let excludes = bytes.count > 0 && bytes[0] == UInt8(ascii: "(")
        let number = excludes ? bytes.slice(1, bytes.count - 1) : bytes
        guard let value = number.boundOfRange else { return nil }
        return (value, excludes)
    }

    /// Whether the range begins behind a score.
    @inline(__always) func isAbove(_ score: Double) -> Bool {
        excludesLow ? score <= low : score < low
    }

    /// Whether the range does not end before a score.
    @inline(__always) func reaches(_ score: Double) -> Bool {
        excludesHigh ? score < high : score <= high
    }
}

/// A range of members, for sets whose scores are all equal: `[a`, `(a` without the bound itself, `-`, `+`.
struct MemberRange {
    private enum Bound {
        case lowest
        case highest
        case member(Bytes)

        /// Below, equal to or above 0 as `bytes` are before, at or behind the bound.
        @inline(__always) func place(of bytes: Bytes) -> Int {
            switch self {
            case .lowest: 1
            case .highest: -1
            case .member(let bound): bytes.compare(bound)
            }
        }
    }

    private let low: Bound
    private let high: Bound
    private let excludesLow: Bool
    private let excludesHigh: Bool

    /// Nil when an argument is not in one of the forms.
    init?(from: Bytes, to: Bytes) {
        guard let low = Self.bound(from), let high = Self.bound(to) else { return nil }
        (self.low, excludesLow) = low
        (self.high, excludesHigh) = high
    }

    private static func bound(_ bytes: Bytes) -> (Bound, excludes: Bool)? {
        guard bytes.count > 0 else { return nil }
        // Redis sees a C string here: a zero byte ends the sign.
        let isAlone = bytes.count == 1 || bytes[1] == 0
        switch bytes[0] {
        case UInt8(ascii: "-"): return isAlone ? (.lowest, true) : nil
        case UInt8(ascii: "+"): return isAlone ? (.highest, true) : nil
        case UInt8(ascii: "["): return (.member(bytes.slice(1, bytes.count - 1)), false)
        case UInt8(ascii: "("): return (.member(bytes.slice(1, bytes.count - 1)), true)
        default: return nil
        }
    }

    /// Whether no member can be in the range, whatever a set holds.
    var isEmpty: Bool {
        switch (low, high) {
        case (.highest, _), (_, .lowest): return true
        case (.lowest, _), (_, .highest): return false
        case (.member(let low), .member(let high)):
            let order = low.compare(high)
            return order > 0 || (order == 0 && (excludesLow || excludesHigh))
        }
    }

    /// Whether the range begins behind a member.
    @inline(__always) func isAbove(_ member: Bytes) -> Bool {
        excludesLow ? low.place(of: member) <= 0 : low.place(of: member) < 0
    }

    /// Whether the range does not end before a member.
    @inline(__always) func reaches(_ member: Bytes) -> Bool {
        excludesHigh ? high.place(of: member) < 0 : high.place(of: member) <= 0
    }
}
