/// Values of up to three words by ids of streams, in order: a B+tree that is copied on write.
///
/// It finds the nodes of a stream, the pending entries of a group (with all that is known of them) and those of a
/// consumer (ids alone). A node is a block of up to 1 KiB that grows as it is filled:
///
///     0  epoch     u32
///     4  count     u16
///     6  capacity  u16  in items
///     8  level     u8   0 for a leaf
///     9  words     u8   of a leaf's values
///    16  items: an id of 16 bytes, then in a leaf the value's words, else the address of the child with this id and
///        larger ones; the id of a first child is not looked at
struct IDTree {
    /// Nil of an empty tree.
    private(set) var root: UnsafeMutableRawPointer?
    /// Words of a value.
    let words: Int

    struct Value {
        var first: UInt64 = 0
        var second: UInt64 = 0
        var third: UInt64 = 0
    }

    typealias Item = (id: StreamID, value: Value)

    init(root: UnsafeMutableRawPointer?, words: Int) {
        self.root = root
        self.words = words
    }

    fileprivate struct Node {
        let block: UnsafeMutableRawPointer

        private static let headerSize = 16
        private static let largest = 1024
        static let smallestCapacity = 4

        @inline(__always) init(_ block: UnsafeMutableRawPointer) {
            self.block = block
        }

        @inline(__always) var epoch: UInt32 { block.load(as: UInt32.self) }

        @inline(__always) var count: Int {
            get { Int(block.load(fromByteOffset: 4, as: UInt16.self)) }
            nonmutating set {
                block.storeBytes(of: UInt16(truncatingIfNeeded: newValue), toByteOffset: 4, as: UInt16.self)
            }
        }

        @inline(__always) var capacity: Int { Int(block.load(fromByteOffset: 6, as: UInt16.self)) }
        @inline(__always) var level: Int { Int(block.load(fromByteOffset: 8, as: UInt8.self)) }
        @inline(__always) var words: Int { Int(block.load(fromByteOffset: 9, as: UInt8.self)) }
        @inline(__always) var isLeaf: Bool { level == 0 }
        @inline(__always) private var stride: Int { isLeaf ? 16 &+ 8 &* words : 24 }

        @inline(__always) private func item(_ index: Int) -> UnsafeMutableRawPointer {
            block + (Self.headerSize &+ index &* stride)
        }

        @inline(__always) func id(_ index: Int) -> StreamID {
            let item = item(index)
            return StreamID(item.load(as: UInt64.self), item.load(fromByteOffset: 8, as: UInt64.self))
        }

        @inline(__always) func setID(_ index: Int, _ id: StreamID) {
            item(index).storeBytes(of: id.milliseconds, as: UInt64.self)
            item(index).storeBytes(of: id.sequence, toByteOffset: 8, as: UInt64.self)
        }

        @inline(__always) func child(_ index: Int) -> Node {
            Node(item(index).load(fromByteOffset: 16, as: UnsafeMutableRawPointer.self))
        }

        @inline(__always) func setChild(_ index: Int, _ child: Node) {
            item(index).storeBytes(of: child.block, toByteOffset: 16, as: UnsafeMutableRawPointer.self)
        }

        @inline(__always) func value(_ index: Int) -> Value {
            let item = item(index)
            var value = Value()
            if words > 0 { value.first = item.load(fromByteOffset: 16, as: UInt64.self) }
            if words > 1 { value.second = item.load(fromByteOffset: 24, as: UInt64.self) }
            if words > 2 { value.third = item.load(fromByteOffset: 32, as: UInt64.self) }
            return value
        }

        @inline(__always) func setValue(_ index: Int, _ value: Value) {
            let item = item(index)
            if words > 0 { item.storeBytes(of: value.first, toByteOffset: 16, as: UInt64.self) }
            if words > 1 { item.storeBytes(of: value.second, toByteOffset: 24, as: UInt64.self) }
            if words > 2 { item.storeBytes(of: value.third, toByteOffset: 32, as: UInt64.self) }
        }

        // MARK: blocks

        var size: Int { Self.headerSize &+ capacity &* stride }
        var largestCapacity: Int { (Self.largest - Self.headerSize) / stride }

        static func make(level: Int, words: Int, capacity: Int, in memory: Memory) -> Node {
            let stride = level == 0 ? 16 + 8 * words : 24
            let node = Node(memory.allocate(headerSize + capacity * stride))
            node.block.storeBytes(of: memory.epoch, as: UInt32.self)
            node.count = 0
            node.block.storeBytes(of: UInt16(capacity), toByteOffset: 6, as: UInt16.self)
            node.block.storeBytes(of: UInt8(level), toByteOffset: 8, as: UInt8.self)
            node.block.storeBytes(of: UInt8(words), toByteOffset: 9, as: UInt8.self)
            return node
        }

        @inline(__always) func owned(in memory: Memory) -> Node {
            memory.isShared(epoch) ? moved(capacity: capacity, in: memory) : self
        }

        /// The same items in a block of its own.
        func moved(capacity: Int, in memory: Memory) -> Node {
            let made = Node.make(level: level, words: words, capacity: capacity, in: memory)
            made.append(self, from: 0)
            free(in: memory)
            return made
        }

        func free(in memory: Memory) {
            memory.free(block, size, epoch: epoch)
        }

        /// Takes over another node's items from one on; there is room for them.
        func append(_ other: Node, from first: Int) {
            item(count).copyMemory(from: other.item(first), byteCount: (other.count - first) * stride)
            count += other.count - first
        }

        /// Room for an item, not filled; the node is not full.
        @inline(__always) func openItem(_ index: Int) {
            item(index &+ 1).copyMemory(from: item(index), byteCount: (count &- index) &* stride)
            count &+= 1
        }

        @inline(__always) func removeItem(_ index: Int) {
            item(index).copyMemory(from: item(index &+ 1), byteCount: (count &- index &- 1) &* stride)
            count &-= 1
        }

        // MARK: places

        /// The number of items before `id`.
        @inline(__always) func position(of id: StreamID) -> Int {
            var low = 0
            var high = count
            // What comes in order is behind all others.
            if high > 0, self.id(high &- 1) < id { return high }
            while low < high {
                let middle = (low &+ high) / 2
                if self.id(middle) < id { low = middle &+ 1 } else { high = middle }
            }
            return low
        }

        /// The child in which `id` is or belongs.
        @inline(__always) func branch(for id: StreamID) -> Int {
            var low = 1
            var high = count
            while low < high {
                let middle = (low &+ high) / 2
                if id < self.id(middle) { high = middle } else { low = middle &+ 1 }
            }
            return low &- 1
        }
    }

