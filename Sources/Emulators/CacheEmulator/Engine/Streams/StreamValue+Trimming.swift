extension StreamValue {
    /// Up to where a stream is trimmed.
    enum Bound {
        case length(Int)
        case id(StreamID)
    }

    /// Takes out entries from the front, as Redis does: whole nodes, and then, unless `byNodes`, single entries; with a
    /// limit above 0 as many at the most. Returns how many. The stream is owned.
    func trim(to bound: Bound, byNodes: Bool, limit: Int, in memory: Memory) -> Int {
        var deleted = 0
        while let item = nodes.first {
            let node = Self.node(item.value)
            if case .length(let most) = bound, length <= most { break }
            if limit > 0, deleted + node.live > limit { break }
            let isWhole =
                switch bound {
                case .length(let least): length - node.live >= least
                case .id(let least): node.last < least
                }
            guard isWhole else {
                if !byNodes { deleted += trim(ownedNode(node, in: memory), to: bound) }
                break
            }
            length -= node.live
            deleted += node.live
            remove(node, in: memory)
        }
        if length == 0 {
            firstID = .zero
        } else if deleted > 0 {
            updateFirstID()
        }
        return deleted
    }

    private func trim(_ node: StreamNode, to bound: Bound) -> Int {
        var deleted = 0
        node.visit { item in
            switch bound {
            case .length(let most): if length <= most { return false }
            case .id(let least): if item.id >= least { return false }
            }
            if !item.isDeleted {
                node.markDeleted(item)
                deleted += 1
                length -= 1
            }
            return true
        }
        return deleted
    }
}
