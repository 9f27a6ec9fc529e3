import RESPWire

/// The members of a sorted set in order of score, then bytes: a B+tree that counts what is below each branch.
///
/// A node is a block: epoch u32, count u16, level u16 (0 for a leaf), then up to 62 items of 16 bytes (score, member
/// entry) in a leaf, or branches of 32 bytes (child, items below it, its first score and member) above.
struct OrderedIndex {
    /// The root; a tree always has one.
    private(set) var root: Node

    init(in memory: Memory) {
        root = Node.make(level: 0, in: memory)
    }

    init(root: UnsafeMutableRawPointer) {
        self.root = Node(block: root)
    }

    struct Item {
        var score: Double
        var member: Entry

        @inline(__always) func precedes(_ other: Item) -> Bool {
            if score != other.score { return score < other.score }
            return member.key < other.member.key
        }
    }

    struct Branch {
        var child: Node
        var size: Int
        var first: Item
    }

    struct Node {
        let block: UnsafeMutableRawPointer

        static let capacity = 62
        private static let headerSize = 8

        @inline(__always) var epoch: UInt32 { block.load(as: UInt32.self) }

        @inline(__always) var count: Int {
            get { Int(block.load(fromByteOffset: 4, as: UInt16.self)) }
            nonmutating set {
                block.storeBytes(of: UInt16(truncatingIfNeeded: newValue), toByteOffset: 4, as: UInt16.self)
            }
        }

        @inline(__always) var level: Int { Int(block.load(fromByteOffset: 6, as: UInt16.self)) }
        @inline(__always) var isLeaf: Bool { level == 0 }

        @inline(__always) var items: UnsafeMutablePointer<Item> {
            (block + Self.headerSize).assumingMemoryBound(to: Item.self)
        }

        @inline(__always) var branches: UnsafeMutablePointer<Branch> {
            (block + Self.headerSize).assumingMemoryBound(to: Branch.self)
        }

        @inline(__always) var first: Item { isLeaf ? items[0] : branches[0].first }

        /// Items in and below this node.
        var size: Int {
            if isLeaf { return count }
            var size = 0
            for index in 0..<count { size += branches[index].size }
            return size
        }

        private static func bytes(_ level: Int) -> Int { headerSize + capacity * (level == 0 ? 16 : 32) }

        static func make(level: Int, in memory: Memory) -> Node {
            let node = Node(block: memory.allocate(bytes(level)))
            node.block.storeBytes(of: memory.epoch, as: UInt32.self)
            node.count = 0
            node.block.storeBytes(of: UInt16(level), toByteOffset: 6, as: UInt16.self)
            return node
        }

        @inline(__always) func owned(in memory: Memory) -> Node {
            memory.isShared(epoch) ? copied(in: memory) : self
        }

        private func copied(in memory: Memory) -> Node {
            let copy = Node(block: memory.allocate(Self.bytes(level)))
            copy.block.copyMemory(from: block, byteCount: Self.bytes(level))
            copy.block.storeBytes(of: memory.epoch, as: UInt32.self)
            free(in: memory)
            return copy
        }

        func free(in memory: Memory) {
            memory.free(block, Self.bytes(level), epoch: epoch)
        }

        /// The branch in which `item` is or belongs: the last whose first item is not behind it.
        @inline(__always) func branch(for item: Item) -> Int {
            var low = 1
            var high = count
            while low < high {
                let middle = (low &+ high) / 2
                if item.precedes(branches[middle].first) { high = middle } else { low = middle &+ 1 }
            }
            return low &- 1
        }

        /// The number of items of a leaf before `item`.
        @inline(__always) func position(of item: Item) -> Int {
            var low = 0
            var high = count
            while low < high {
                let middle = (low &+ high) / 2
                if items[middle].precedes(item) { low = middle &+ 1 } else { high = middle }
            }
            return low
        }

        @inline(__always) func insert(_ item: Item, at index: Int) {
            (items + index + 1).update(from: items + index, count: count &- index)
            items[index] = item
            count &+= 1
        }

