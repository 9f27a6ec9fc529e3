import RESPWire

/// Some consecutive entries of a stream, with the elements that the same entries have in Redis's listpacks: so that nodes
/// end where Redis's end, and what `~` trims is the same. The block:
///
///      0  epoch     u32
///      4  capacity  u32  of the whole block
///      8  end       u32  behind the last element
///     12  live      u32  entries that are not deleted
///     16  deleted   u32  entries that are
///     20  elements  u32  behind the numbers of entries
///     24  master    id   of the first entry, from which the others' are counted
///     40  entries   u32  where they begin
///     44  fields    u32  of the master entry
///     48  last      id   of the last entry, which may be deleted
///     64  number of fields, their names, 0; then entries
///
/// An entry is its flags, the differences of both halves of its id, then values only where its fields are the master's,
/// otherwise the number of fields, names and values; at last the number of its elements so far. The numbers of live and
/// deleted entries, with which a listpack of Redis begins, are not among the elements.
struct StreamNode {
    let block: UnsafeMutableRawPointer

    static let headerSize = 64
    /// Redis's defaults for stream-node-max-bytes and -entries.
    static let mostBytes = 4096
    static let mostEntries = 100
    private static let smallestRoom = 64

    enum Flags {
        static let deleted: Int64 = 1
        static let masterFields: Int64 = 2
    }

    @inline(__always) private func load(_ offset: Int) -> Int {
        Int(block.load(fromByteOffset: offset, as: UInt32.self))
    }

    @inline(__always) private func store(_ value: Int, _ offset: Int) {
        block.storeBytes(of: UInt32(truncatingIfNeeded: value), toByteOffset: offset, as: UInt32.self)
    }

    @inline(__always) private func loadID(_ offset: Int) -> StreamID {
        StreamID(
            block.load(fromByteOffset: offset, as: UInt64.self),
            block.load(fromByteOffset: offset &+ 8, as: UInt64.self))
    }

    @inline(__always) private func storeID(_ id: StreamID, _ offset: Int) {
        block.storeBytes(of: id.milliseconds, toByteOffset: offset, as: UInt64.self)
        block.storeBytes(of: id.sequence, toByteOffset: offset &+ 8, as: UInt64.self)
    }

    @inline(__always) var epoch: UInt32 { block.load(as: UInt32.self) }
    @inline(__always) var capacity: Int { load(4) }
    @inline(__always) private var end: Int { load(8) }
    @inline(__always) var live: Int { load(12) }
    @inline(__always) private(set) var deleted: Int {
        get { load(16) }
        nonmutating set { store(newValue, 16) }
    }
    /// Of a listpack, with the two numbers in front.
    var elementCount: Int { load(20) + 2 }
    @inline(__always) var master: StreamID { loadID(24) }
    @inline(__always) private var entriesOffset: Int { load(40) }
    @inline(__always) var masterFieldCount: Int { load(44) }
    @inline(__always) var last: StreamID { loadID(48) }

    /// The bytes of Redis's listpack with these entries.
    @inline(__always) var packedSize: Int {
        Listpack.frameSize &+ Listpack.size(Int64(live)) &+ Listpack.size(Int64(deleted)) &+ end &- Self.headerSize
    }

