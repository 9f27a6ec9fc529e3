import RESPWire

/// A stream: nodes of entries by the ids of their first ones, what is remembered of entries that are gone, and consumer
/// groups by name. The header is a block of 104 bytes:
///
///       0  epoch         u32  of the header and the list of groups
///       8  length        Int  entries that are not deleted
///      16  last          id   of the entry that was added last, which may be gone
///      32  first         id   of the first entry; zero when there is none
///      48  max deleted   id   the largest that XDEL removed; zero when there is none
///      64  added         Int  entries ever added
///      72  nodes         root of their tree
///      80  node count    Int
///      88  groups        address of `places` addresses of groups
///      96  group count   u32
///     100  places        u32
struct StreamValue {
    let block: UnsafeMutableRawPointer

    private static let headerSize = 104

    @inline(__always) var epoch: UInt32 { block.load(as: UInt32.self) }

    @inline(__always) private func load<Word: BitwiseCopyable>(_ offset: Int) -> Word {
        block.load(fromByteOffset: offset, as: Word.self)
    }

    @inline(__always) private func store<Word: BitwiseCopyable>(_ word: Word, _ offset: Int) {
        block.storeBytes(of: word, toByteOffset: offset, as: Word.self)
    }

    @inline(__always) private func loadID(_ offset: Int) -> StreamID { StreamID(load(offset), load(offset &+ 8)) }

    @inline(__always) private func storeID(_ id: StreamID, _ offset: Int) {
        store(id.milliseconds, offset)
        store(id.sequence, offset &+ 8)
    }

    @inline(__always) var length: Int {
        get { load(8) }
        nonmutating set { store(newValue, 8) }
    }
    @inline(__always) var lastID: StreamID {
        get { loadID(16) }
        nonmutating set { storeID(newValue, 16) }
    }
    @inline(__always) var firstID: StreamID {
        get { loadID(32) }
        nonmutating set { storeID(newValue, 32) }
    }
    @inline(__always) var maxDeletedID: StreamID {
        get { loadID(48) }
        nonmutating set { storeID(newValue, 48) }
    }
    @inline(__always) var entriesAdded: Int64 {
        get { load(64) }
        nonmutating set { store(newValue, 64) }
    }
    @inline(__always) private(set) var nodes: IDTree {
        get { IDTree(root: load(72), words: 1) }
        nonmutating set { store(newValue.root, 72) }
    }
    @inline(__always) private(set) var nodeCount: Int {
        get { load(80) }
        nonmutating set { store(newValue, 80) }
    }
    @inline(__always) private var groupList: UnsafeMutablePointer<UnsafeMutableRawPointer>? {
        let list: UnsafeMutableRawPointer? = load(88)
        return list?.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
    }
    @inline(__always) private(set) var groupCount: Int {
        get { Int(load(96) as UInt32) }
        nonmutating set { store(UInt32(truncatingIfNeeded: newValue), 96) }
    }
    @inline(__always) private var groupPlaces: Int { Int(load(100) as UInt32) }

    private func setGroupList(_ list: UnsafeMutableRawPointer?, places: Int) {
        store(list, 88)
        store(UInt32(truncatingIfNeeded: places), 100)
    }

    // MARK: blocks

    static func make(in memory: Memory) -> StreamValue {
        let stream = StreamValue(block: memory.allocate(headerSize))
        stream.block.initializeMemory(as: UInt8.self, repeating: 0, count: headerSize)
        stream.store(memory.epoch, 0)
        return stream
    }

    /// This stream, or a header of its own when a snapshot shares it; nodes and groups are owned piece by piece.
    @inline(__always) func owned(in memory: Memory) -> StreamValue {
        memory.isShared(epoch) ? copied(in: memory) : self
    }

    private func copied(in memory: Memory) -> StreamValue {
        let copy = StreamValue(block: memory.allocate(Self.headerSize))
        copy.block.copyMemory(from: block, byteCount: Self.headerSize)
        copy.store(memory.epoch, 0)
        if let list = groupList {
            let size = 8 * groupPlaces
            let made = memory.allocate(size)
            made.copyMemory(from: list, byteCount: size)
            copy.setGroupList(made, places: groupPlaces)
            memory.free(UnsafeMutableRawPointer(list), size, epoch: epoch)
        }
        memory.free(block, Self.headerSize, epoch: epoch)
        return copy
    }

