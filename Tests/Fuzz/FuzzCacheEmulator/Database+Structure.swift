@testable import CacheEmulator

extension Database {
    /// Counts what has been counted, and looks for every key where a command would.
    func checkStructure() {
        var entries = 0
        var expiring = 0
        var segments = 0
        table.forEachSegment { segment in
            segments += 1
            precondition(segment.count == (0..<segment.capacity).count { segment.slots[$0] != 0 }, "a segment's count")
        }
        table.forEach { entry in
            entries += 1
            if entry.hasExpiry {
                expiring += 1
                precondition(
                    table.segment(hash(entry.key)).nextExpiry <= entry.expiry, "an expiry that nobody looks for")
            }
            precondition(table.find(entry.key, hash(entry.key)) == entry, "a key that is not found")
            precondition(memberCount(of: entry) > 0, "an empty \(entry.type.name)")
        }
        precondition(table.count == entries && expiringCount == expiring && table.segmentCount == segments)
    }

    /// How many members an entry's value has; a string counts as one.
    private func memberCount(of entry: Entry) -> Int {
        switch entry.type {
        case .string: return 1
        case .list: return list(entry).count
        case .set:
            var count = 0
            SetValue(entry, memory).forEach { _ in count += 1 }
            precondition(count == SetValue(entry, memory).count, "SCARD")
            return count
        case .hash:
            var count = 0
            HashValue(entry, memory).forEach { _, _ in count += 1 }
            precondition(count == HashValue(entry, memory).count, "HLEN")
            return count
        case .sortedSet:
            let set = sortedSet(entry)
            var count = 0
            var last = -Double.infinity
            set.forEach { _, score in
                precondition(score >= last, "the order of scores")
                last = score
                count += 1
            }
            precondition(count == set.count, "ZCARD")
            return count
        case .stream:
            // One without entries stays: it has groups, or had entries.
            return 1
        }
    }
}
