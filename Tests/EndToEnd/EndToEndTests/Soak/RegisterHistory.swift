/// What was written to and read from one register: every write has a value of its own.
///
/// A history of such writes is linearizable when no read precedes its write, and the zones of its values allow an order:
/// no two forward zones overlap and no backward zone lies within a forward one (P. B. Gibbons and E. Korach, "Testing
/// Shared Memories", SIAM Journal on Computing 26(4), 1997, section 4).
struct RegisterHistory {
    struct Operation: Equatable {
        /// What was written or read; 0 is the value before the first write.
        var value: Int
        var isWrite: Bool
        var began: ContinuousClock.Instant
        /// Nil where no reply came: a write of that kind happened at any later time, or never.
        var ended: ContinuousClock.Instant?
    }

    var operations: [Operation] = []

    private struct Zone {
        var value: Int
        /// The first end and the last beginning of all that concerns the value.
        var firstEnd: ContinuousClock.Instant?
        var lastBegin: ContinuousClock.Instant

        /// From the first end to the last beginning: within it the register has this value.
        var isForward: Bool { firstEnd.map { $0 < lastBegin } ?? false }
    }

    /// Why it is not linearizable; nil where it is.
    var violation: String? {
        guard let first = operations.map(\.began).min() else { return nil }
        let start = first - .nanoseconds(1)
        // A read without a reply says nothing.
        let known = operations.filter { $0.isWrite || $0.ended != nil }
        let writes = Dictionary(known.filter(\.isWrite).map { ($0.value, $0) }) { first, _ in first }
        var zones: [Int: Zone] = [0: Zone(value: 0, firstEnd: start, lastBegin: start)]
        for operation in known {
            if !operation.isWrite, operation.value != 0 {
                guard let write = writes[operation.value] else {
                    return "\(operation.value) was read and never written"
                }
                if let end = operation.ended, end < write.began {
                    return "\(operation.value) was read before its write"
                }
            }
            guard var zone = zones[operation.value] else {
                zones[operation.value] = Zone(
                    value: operation.value, firstEnd: operation.ended, lastBegin: operation.began)
                continue
            }
            zone.firstEnd = [zone.firstEnd, operation.ended].compactMap { $0 }.min()
            zone.lastBegin = max(zone.lastBegin, operation.began)
            zones[operation.value] = zone
        }
        return Self.violation(of: Array(zones.values))
    }

    private static func violation(of zones: [Zone]) -> String? {
        let forward = zones.filter(\.isForward).sorted { $0.firstEnd ?? $0.lastBegin < $1.firstEnd ?? $1.lastBegin }
        for (one, next) in zip(forward, forward.dropFirst()) {
            if let begin = next.firstEnd, begin < one.lastBegin {
                return "\(one.value) and \(next.value) were both there at one time"
            }
        }
        for zone in zones where !zone.isForward {
            // A write that nobody has seen, and that was not answered, may never have been.
            guard let end = zone.firstEnd else { continue }
            // The last forward zone that begins before it is the only one that can hold it.
            var (low, high) = (0, forward.count)
            while low < high {
                let middle = (low + high) / 2
                if let begin = forward[middle].firstEnd, begin < zone.lastBegin {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            if low > 0, end < forward[low - 1].lastBegin {
                return "\(zone.value) was there and gone while \(forward[low - 1].value) was there throughout"
            }
        }
        return nil
    }
}
