import RESPWire

extension Table {
    /// Visits entries from `cursor` on until about `wanted` were visited; returns the next cursor, 0 at the end.
    ///
    /// An entry that is in the table during a whole scan is visited at least once, whatever is added, removed, split
    /// or joined meanwhile. A cursor is a place in the order of the hashes: the leading 31 bits of the hashes of a
    /// segment, the segment's depth, and the home (9 bits) from which to go on in it. A segment that has been joined
    /// with its neighbour since, which its smaller depth shows, is begun again: the neighbour's entries before that
    /// home are not visited yet.
    func scan(from cursor: UInt64, wanted: Int, _ visit: (Entry) -> Void) -> UInt64 {
        var prefix = (cursor >> 9) << 33
        var home = Int(cursor & 511)
        if UInt64(segment(prefix).depth) < cursor >> 40 & 63 { home = 0 }
        var visited = 0
        while true {
            let segment = segment(prefix)
            let bits = UInt64(segment.depth)
            let first = bits == 0 ? 0 : (prefix >> (64 - bits)) << (64 - bits)
            while home < 512 {
                if visited >= wanted { return bits << 40 | (first >> 33) << 9 | UInt64(home) }
                let step = 512 >> Int(segment.capacityLog2)
                visited += visitHome(home, in: segment, visit)
                home = home / step * step + step
            }
            home = 0
            guard bits > 0 else { return 0 }
            let (next, overflow) = first.addingReportingOverflow(1 << (64 - bits))
            if overflow { return 0 }
            prefix = next
        }
    }

    /// Visits the entries whose home is the slot of `home` (in 512ths); returns how many there were.
    private func visitHome(_ home: Int, in segment: Segment, _ visit: (Entry) -> Void) -> Int {
        let wanted = segment.home(UInt64(home))
        let slots = segment.slots
        var index = wanted
        var count = 0
        for _ in 0..<segment.capacity {
            let slot = slots[index]
            if slot == 0 { break }
            if segment.home(slot >> 48) == wanted {
                visit(Segment.entry(slot))
                count += 1
            }
            index = (index + 1) & segment.mask
        }
        return count
    }

    /// An entry drawn with the same chance for each; the table is not empty.
    func random(using generator: inout some RandomNumberGenerator) -> Entry {
        while true {
            let bits = generator.next()
            let segment = segment(bits)
            // A segment that is named by several places would be drawn too often.
            let span = UInt64(depth - segment.depth)
            if span > 0, generator.next() & ((1 << span) - 1) != 0 { continue }
            let slot = segment.slots[Int(truncatingIfNeeded: bits & UInt64(segment.mask))]
            if slot != 0 { return Segment.entry(slot) }
        }
    }
}