        func insert(_ branch: Branch, at index: Int) {
            (branches + index + 1).update(from: branches + index, count: count - index)
            branches[index] = branch
            count += 1
        }

        func remove(at index: Int) {
            if isLeaf {
                (items + index).update(from: items + index + 1, count: count - index - 1)
            } else {
                (branches + index).update(from: branches + index + 1, count: count - index - 1)
            }
            count -= 1
        }

        /// Moves what is from `index` on into a new node behind this one.
        func split(at index: Int, in memory: Memory) -> Node {
            let right = Node.make(level: level, in: memory)
            if isLeaf {
                right.items.update(from: items + index, count: count - index)
            } else {
                right.branches.update(from: branches + index, count: count - index)
            }
            right.count = count - index
            count = index
            return right
        }

        /// Takes over everything that is in `right`.
        func absorb(_ right: Node) {
            if isLeaf {
                (items + count).update(from: right.items, count: right.count)
            } else {
                (branches + count).update(from: right.branches, count: right.count)
            }
            count += right.count
        }

        var asBranch: Branch { Branch(child: self, size: size, first: first) }
    }

    func free(in memory: Memory) {
        Self.free(root, in: memory)
    }

    private static func free(_ node: Node, in memory: Memory) {
        if !node.isLeaf {
            for index in 0..<node.count { free(node.branches[index].child, in: memory) }
        }
        node.free(in: memory)
    }
}

// MARK: changing

extension OrderedIndex {
    /// Adds an item that is not here.
    mutating func insert(_ item: Item, in memory: Memory) {
        root = root.owned(in: memory)
        guard let right = Self.insert(item, into: root, isLast: true, in: memory) else { return }
        let top = Node.make(level: root.level + 1, in: memory)
        top.insert(root.asBranch, at: 0)
        top.insert(right.asBranch, at: 1)
        root = top
    }

    /// Adds below an owned node; returns the node's new right half when it had to be split. `isLast`: no node of the
    /// level is behind this one.
    private static func insert(_ item: Item, into node: Node, isLast: Bool, in memory: Memory) -> Node? {
        if node.isLeaf {
            let index = node.position(of: item)
            guard node.count == Node.capacity else {
                node.insert(item, at: index)
                return nil
            }
            // Ascending scores fill leaves to the end: then the new leaf begins with the new item alone. Elsewhere that
            // would leave a leaf for every item of a descending run.
            let right = node.split(at: isLast && index == node.count ? node.count : node.count / 2, in: memory)
            if index < node.count || (index == node.count && right.count > 0) {
                node.insert(item, at: index)
            } else {
                right.insert(item, at: index - node.count)
            }
            return right
        }
        let index = node.branch(for: item)
        let child = node.branches[index].child.owned(in: memory)
        node.branches[index].child = child
        let isLastChild = isLast && index == node.count - 1
        let split = insert(item, into: child, isLast: isLastChild, in: memory)
        node.branches[index].first = child.first
        guard let split else {
            node.branches[index].size &+= 1
            return nil
        }
        node.branches[index].size = child.size
        let added = split.asBranch
        guard node.count == Node.capacity else {
            node.insert(added, at: index + 1)
            return nil
        }
        let right = node.split(at: isLastChild ? node.count - 1 : node.count / 2, in: memory)
        if index + 1 <= node.count {
            node.insert(added, at: index + 1)
        } else {
            right.insert(added, at: index + 1 - node.count)
        }
        return right
    }

    /// Takes out an item that is here.
    mutating func remove(_ item: Item, in memory: Memory) {
        root = root.owned(in: memory)
        Self.remove(item, from: root, in: memory)
        while !root.isLeaf, root.count <= 1 {
            let old = root
            root = old.count == 1 ? old.branches[0].child : Node.make(level: 0, in: memory)
            old.free(in: memory)
        }
    }

