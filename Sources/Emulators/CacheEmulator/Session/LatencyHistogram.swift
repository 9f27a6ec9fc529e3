/// How often something took how long: values of a precision of one in 128, as in Redis's histograms.
///
/// A value below 256 has a bucket of its own; above that every power of two is cut in 128 buckets.
struct LatencyHistogram {
    private var counts: [UInt32] = Array(repeating: 0, count: Self.index(Self.most) + 1)
    private(set) var total = 0

    /// In nanoseconds: a second; what takes longer counts as that.
    private static let most = 1_000_000_000

    mutating func note(_ nanoseconds: Int) {
        counts[Self.index(min(max(nanoseconds, 1), Self.most))] &+= 1
        total &+= 1
    }

    private static func index(_ value: Int) -> Int {
        guard value >= 256 else { return value }
        let exponent = Int.bitWidth - 1 - value.leadingZeroBitCount
        return 256 + (exponent - 8) * 128 + (value >> (exponent - 7)) - 128
    }

    /// The smallest and the largest value of a bucket.
    private static func values(_ index: Int) -> ClosedRange<Int> {
        guard index >= 256 else { return index...index }
        let exponent = (index - 256) / 128 + 8
        let least = ((index - 256) % 128 + 128) << (exponent - 7)
        return least...least + (1 << (exponent - 7)) - 1
    }

    /// What `percentile` of a hundred did not exceed, in nanoseconds.
    func value(atPercentile percentile: Double) -> Int {
        let wanted = max(Int(percentile / 100 * Double(total) + 0.5), 1)
        var seen = 0
        for (index, count) in counts.enumerated() where count > 0 {
            seen += Int(count)
            guard seen >= wanted else { continue }
            return percentile == 0 ? Self.values(index).lowerBound : Self.values(index).upperBound
        }
        return 0
    }

    /// Powers of two, in microseconds as Redis prints them, with how many values were not above; only those at which
    /// there is one more.
    var steps: [(microseconds: Int, count: Int)] {
        var steps: [(microseconds: Int, count: Int)] = []
        var (seen, told) = (0, 0)
        var step = 1024
        for (index, count) in counts.enumerated() {
            while Self.values(index).lowerBound > step {
                if seen > told { steps.append((Self.values(Self.index(step)).upperBound / 1000, seen)) }
                told = seen
                step *= 2
            }
            seen += Int(count)
            if seen == total { break }
        }
        if seen > told { steps.append((Self.values(Self.index(step)).upperBound / 1000, seen)) }
        return steps
    }
}
