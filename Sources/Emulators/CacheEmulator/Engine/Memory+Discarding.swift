import EventLoop

/// A structure that was taken out and has too many blocks to be freed at once.
///
/// Nobody sees it any more but snapshots, which keep what they see of it as of anything else that is freed.
enum Discarded {
    /// From a place of the directory on. The entries of a table of keys have values of their own.
    case table(Table, place: Int, ofKeys: Bool)
    /// Nodes that are not freed yet, nor is what is below them.
    case nodes([OrderedIndex.Node])
    /// From a chunk on.
    case list(ListValue, chunk: Int)

    /// What has no more blocks than this is freed at once.
    static let least = 1024
}

extension Memory {
    /// Frees a table and its entries, at once or a part at a time.
    func discard(_ table: Table, ofKeys: Bool = false) {
        guard table.count > Discarded.least else {
            return table.free(in: self) { entry in
                if ofKeys { entry.freeValue(in: self) }
                entry.free(in: self)
            }
        }
        keep(.table(table, place: 0, ofKeys: ofKeys))
    }

    func discard(_ index: OrderedIndex, count: Int) {
        guard count > Discarded.least else { return index.free(in: self) }
        keep(.nodes([index.root]))
    }

    func discard(_ list: ListValue) {
        guard list.chunkCount > Discarded.least else { return list.free(in: self) }
        keep(.list(list, chunk: 0))
    }

    /// Frees about `most` blocks of what is discarded; false when there is more.
    func freeDiscarded(_ most: Int) -> Bool {
        var left = most
        while left > 0, let part = discarded.popLast() {
            if let rest = free(part, &left) { discarded.append(rest) }
        }
        return discarded.isEmpty
    }

    private func keep(_ part: Discarded) {
        discarded.append(part)
        beginDiscarding()
    }

    /// Has a part of what is to be freed, or given back, done in every turn from now on.
    func beginDiscarding() {
        guard !isDiscarding, let discardingBegan else { return }
        isDiscarding = true
        discardingBegan()
    }

    /// Does a part of it. The slabs that a large structure had become empty all at once, with its last entries: the system
    /// takes tens of microseconds for one.
    func goOnDiscarding() {
        let isFreed = freeDiscarded(1024)
        let isReleased = arena.releaseExcess(8)
        isDiscarding = !(isFreed && isReleased)
    }

    /// What is left of a part.
    private func free(_ part: Discarded, _ left: inout Int) -> Discarded? {
        switch part {
        case .table(let table, let place, let ofKeys): free(table, from: place, ofKeys, &left)
        case .nodes(let nodes): free(nodes, &left)
        case .list(let list, let chunk): free(list, from: chunk, &left)
        }
    }

    private func free(_ table: Table, from first: Int, _ ofKeys: Bool, _ left: inout Int) -> Discarded? {
        var place = first
        while place < table.directoryCount {
            guard left > 0 else { return .table(table, place: place, ofKeys: ofKeys) }
            let segment = Segment(block: table.directory[place])
            place += 1 << Int(table.depth - segment.depth)
            left -= segment.count + 1
            for index in 0..<segment.capacity where segment.slots[index] != 0 {
                let entry = Segment.entry(segment.slots[index])
                if ofKeys { entry.freeValue(in: self) }
                entry.free(in: self)
            }
            segment.free(in: self)
        }
        table.freeDirectory(in: self)
        return nil
    }

    private func free(_ nodes: [OrderedIndex.Node], _ left: inout Int) -> Discarded? {
        var nodes = nodes
        while let node = nodes.popLast() {
            if !node.isLeaf { for index in 0..<node.count { nodes.append(node.branches[index].child) } }
            node.free(in: self)
            left -= 1
            if left <= 0, !nodes.isEmpty { return .nodes(nodes) }
        }
        return nil
    }

    private func free(_ list: ListValue, from first: Int, _ left: inout Int) -> Discarded? {
        var chunk = first
        while chunk < list.chunkCount {
            guard left > 0 else { return .list(list, chunk: chunk) }
            list.chunk(chunk).free(in: self)
            chunk += 1
            left -= 1
        }
        list.freeDeque(in: self)
        return nil
    }
}

extension CacheEmulator {
    /// Frees what is discarded, a part in every turn of the loop.
    func freeDiscardedSoon() {
        later {
            $0.memory.goOnDiscarding()
            if $0.memory.isDiscarding { $0.freeDiscardedSoon() }
        }
    }
}