    // MARK: reading

    func find(_ id: StreamID) -> Value? {
        guard var node = root.map({ Node($0) }) else { return nil }
        while !node.isLeaf { node = node.child(node.branch(for: id)) }
        let index = node.position(of: id)
        return index < node.count && node.id(index) == id ? node.value(index) : nil
    }

    var first: Item? { first(from: .zero) }

    var last: Item? {
        guard var node = root.map({ Node($0) }) else { return nil }
        while !node.isLeaf { node = node.child(node.count - 1) }
        return (node.id(node.count - 1), node.value(node.count - 1))
    }

    /// The first item that is not before `id`.
    func first(from id: StreamID) -> Item? {
        var found: Item?
        visit(from: id) { item in
            found = item
            return false
        }
        return found
    }

    /// The last item that is not behind `id`.
    func last(upTo id: StreamID) -> Item? {
        root.flatMap { Self.last(upTo: id, in: Node($0)) }
    }

    private static func last(upTo id: StreamID, in node: Node) -> Item? {
        if node.isLeaf {
            let place = node.position(of: id)
            let index = place < node.count && node.id(place) == id ? place : place - 1
            return index >= 0 ? (node.id(index), node.value(index)) : nil
        }
        var index = node.branch(for: id)
        while index >= 0 {
            if let found = last(upTo: id, in: node.child(index)) { return found }
            index -= 1
        }
        return nil
    }

    /// Calls `body` with the items that are not before `id`, in order, until it returns false; it must not change the tree.
    func visit(from id: StreamID = .zero, while body: (Item) -> Bool) {
        guard let root else { return }
        _ = Self.visit(Node(root), from: id, body)
    }

    private static func visit(_ node: Node, from id: StreamID, _ body: (Item) -> Bool) -> Bool {
        if node.isLeaf {
            for index in node.position(of: id)..<node.count {
                guard body((node.id(index), node.value(index))) else { return false }
            }
            return true
        }
        for index in node.branch(for: id)..<node.count {
            guard visit(node.child(index), from: id, body) else { return false }
        }
        return true
    }

    /// Bytes of the tree's nodes.
    var size: Int {
        func size(_ node: Node) -> Int {
            var bytes = SizeClasses.capacity(node.size)
            if !node.isLeaf { for index in 0..<node.count { bytes += size(node.child(index)) } }
            return bytes
        }
        return root.map { size(Node($0)) } ?? 0
    }

    // MARK: writing

    /// Frees all nodes; `body` is called with every item before.
    func free(in memory: Memory, _ body: (Item) -> Void = { _ in }) {
        guard let root else { return }
        Self.free(Node(root), memory, body)
    }

    private static func free(_ node: Node, _ memory: Memory, _ body: (Item) -> Void) {
        for index in 0..<node.count {
            if node.isLeaf { body((node.id(index), node.value(index))) } else { free(node.child(index), memory, body) }
        }
        node.free(in: memory)
    }