    private static func remove(_ item: Item, from node: Node, in memory: Memory) {
        if node.isLeaf { return node.remove(at: node.position(of: item)) }
        let index = node.branch(for: item)
        let child = node.branches[index].child.owned(in: memory)
        node.branches[index].child = child
        remove(item, from: child, in: memory)
        node.branches[index].size &-= 1
        guard child.count > 0 else {
            child.free(in: memory)
            return node.remove(at: index)
        }
        node.branches[index].first = child.first
        if child.count < Node.capacity / 4 { join(index, in: node, memory: memory) }
    }

    /// Joins a branch that has become small with a neighbour when both fit into one.
    private static func join(_ index: Int, in node: Node, memory: Memory) {
        guard node.count > 1 else { return }
        let left = index > 0 ? index - 1 : 0
        let first = node.branches[left].child
        let second = node.branches[left + 1].child
        guard first.count + second.count <= Node.capacity * 3 / 4 else { return }
        let joined = first.owned(in: memory)
        joined.absorb(second)
        second.free(in: memory)
        let size = node.branches[left].size + node.branches[left + 1].size
        node.branches[left] = Branch(child: joined, size: size, first: joined.first)
        node.remove(at: left + 1)
    }
}

// MARK: asking

extension OrderedIndex {
    /// How many items are before `item`.
    func rank(of item: Item) -> Int {
        var node = root
        var rank = 0
        while !node.isLeaf {
            let index = node.branch(for: item)
            for before in 0..<index { rank &+= node.branches[before].size }
            node = node.branches[index].child
        }
        return rank &+ node.position(of: item)
    }

    /// How many items, from the first on, `isBefore` holds for; it holds for all up to some place and for none behind.
    func count(where isBefore: (Item) -> Bool) -> Int {
        var node = root
        var count = 0
        while !node.isLeaf {
            let index = Self.firstIndex(from: 1, to: node.count) { !isBefore(node.branches[$0].first) } - 1
            for before in 0..<index { count &+= node.branches[before].size }
            node = node.branches[index].child
        }
        return count + Self.firstIndex(from: 0, to: node.count) { !isBefore(node.items[$0]) }
    }

    /// The first of `low..<high` for which `isBehind` holds, as it does for all that follow; else `high`.
    private static func firstIndex(from low: Int, to high: Int, where isBehind: (Int) -> Bool) -> Int {
        var low = low
        var high = high
        while low < high {
            let middle = (low + high) / 2
            if isBehind(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The item of a rank that exists.
    func item(at rank: Int) -> Item {
        var node = root
        var rest = rank
        while !node.isLeaf {
            var index = 0
            while rest >= node.branches[index].size {
                rest -= node.branches[index].size
                index += 1
            }
            node = node.branches[index].child
        }
        return node.items[rest]
    }

    /// Calls `body` with the items of ranks `from..<to`, in order or in the reverse order, until it returns false.
    func visit(from: Int, to: Int, reversed: Bool = false, while body: (Item) -> Bool) {
        guard from < to else { return }
        _ = Self.visit(in: root, from: from, to: to, reversed: reversed, body)
    }

    private static func visit(in node: Node, from: Int, to: Int, reversed: Bool, _ body: (Item) -> Bool) -> Bool {
        if node.isLeaf {
            let first = max(from, 0)
            let last = min(to, node.count)
            guard first < last else { return true }
            for step in 0..<last - first {
                guard body(node.items[reversed ? last - 1 - step : first + step]) else { return false }
            }
            return true
        }
        var before = reversed ? node.size : 0
        for step in 0..<node.count {
            let branch = node.branches[reversed ? node.count - 1 - step : step]
            if reversed { before -= branch.size }
            if before < to, before + branch.size > from {
                let goesOn = visit(in: branch.child, from: from - before, to: to - before, reversed: reversed, body)
                guard goesOn else { return false }
            }
            if !reversed {
                before += branch.size
                if before >= to { return true }
            } else if before <= from {
                return true
            }
        }
        return true
    }
}