    /// The elements behind the numbers of entries.
    var elements: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: block + Self.headerSize, count: end - Self.headerSize)
    }

    // MARK: blocks

    private static func make(room: Int, in memory: Memory) -> StreamNode {
        let capacity = SizeClasses.capacity(headerSize + room)
        let node = StreamNode(block: memory.allocate(capacity))
        node.block.storeBytes(of: memory.epoch, as: UInt32.self)
        node.store(capacity, 4)
        return node
    }

    /// The same entries in a block with room for `room` bytes of elements.
    private func moved(room: Int, in memory: Memory) -> StreamNode {
        let made = copied(room: room, in: memory)
        free(in: memory)
        return made
    }

    func copied(room: Int? = nil, in memory: Memory) -> StreamNode {
        let made = Self.make(room: max(room ?? 0, end - Self.headerSize), in: memory)
        (made.block + 8).copyMemory(from: block + 8, byteCount: end - 8)
        return made
    }

    func owned(in memory: Memory) -> StreamNode {
        memory.isShared(epoch) ? moved(room: capacity - Self.headerSize, in: memory) : self
    }

    func free(in memory: Memory) {
        memory.free(block, capacity, epoch: epoch)
    }

    /// The same entries in the smallest block, where that saves much: nothing more comes into this node.
    func closed(in memory: Memory) -> StreamNode {
        guard !memory.isShared(epoch), SizeClasses.capacity(end) * 8 < capacity * 7 else { return self }
        return moved(room: 0, in: memory)
    }

    // MARK: adding

    /// Whether an entry whose names and values have `size` bytes still belongs here.
    @inline(__always) func admits(_ size: Int) -> Bool {
        packedSize &+ size < Self.mostBytes && live &+ deleted < Self.mostEntries
    }

    /// A node with nothing but a master entry; `size` is that of the names and values of the first entry.
    static func make(
        first id: StreamID, _ arguments: UnsafeMutablePointer<Bytes>, fields: Int, size: Int, isFirst: Bool,
        in memory: Memory
    ) -> StreamNode {
        let needed = 2 * size + (3 * fields + 8) * Listpack.elementCost
        let node = make(room: max(needed, isFirst ? smallestRoom : mostBytes), in: memory)
        node.store(0, 12)
        node.deleted = 0
        node.storeID(id, 24)
        node.storeID(id, 48)
        node.store(fields, 44)
        node.store(2 + fields, 20)
        var place = Listpack.write(Int64(fields), to: node.block + headerSize)
        for field in 0..<fields { place = Listpack.write(arguments[field &* 2], to: place) }
        place = Listpack.write(0, to: place)
        node.store(place - node.block, 40)
        node.store(place - node.block, 8)
        return node
    }

    /// Adds an entry behind all others, in a larger block if need be. `size` is that of its names and values.
    @inline(__always)
    func appending(
        _ id: StreamID, _ arguments: UnsafeMutablePointer<Bytes>, fields: Int, size: Int, in memory: Memory
    ) -> StreamNode {
        let needed = size &+ (2 &* fields &+ 5) &* Listpack.elementCost
        if end &+ needed <= capacity, !memory.isShared(epoch) {
            append(id, arguments, fields: fields)
            return self
        }
        let length = end - Self.headerSize
        let node = moved(room: max(length + needed, min(length * 2, Self.mostBytes)), in: memory)
        node.append(id, arguments, fields: fields)
        return node
    }

    private func append(_ id: StreamID, _ arguments: UnsafeMutablePointer<Bytes>, fields: Int) {
        let isLikeMaster = hasMasterFields(arguments, fields)
        let master = master
        var place = Listpack.write(isLikeMaster ? Flags.masterFields : 0, to: block + end)
        place = Listpack.write(Int64(bitPattern: id.milliseconds &- master.milliseconds), to: place)
        place = Listpack.write(Int64(bitPattern: id.sequence &- master.sequence), to: place)
        var elements = 3 &+ fields
        if isLikeMaster {
            for field in 0..<fields { place = Listpack.write(arguments[field &* 2 &+ 1], to: place) }
        } else {
            elements &+= 1 &+ fields
            place = Listpack.write(Int64(fields), to: place)
            for argument in 0..<fields &* 2 { place = Listpack.write(arguments[argument], to: place) }
        }
        place = Listpack.write(Int64(elements), to: place)
        store(place - block, 8)
        store(live &+ 1, 12)
        store(load(20) &+ elements &+ 1, 20)
        storeID(id, 48)
    }

    private func hasMasterFields(_ arguments: UnsafeMutablePointer<Bytes>, _ fields: Int) -> Bool {
        guard fields == masterFieldCount else { return false }
        var place = names
        for field in 0..<fields {
            let (name, next) = Listpack.read(place)
            guard name == arguments[field &* 2] else { return false }
            place = next
        }
        return true
    }

    /// Where the names of the master entry begin.
    @inline(__always) private var names: UnsafeMutableRawPointer {
        Listpack.read(block + Self.headerSize).next
    }

    // MARK: entries

    /// One entry where it stands.
    struct Item {
        var id: StreamID
        var isDeleted: Bool
        var fieldCount: Int
        /// Where its flags are, from the node's start.
        var offset: Int
        /// Names and values, or values alone where there are names of the master's.
        fileprivate var fields: UnsafeMutableRawPointer
        fileprivate var hasMasterFields: Bool
    }

    private func item(at offset: Int) -> Item {
        let (flags, milliseconds) = Listpack.integer(block + offset)
        let (upper, sequence) = Listpack.integer(milliseconds)
        let (lower, rest) = Listpack.integer(sequence)
        let master = master
        let id = StreamID(
            master.milliseconds &+ UInt64(bitPattern: upper), master.sequence &+ UInt64(bitPattern: lower))
        let isDeleted = flags & Flags.deleted != 0
        if flags & Flags.masterFields != 0 {
            return Item(
                id: id, isDeleted: isDeleted, fieldCount: masterFieldCount, offset: offset, fields: rest,
                hasMasterFields: true)
        }
        let (count, fields) = Listpack.integer(rest)
        return Item(
            id: id, isDeleted: isDeleted, fieldCount: Int(count), offset: offset, fields: fields,
            hasMasterFields: false)
    }

    /// Where the entry behind an item begins.
    private func offset(behind item: Item) -> Int {
        var place = item.fields
        for _ in 0..<(item.hasMasterFields ? item.fieldCount : item.fieldCount &* 2) {
            place = Listpack.read(place).next
        }
        return Listpack.read(place).next - block
    }

    /// Calls `body` with the entries, deleted ones included, until it returns false; it must not change the node but by
    /// marking entries as deleted.
    func visit(reversed: Bool = false, while body: (Item) -> Bool) {
        if reversed {
            var offset = end
            while offset > entriesOffset {
                let last = Listpack.start(before: block + offset)
                var place = last
                for _ in 0..<Listpack.integer(last).0 { place = Listpack.start(before: place) }
                offset = place - block
                guard body(item(at: offset)) else { return }
            }
        } else {
            var offset = entriesOffset
            while offset < end {
                let item = item(at: offset)
                guard body(item) else { return }
                offset = self.offset(behind: item)
            }
        }
    }

    /// An entry that is not deleted; nil when there is none.
    func find(_ id: StreamID) -> Item? {
        var found: Item?
        // Behind a deleted entry there may be smaller ones: XSETID goes back to what is not deleted.
        visit { item in
            if item.isDeleted || item.id < id { return true }
            if item.id == id { found = item }
            return false
        }
        return found
    }

    /// The id of the last entry that is not deleted.
    var lastLive: StreamID? {
        var found: StreamID?
        visit(reversed: true) { item in
            if !item.isDeleted { found = item.id }
            return item.isDeleted
        }
        return found
    }

    /// Calls `body` with every name and value of an entry.
    func forEachField(of item: Item, _ body: (Listpack.Element, Listpack.Element) -> Void) {
        var names = names
        var place = item.fields
        for _ in 0..<item.fieldCount {
            let name: Listpack.Element
            if item.hasMasterFields {
                (name, names) = Listpack.read(names)
            } else {
                (name, place) = Listpack.read(place)
            }
            let (value, next) = Listpack.read(place)
            body(name, value)
            place = next
        }
    }

    /// Marks an entry as deleted that is not yet; the node is owned, and another one is left in it.
    func markDeleted(_ item: Item) {
        let flags = block.load(fromByteOffset: item.offset, as: UInt8.self)
        // The flags take one byte, whether or not the entry is deleted.
        block.storeBytes(of: flags | UInt8(Flags.deleted), toByteOffset: item.offset, as: UInt8.self)
        store(live - 1, 12)
        deleted += 1
    }

    // MARK: listpacks

    /// A node with the elements of a listpack (without its frame and the two numbers in front) that has been checked; nil
    /// where it is none that Redis writes.
    static func make(
        master: StreamID, elements: UnsafeRawBufferPointer, count: Int, in memory: Memory
    ) -> StreamNode? {
        guard let start = elements.baseAddress else { return nil }
        let node = make(room: elements.count, in: memory)
        (node.block + headerSize).copyMemory(from: start, byteCount: elements.count)
        node.store(headerSize + elements.count, 8)
        node.store(0, 12)
        node.deleted = 0
        node.store(count, 20)
        node.storeID(master, 24)
        node.storeID(master, 48)
        var (fields, place) = Listpack.integer(node.block + headerSize)
        node.store(Int(fields), 44)
        for _ in 0...fields { place = Listpack.read(place).next }
        node.store(place - node.block, 40)
        guard node.countEntries() else {
            node.free(in: memory)
            return nil
        }
        return node
    }

    /// Counts the entries and notes the last; false where their ids or flags are not as Redis writes them.
    private func countEntries() -> Bool {
        var live = 0
        var isRight = true
        var lastLive: StreamID?
        // Behind a deleted entry there may be smaller ones.
        visit { item in
            let hasOrder = item.isDeleted || lastLive.map { item.id > $0 } ?? (item.id >= master)
            isRight = hasOrder && block.load(fromByteOffset: item.offset, as: UInt8.self) <= 3
            if item.isDeleted {
                deleted += 1
            } else {
                live += 1
                lastLive = item.id
            }
            storeID(item.id, 48)
            return isRight
        }
        store(live, 12)
        return isRight && live + deleted > 0
    }
}
