import BrokerModel

/// One direction of a connection under faults: how many of the bytes that wait may go on, and when to look again. It
/// keeps no bytes: those stay where they wait.
struct StreamShaper {
    /// What becomes of the bytes that wait.
    struct Step: Equatable {
        /// So many may go on; `passed` tells how many did.
        var pass = 0
        /// All are to be thrown away.
        var swallows = false
        /// Behind what passes the connection is to be closed.
        var ends = false
        /// When more may go on, in the loop's nanoseconds.
        var wakeAt: UInt64?
    }

    private struct Stage {
        let id: FaultID
        var kind: Kind
    }

    /// Bytes up to `end`, counted from the stream's beginning, may go on from `due` on.
    private struct Mark: Equatable {
        var end: Int
        var due: UInt64
    }

    private enum Kind {
        case latency(time: UInt64, jitter: UInt64, marks: [Mark], open: Int, random: FaultRandom)
        case bandwidth(rate: Double, credit: Double, since: UInt64)
        case slicer(size: Int, variation: Int, delay: UInt64, next: UInt64, random: FaultRandom)
        case limit(left: Int)
        case swallow
        case slowClose(UInt64)
    }

    private var stages: [Stage] = []
    /// Bytes that have gone on, or were thrown away.
    private var gone = 0

    /// Bytes that come within this time, in nanoseconds, come as one: marks are bounded by the latency.
    private static let grain: UInt64 = 1_000_000
    /// How often a stream of bounded width is looked at, in nanoseconds.
    private static let beat = 10_000_000.0

    var isEmpty: Bool { stages.isEmpty }

    /// How long the stream's end is held back, in nanoseconds.
    var slowClose: UInt64 {
        stages.reduce(0) { sum, stage in
            if case .slowClose(let time) = stage.kind { sum + time } else { sum }
        }
    }

    /// Swallows what comes: whose fault it is.
    var swallower: FaultID? {
        stages.first {
            if case .swallow = $0.kind { true } else { false }
        }?.id
    }

    mutating func add(_ effect: FaultEffect, by id: FaultID, seed: UInt64, now: UInt64) {
        let random = FaultRandom(seed: seed)
        let kind: Kind
        switch effect {
        case .latency(let time, let jitter, _):
            kind = .latency(
                time: UInt64(time) * 1_000_000, jitter: UInt64(jitter) * 1_000_000, marks: [], open: gone,
                random: random)
        case .bandwidth(let rate, _): kind = .bandwidth(rate: Double(rate) * 1000, credit: 0, since: now)
        case .timeout: kind = .swallow
        case .slowClose(let time, _): kind = .slowClose(UInt64(time) * 1_000_000)
        case .slicer(let size, let variation, let delay, _):
            kind = .slicer(size: size, variation: variation, delay: UInt64(delay) * 1000, next: 0, random: random)
        case .limitData(let bytes, _): kind = .limit(left: bytes)
        case .error, .delay, .cut, .reset, .drop, .resetPeer, .down, .maxClients: return
        }
        stages.append(Stage(id: id, kind: kind))
    }

    mutating func remove(_ id: FaultID) {
        stages.removeAll { $0.id == id }
    }

    mutating func step(waiting: Int, now: UInt64) -> Step {
        var step = Step(pass: waiting)
        for index in stages.indices {
            let (most, wakeAt) = bound(&stages[index].kind, waiting: waiting, now, &step)
            step.pass = min(step.pass, most)
            if let wakeAt { step.wakeAt = min(step.wakeAt ?? .max, wakeAt) }
        }
        return step
    }

    private func bound(
        _ kind: inout Kind, waiting: Int, _ now: UInt64, _ step: inout Step
    ) -> (most: Int, wakeAt: UInt64?) {
        switch kind {
        case .latency(let time, let jitter, var marks, var open, var random):
            let end = gone + waiting
            if end > marks.last?.end ?? open {
                let shift = jitter == 0 ? 0 : (random.fraction() * 2 - 1) * Double(jitter)
                let due = max(now + UInt64(max(Double(time) + shift, 0)), marks.last?.due ?? 0)
                if let last = marks.last, due - last.due < Self.grain, last.due > now {
                    marks[marks.count - 1].end = end
                } else {
                    marks.append(Mark(end: end, due: due))
                }
            }
            let due = marks.prefix { $0.due <= now }
            if let last = due.last { open = last.end }
            marks.removeFirst(due.count)
            kind = .latency(time: time, jitter: jitter, marks: marks, open: open, random: random)
            return (max(open - gone, 0), marks.first?.due)
        case .bandwidth(let rate, var credit, let since):
            // What a pause has saved up is a tenth of a second at the most.
            credit = min(credit + Double(now - min(since, now)) * rate / 1e9, max(rate / 10, 1))
            kind = .bandwidth(rate: rate, credit: credit, since: now)
            guard waiting > Int(credit) else { return (Int(credit), nil) }
            let missing = max(1 - credit, 0) / rate * 1e9
            return (Int(credit), now + UInt64(max(missing, Self.beat)))
        case .slicer(let size, let variation, let delay, let next, var random):
            guard now >= next else { return (0, waiting > 0 ? next : nil) }
            let shift = variation == 0 ? 0 : Int((random.fraction() * 2 - 1) * Double(variation))
            let slice = max(size + shift, 1)
            kind = .slicer(size: size, variation: variation, delay: delay, next: next, random: random)
            return (slice, waiting > slice ? now + delay : nil)
        case .limit(let left):
            // What reaches the limit by passing is noticed by `passed`.
            if left == 0 { step.ends = true }
            return (left, nil)
        case .swallow:
            step.swallows = true
            return (0, nil)
        case .slowClose: return (waiting, nil)
        }
    }

    /// So many bytes have gone on. True when a limit is reached: none may follow.
    mutating func passed(_ count: Int, now: UInt64) -> Bool {
        guard count > 0 else { return false }
        var isAtLimit = false
        gone += count
        for index in stages.indices {
            switch stages[index].kind {
            case .bandwidth(let rate, let credit, let since):
                stages[index].kind = .bandwidth(rate: rate, credit: credit - Double(count), since: since)
            case .slicer(let size, let variation, let delay, _, let random):
                stages[index].kind = .slicer(
                    size: size, variation: variation, delay: delay, next: now + delay, random: random)
            case .limit(let left):
                stages[index].kind = .limit(left: max(left - count, 0))
                if left <= count { isAtLimit = true }
            case .latency, .swallow, .slowClose: break
            }
        }
        return isAtLimit
    }

    /// So many bytes were thrown away.
    mutating func swallowed(_ count: Int) {
        gone += count
    }
}
