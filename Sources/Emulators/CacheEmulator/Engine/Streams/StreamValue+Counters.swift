import RESPWire

/// What is known of how many entries were added and read, as Redis 7.0 reckons it.
extension StreamValue {
    /// Whether XDEL may have left a gap at `id` or behind it.
    func hasTombstones(from id: StreamID) -> Bool {
        // The latest one may stand before all that is left.
        guard length > 0, maxDeletedID != .zero, firstID <= maxDeletedID else { return false }
        return id <= maxDeletedID
    }

    /// How many entries were ever added up to `id`; nil where nobody can tell.
    func entriesAdded(upTo id: StreamID) -> Int64? {
        if entriesAdded == 0 { return 0 }
        if length == 0, id <= lastID { return entriesAdded }
        if id == lastID { return entriesAdded }
        guard id < lastID, maxDeletedID == .zero || maxDeletedID < firstID else { return nil }
        if id < firstID { return entriesAdded &- Int64(length) }
        return id == firstID ? entriesAdded &- Int64(length) &+ 1 : nil
    }

    /// How many entries a group has still to read; nil where nobody can tell.
    func lag(of group: StreamGroup) -> Int64? {
        if entriesAdded == 0 { return 0 }
        if group.entriesRead != StreamGroup.unknown, !hasTombstones(from: group.lastID) {
            return entriesAdded &- group.entriesRead
        }
        return entriesAdded(upTo: group.lastID).map { entriesAdded &- $0 }
    }

    /// Notes that a group, which is owned, was handed an entry of this stream.
    func noteDelivery(of id: StreamID, to group: StreamGroup) {
        guard id > group.lastID else { return }
        if group.entriesRead != StreamGroup.unknown, !hasTombstones(from: id) {
            group.entriesRead &+= 1
        } else if entriesAdded > 0 {
            group.entriesRead = entriesAdded(upTo: id) ?? StreamGroup.unknown
        }
        group.lastID = id
    }

    /// How many nodes Redis's radix tree has for the ids of this stream's nodes, which follows from the ids alone: one for
    /// each of them, one where ids part, and one for every run of bytes without a branch.
    var radixNodeCount: Int {
        var count = nodeCount
        // The depths at which the path to the last id branches, and how deep that id parts from the one before.
        var depths: [Int] = []
        var previous: StreamID?

        /// A node that begins at `depth` behind a branch at `parent` (-1: at the root) has a run in front of it, or not.
        func run(to depth: Int, behind parent: Int) -> Int { depth > parent + 1 ? 1 : 0 }

        func close(downTo depth: Int) {
            // The last id is a leaf below the deepest branch.
            var child = 16
            while let deepest = depths.last, deepest > depth {
                depths.removeLast()
                count += run(to: child, behind: deepest)
                child = deepest
            }
            if depths.last == depth {
                count += run(to: child, behind: depth)
            } else if depth >= 0 {
                // A branch that is new: what was below the branch above now hangs on it.
                count += 1 + run(to: child, behind: depth)
                depths.append(depth)
            } else {
                count += run(to: child, behind: -1)
            }
        }

        nodes.visit { item in
            if let previous { close(downTo: previous.commonBytes(with: item.id)) }
            previous = item.id
            return true
        }
        guard nodeCount > 0 else { return 1 }
        close(downTo: -1)
        return count
    }
}

extension StreamID {
    /// The number of leading bytes that two ids have in common, of 16.
    fileprivate func commonBytes(with other: StreamID) -> Int {
        let upper = milliseconds ^ other.milliseconds
        if upper != 0 { return upper.leadingZeroBitCount / 8 }
        return 8 + (sequence ^ other.sequence).leadingZeroBitCount / 8
    }
}