    func free(in memory: Memory) {
        nodes.free(in: memory) { Self.node($0.value).free(in: memory) }
        for index in 0..<groupCount { group(index).free(in: memory) }
        if let list = groupList {
            memory.free(UnsafeMutableRawPointer(list), 8 * groupPlaces, epoch: epoch)
        }
        memory.free(block, Self.headerSize, epoch: epoch)
    }

    /// A stream of its own with the same in it, node by node.
    func duplicated(in memory: Memory) -> StreamValue {
        let copy = Self.make(in: memory)
        copy.block.copyMemory(from: block, byteCount: 72)
        copy.store(memory.epoch, 0)
        nodes.visit { item in
            copy.insert(Self.node(item.value).copied(in: memory), in: memory)
            return true
        }
        for index in 0..<groupCount {
            copy.insert(group(index).duplicated(in: memory), at: index, in: memory)
        }
        return copy
    }

    /// Bytes of its blocks.
    var size: Int {
        var size = SizeClasses.capacity(Self.headerSize) + SizeClasses.capacity(8 * groupPlaces) + nodes.size
        forEachNode { size += $0.capacity }
        for index in 0..<groupCount { size += group(index).size }
        return size
    }

    // MARK: nodes

    @inline(__always) static func node(_ value: IDTree.Value) -> StreamNode {
        // Only addresses of nodes are put into the tree.
        StreamNode(block: UnsafeMutableRawPointer(bitPattern: UInt(value.first)).unsafelyUnwrapped)
    }

    @inline(__always) private func put(_ node: StreamNode, in memory: Memory) {
        var nodes = nodes
        nodes.set(node.master, IDTree.Value(first: UInt64(UInt(bitPattern: node.block))), in: memory)
        self.nodes = nodes
    }

    /// Adds a node behind all others; the entries in it are not counted.
    func insert(_ node: StreamNode, in memory: Memory) {
        put(node, in: memory)
        nodeCount &+= 1
    }

    func remove(_ node: StreamNode, in memory: Memory) {
        var nodes = nodes
        nodes.remove(node.master, in: memory)
        self.nodes = nodes
        nodeCount -= 1
        node.free(in: memory)
    }

    /// A node that may be written: itself, or a copy in its place when a snapshot shares it.
    func ownedNode(_ node: StreamNode, in memory: Memory) -> StreamNode {
        guard memory.isShared(node.epoch) else { return node }
        let copy = node.owned(in: memory)
        put(copy, in: memory)
        return copy
    }

    /// The node in which an id is or belongs.
    @inline(__always) private func node(holding id: StreamID) -> StreamNode? {
        nodes.last(upTo: id).map { Self.node($0.value) }
    }

    func forEachNode(_ body: (StreamNode) -> Void) {
        nodes.visit { item in
            body(Self.node(item.value))
            return true
        }
    }

    // MARK: entries

    /// Adds an entry with an id that is above the last one's; the stream is owned.
    @inline(__always)
    func append(_ id: StreamID, _ arguments: UnsafeMutablePointer<Bytes>, fields: Int, in memory: Memory) {
        var size = 0
        for argument in 0..<fields &* 2 { size &+= arguments[argument].count }
        let last = nodes.last.map { Self.node($0.value) }
        if let last, last.admits(size) {
            let node = last.appending(id, arguments, fields: fields, size: size, in: memory)
            if node.block != last.block { put(node, in: memory) }
        } else {
            if let last {
                let closed = last.closed(in: memory)
                if closed.block != last.block { put(closed, in: memory) }
            }
            let node = StreamNode.make(
                first: id, arguments, fields: fields, size: size, isFirst: last == nil, in: memory)
            insert(node.appending(id, arguments, fields: fields, size: size, in: memory), in: memory)
        }
        length &+= 1
        entriesAdded &+= 1
        lastID = id
        if length == 1 { firstID = id }
    }

    func contains(_ id: StreamID) -> Bool { node(holding: id)?.find(id) != nil }

    /// Takes an entry out; false when it is not here. `firstID` is left to the caller. The stream is owned.
    func remove(_ id: StreamID, in memory: Memory) -> Bool {
        guard let node = node(holding: id), let item = node.find(id) else { return false }
        if node.live == 1 {
            remove(node, in: memory)
        } else {
            ownedNode(node, in: memory).markDeleted(item)
        }
        length -= 1
        return true
    }