    /// Gives an id a value; true when it had none.
    @discardableResult
    mutating func set(_ id: StreamID, _ value: Value, in memory: Memory) -> Bool {
        guard let root else {
            let leaf = Node.make(level: 0, words: words, capacity: Node.smallestCapacity, in: memory)
            self.root = leaf.block
            return Self.set(id, value, leaf, memory).isNew
        }
        let outcome = Self.set(id, value, Node(root), memory)
        self.root = outcome.node.block
        if let right = outcome.right {
            let above = Node.make(
                level: outcome.node.level + 1, words: words, capacity: Node.smallestCapacity, in: memory)
            for (index, child) in [outcome.node, right].enumerated() {
                above.openItem(index)
                above.setID(index, child.id(0))
                above.setChild(index, child)
            }
            self.root = above.block
        }
        return outcome.isNew
    }

    /// A node after an item was put into it, and what was split off.
    private struct Outcome {
        var node: Node
        var right: Node?
        var isNew = true
    }

    private static func set(_ id: StreamID, _ value: Value, _ old: Node, _ memory: Memory) -> Outcome {
        let node = old.owned(in: memory)
        if node.isLeaf {
            let index = node.position(of: id)
            if index < node.count, node.id(index) == id {
                node.setValue(index, value)
                return Outcome(node: node, isNew: false)
            }
            let (outcome, target, place) = opened(node, index, memory)
            target.setID(place, id)
            target.setValue(place, value)
            return outcome
        }
        let index = node.branch(for: id)
        let below = set(id, value, node.child(index), memory)
        node.setChild(index, below.node)
        guard let right = below.right else { return Outcome(node: node, isNew: below.isNew) }
        let (outcome, target, place) = opened(node, index + 1, memory)
        target.setID(place, right.id(0))
        target.setChild(place, right)
        return outcome
    }

    /// Makes room for an item, by growing or splitting where the owned node is full. Returns what came of it, and where
    /// the item's place is.
    private static func opened(_ node: Node, _ index: Int, _ memory: Memory) -> (Outcome, Node, Int) {
        var node = node
        if node.count == node.capacity, node.capacity < node.largestCapacity {
            node = node.moved(capacity: min(node.capacity * 2, node.largestCapacity), in: memory)
        }
        guard node.count == node.capacity else {
            node.openItem(index)
            return (Outcome(node: node), node, index)
        }
        // Ids mostly come in order: then nodes stay full.
        let kept = index == node.count ? index : node.count / 2
        let right = Node.make(level: node.level, words: node.words, capacity: node.largestCapacity, in: memory)
        right.append(node, from: kept)
        node.count = kept
        let goesRight = index > kept || right.count == 0
        let (target, place) = goesRight ? (right, index - kept) : (node, index)
        target.openItem(place)
        return (Outcome(node: node, right: right), target, place)
    }

    /// Takes an id out; returns its value, nil when it is not here.
    @discardableResult
    mutating func remove(_ id: StreamID, in memory: Memory) -> Value? {
        guard let root, let value = find(id) else { return nil }
        var node = Self.remove(id, Node(root), memory)
        while !node.isLeaf, node.count == 1 {
            let child = node.child(0)
            node.free(in: memory)
            node = child
        }
        if node.count == 0 {
            node.free(in: memory)
            self.root = nil
        } else {
            self.root = node.block
        }
        return value
    }

    private static func remove(_ id: StreamID, _ old: Node, _ memory: Memory) -> Node {
        let node = old.owned(in: memory)
        if node.isLeaf {
            node.removeItem(node.position(of: id))
            return node
        }
        let index = node.branch(for: id)
        let child = remove(id, node.child(index), memory)
        if child.count == 0 {
            child.free(in: memory)
            node.removeItem(index)
            return node
        }
        node.setChild(index, child)
        if child.count * 4 <= child.largestCapacity, node.count > 1 {
            join(max(index - 1, 0), of: node, memory)
        }
        return node
    }

    /// Makes one node of two neighbours that leave room in it.
    private static func join(_ index: Int, of node: Node, _ memory: Memory) {
        let right = node.child(index + 1)
        var left = node.child(index)
        guard (left.count + right.count) * 2 <= left.largestCapacity else { return }
        let border = left.count
        left =
            left.capacity < border + right.count
            ? left.moved(capacity: left.largestCapacity / 2, in: memory) : left.owned(in: memory)
        left.append(right, from: 0)
        // The id of a first child says nothing, but that of its parent's does.
        if !left.isLeaf { left.setID(border, node.id(index + 1)) }
        right.free(in: memory)
        node.setChild(index, left)
        node.removeItem(index + 1)
    }
}