    /// Calls `body` with the entries from `first` to `last`, in order or in the reverse order, until it returns false; it
    /// must not change the stream.
    func visit(
        from first: StreamID = .zero, to last: StreamID = .largest, reversed: Bool = false,
        while body: (StreamNode, StreamNode.Item) -> Bool
    ) {
        guard first <= last else { return }
        var next = reversed ? node(holding: last) : node(holding: first) ?? nodes.first.map { Self.node($0.value) }
        while let node = next {
            var goesOn = true
            node.visit(reversed: reversed) { item in
                if item.isDeleted {
                    // Its id says nothing about those beside it, once XSETID has gone back behind it.
                } else if reversed ? item.id < first : item.id > last {
                    goesOn = false
                } else if reversed ? item.id <= last : item.id >= first {
                    goesOn = body(node, item)
                }
                return goesOn
            }
            guard goesOn else { return }
            if reversed {
                next = node.master.previous.flatMap { self.node(holding: $0) }
            } else {
                next = node.master.next.flatMap { nodes.first(from: $0) }.map { Self.node($0.value) }
            }
        }
    }

    /// How many entries there are from `first` to `last`, counted up to `most`.
    func count(from first: StreamID, to last: StreamID, most: Int) -> Int {
        guard first <= last, most > 0 else { return 0 }
        var count = 0
        let start = node(holding: first)?.master ?? first
        nodes.visit(from: start) { item in
            guard item.id <= last else { return false }
            let node = Self.node(item.value)
            if node.master >= first, node.last <= last {
                count += node.live
            } else {
                node.visit { entry in
                    if !entry.isDeleted, entry.id >= first, entry.id <= last { count += 1 }
                    return (entry.isDeleted || entry.id < last) && count < most
                }
            }
            return count < most
        }
        return min(count, most)
    }

    /// The id of the first or the last entry; nil when there is none.
    func edge(_ isLast: Bool) -> StreamID? {
        var found: StreamID?
        visit(reversed: isLast) { _, item in
            found = item.id
            return false
        }
        return found
    }

    func updateFirstID() {
        firstID = length == 0 ? .zero : edge(false) ?? .zero
    }

    // MARK: groups

    func group(_ index: Int) -> StreamGroup {
        // Below `groupCount`, so that there is a list.
        StreamGroup(block: groupList.unsafelyUnwrapped[index])
    }

    /// The group, ready to be written; the stream is owned.
    func ownedGroup(_ index: Int, in memory: Memory) -> StreamGroup {
        let owned = group(index).owned(in: memory)
        groupList.unsafelyUnwrapped[index] = owned.block
        return owned
    }

    func indexOfGroup(_ name: Bytes) -> Int? {
        let index = placeOfGroup(name)
        return index < groupCount && group(index).name == name ? index : nil
    }

    /// The number of groups before `name`.
    private func placeOfGroup(_ name: Bytes) -> Int {
        var low = 0
        var high = groupCount
        while low < high {
            let middle = (low + high) / 2
            if group(middle).name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Adds a group whose name is not here; the stream is owned.
    func insert(_ group: StreamGroup, in memory: Memory) {
        insert(group, at: placeOfGroup(group.name), in: memory)
    }

    private func insert(_ group: StreamGroup, at index: Int, in memory: Memory) {
        if groupCount == groupPlaces {
            let places = max(groupPlaces * 2, 2)
            let list = memory.allocate(8 * places)
            if let old = groupList {
                list.copyMemory(from: old, byteCount: 8 * groupCount)
                memory.free(UnsafeMutableRawPointer(old), 8 * groupPlaces, epoch: epoch)
            }
            setGroupList(list, places: places)
        }
        let list = groupList.unsafelyUnwrapped
        (list + index + 1).update(from: list + index, count: groupCount - index)
        list[index] = group.block
        groupCount += 1
    }

    /// Takes a group out with all that belongs to it; the stream is owned.
    func removeGroup(_ index: Int, in memory: Memory) {
        let list = groupList.unsafelyUnwrapped
        group(index).free(in: memory)
        (list + index).update(from: list + index + 1, count: groupCount - index - 1)
        groupCount -= 1
        if groupCount == 0 {
            memory.free(UnsafeMutableRawPointer(list), 8 * groupPlaces, epoch: epoch)
            setGroupList(nil, places: 0)
        }
    }
}
