import RESPWire

/// A consumer group of a stream: how far it has read, its consumers, and what was delivered to them and is not yet
/// acknowledged. The block:
///
///      0  epoch     u32  of the block and both lists
///      4  length    u32  of the name
///      8  last      id   of the entry that was delivered last
///     24  read      i64  entries ever added that were read; -1 where nobody can tell
///     32  pending   root of their tree: delivery time, deliveries, number of the consumer
///     40  count     Int  of pending entries
///     48  consumers address of `places` addresses of consumers by their numbers, zero where a number is free
///     56  order     address of `places` numbers of consumers, in the order of their names
///     64  places    u32
///     68  consumers u32
///     72  name
struct StreamGroup {
    let block: UnsafeMutableRawPointer

    private static let headerSize = 72
    /// For the number of entries read.
    static let unknown: Int64 = -1

    /// An entry that was delivered and not acknowledged.
    struct Pending {
        /// Milliseconds since 1970.
        var deliveredAt: Int64
        var deliveries: Int64
        /// The number of the consumer.
        var consumer: Int

        init(deliveredAt: Int64, deliveries: Int64, consumer: Int) {
            self.deliveredAt = deliveredAt
            self.deliveries = deliveries
            self.consumer = consumer
        }

        fileprivate init(_ value: IDTree.Value) {
            deliveredAt = Int64(bitPattern: value.first)
            deliveries = Int64(bitPattern: value.second)
            consumer = Int(value.third)
        }

        fileprivate var value: IDTree.Value {
            IDTree.Value(
                first: UInt64(bitPattern: deliveredAt), second: UInt64(bitPattern: deliveries),
                third: UInt64(consumer))
        }
    }

    @inline(__always) private func load<Word: BitwiseCopyable>(_ offset: Int) -> Word {
        block.load(fromByteOffset: offset, as: Word.self)
    }

    @inline(__always) private func store<Word: BitwiseCopyable>(_ word: Word, _ offset: Int) {
        block.storeBytes(of: word, toByteOffset: offset, as: Word.self)
    }

    @inline(__always) var epoch: UInt32 { load(0) }
    @inline(__always) private var nameLength: Int { Int(load(4) as UInt32) }
    @inline(__always) var name: Bytes { Bytes(raw: block + Self.headerSize, nameLength) }

    @inline(__always) var lastID: StreamID {
        get { StreamID(load(8), load(16)) }
        nonmutating set {
            store(newValue.milliseconds, 8)
            store(newValue.sequence, 16)
        }
    }
    /// `unknown` where nobody can tell.
    @inline(__always) var entriesRead: Int64 {
        get { load(24) }
        nonmutating set { store(newValue, 24) }
    }
    @inline(__always) private(set) var pending: IDTree {
        get { IDTree(root: load(32), words: 3) }
        nonmutating set { store(newValue.root, 32) }
    }
    @inline(__always) private(set) var pendingCount: Int {
        get { load(40) }
        nonmutating set { store(newValue, 40) }
    }
    @inline(__always) private var list: UnsafeMutablePointer<UnsafeMutableRawPointer?>? {
        let list: UnsafeMutableRawPointer? = load(48)
        return list?.assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
    }
    @inline(__always) private var order: UnsafeMutablePointer<UInt32>? {
        let order: UnsafeMutableRawPointer? = load(56)
        return order?.assumingMemoryBound(to: UInt32.self)
    }
    @inline(__always) private var places: Int { Int(load(64) as UInt32) }
    @inline(__always) private(set) var consumerCount: Int {
        get { Int(load(68) as UInt32) }
        nonmutating set { store(UInt32(truncatingIfNeeded: newValue), 68) }
    }

    // MARK: blocks

    static func make(_ name: Bytes, lastID: StreamID, entriesRead: Int64, in memory: Memory) -> StreamGroup {
        let group = StreamGroup(block: memory.allocate(headerSize + name.count))
        group.block.initializeMemory(as: UInt8.self, repeating: 0, count: headerSize)
        group.store(memory.epoch, 0)
        group.store(UInt32(truncatingIfNeeded: name.count), 4)
        (group.block + headerSize).copyMemory(from: name.start, byteCount: name.count)
        group.lastID = lastID
        group.entriesRead = entriesRead
        return group
    }

    func owned(in memory: Memory) -> StreamGroup {
        guard memory.isShared(epoch) else { return self }
        let size = Self.headerSize + nameLength
        let copy = StreamGroup(block: memory.allocate(size))
        copy.block.copyMemory(from: block, byteCount: size)
        copy.store(memory.epoch, 0)
        copy.setLists(places: places, from: self, in: memory)
        freeLists(in: memory)
        memory.free(block, size, epoch: epoch)
        return copy
    }

    /// Gives this group lists of its own with the consumers of `other`.
    private func setLists(places: Int, from other: StreamGroup, in memory: Memory) {
        guard places > 0 else { return }
        let list = memory.allocate(8 * places)
        list.initializeMemory(as: UInt8.self, repeating: 0, count: 8 * places)
        let order = memory.allocate(4 * places)
        if let old = other.list, let oldOrder = other.order {
            list.copyMemory(from: old, byteCount: 8 * other.places)
            order.copyMemory(from: oldOrder, byteCount: 4 * other.consumerCount)
        }
        store(list, 48)
        store(order, 56)
        store(UInt32(truncatingIfNeeded: places), 64)
    }

    private func freeLists(in memory: Memory) {
        if let list { memory.free(UnsafeMutableRawPointer(list), 8 * places, epoch: epoch) }
        if let order { memory.free(UnsafeMutableRawPointer(order), 4 * places, epoch: epoch) }
    }

    func free(in memory: Memory) {
        pending.free(in: memory)
        for index in 0..<consumerCount { consumer(number(index)).free(in: memory) }
        freeLists(in: memory)
        memory.free(block, Self.headerSize + nameLength, epoch: epoch)
    }

    /// A group of its own with the same in it.
    func duplicated(in memory: Memory) -> StreamGroup {
        let copy = Self.make(name, lastID: lastID, entriesRead: entriesRead, in: memory)
        var numbers: [Int: Int] = [:]
        for index in 0..<consumerCount {
            let consumer = consumer(number(index))
            numbers[number(index)] = copy.makeConsumer(consumer.name, seenAt: consumer.seenAt, in: memory)
        }
        visitPending { id, entry in
            copy.setPending(
                id,
                Pending(
                    deliveredAt: entry.deliveredAt, deliveries: entry.deliveries,
                    consumer: numbers[entry.consumer] ?? 0), in: memory)
            return true
        }
        return copy
    }

    /// Bytes of its blocks.
    var size: Int {
        var size = SizeClasses.capacity(Self.headerSize + nameLength) + SizeClasses.capacity(12 * places) + pending.size
        for index in 0..<consumerCount { size += consumer(number(index)).size }
        return size
    }

    // MARK: consumers

    /// The number of a consumer by its place in the order of the names.
    func number(_ index: Int) -> Int {
        // Below `consumerCount`, so that there is a list.
        Int(order.unsafelyUnwrapped[index])
    }

    /// A consumer by its number, which is one's.
    func consumer(_ number: Int) -> StreamConsumer {
        StreamConsumer(block: list.unsafelyUnwrapped[number].unsafelyUnwrapped)
    }

    /// The consumer, ready to be written; the group is owned.
    func ownedConsumer(_ number: Int, in memory: Memory) -> StreamConsumer {
        let owned = consumer(number).owned(in: memory)
        list.unsafelyUnwrapped[number] = owned.block
        return owned
    }

    /// The number of consumers before `name`.
    private func placeOfConsumer(_ name: Bytes) -> Int {
        var low = 0
        var high = consumerCount
        while low < high {
            let middle = (low + high) / 2
            if consumer(number(middle)).name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The number of a consumer; nil when it is not here.
    func findConsumer(_ name: Bytes) -> Int? {
        let place = placeOfConsumer(name)
        guard place < consumerCount else { return nil }
        let number = number(place)
        return consumer(number).name == name ? number : nil
    }

    /// Adds a consumer whose name is not here; returns its number. The group is owned.
    func makeConsumer(_ name: Bytes, seenAt: Int64, in memory: Memory) -> Int {
        if consumerCount == places {
            let (old, oldOrder, count) = (list, order, places)
            setLists(places: max(count * 2, 2), from: self, in: memory)
            if let old { memory.free(UnsafeMutableRawPointer(old), 8 * count, epoch: epoch) }
            if let oldOrder { memory.free(UnsafeMutableRawPointer(oldOrder), 4 * count, epoch: epoch) }
        }
        let (list, order) = (list.unsafelyUnwrapped, order.unsafelyUnwrapped)
        var number = consumerCount
        if list[number] != nil { number = (0..<places).first { list[$0] == nil } ?? number }
        let place = placeOfConsumer(name)
        (order + place + 1).update(from: order + place, count: consumerCount - place)
        order[place] = UInt32(truncatingIfNeeded: number)
        list[number] = StreamConsumer.make(name, seenAt: seenAt, in: memory).block
        consumerCount += 1
        return number
    }

    /// Takes a consumer out with its pending entries; the group is owned.
    func removeConsumer(_ number: Int, in memory: Memory) {
        let gone = consumer(number)
        var pending = pending
        gone.pending.visit { item in
            pending.remove(item.id, in: memory)
            return true
        }
        self.pending = pending
        pendingCount -= gone.pendingCount
        let order = order.unsafelyUnwrapped
        let place = placeOfConsumer(gone.name)
        (order + place).update(from: order + place + 1, count: consumerCount - place - 1)
        list.unsafelyUnwrapped[number] = nil
        consumerCount -= 1
        gone.free(in: memory)
    }

    // MARK: pending entries

    func findPending(_ id: StreamID) -> Pending? { pending.find(id).map(Pending.init) }

    /// The first pending entry that is not before `id`.
    func firstPending(from id: StreamID) -> (id: StreamID, entry: Pending)? {
        pending.first(from: id).map { ($0.id, Pending($0.value)) }
    }

    func visitPending(from id: StreamID = .zero, while body: (StreamID, Pending) -> Bool) {
        pending.visit(from: id) { body($0.id, Pending($0.value)) }
    }

    /// Notes a delivery, and takes the entry from whoever had it; the group is owned.
    func setPending(_ id: StreamID, _ entry: Pending, in memory: Memory) {
        let old = findPending(id)
        var pending = pending
        if pending.set(id, entry.value, in: memory) { pendingCount += 1 }
        self.pending = pending
        guard old?.consumer != entry.consumer else { return }
        if let old { ownedConsumer(old.consumer, in: memory).removePending(id, in: memory) }
        ownedConsumer(entry.consumer, in: memory).addPending(id, in: memory)
    }

    /// Acknowledges an entry; false when it is not pending. The group is owned.
    @discardableResult
    func removePending(_ id: StreamID, in memory: Memory) -> Bool {
        var pending = pending
        guard let value = pending.remove(id, in: memory) else { return false }
        self.pending = pending
        pendingCount -= 1
        ownedConsumer(Pending(value).consumer, in: memory).removePending(id, in: memory)
        return true
    }
}

/// A consumer of a group, and the ids of what it has to acknowledge. The block:
///
///      0  epoch    u32
///      4  length   u32  of the name
///      8  seen     i64  milliseconds since 1970
///     16  pending  root of the tree of their ids
///     24  count    Int  of pending entries
///     32  name
struct StreamConsumer {
    let block: UnsafeMutableRawPointer

    private static let headerSize = 32

    @inline(__always) private var epoch: UInt32 { block.load(as: UInt32.self) }
    @inline(__always) private var nameLength: Int { Int(block.load(fromByteOffset: 4, as: UInt32.self)) }
    @inline(__always) var name: Bytes { Bytes(raw: block + Self.headerSize, nameLength) }

    /// When it last asked for anything.
    @inline(__always) var seenAt: Int64 {
        get { block.load(fromByteOffset: 8, as: Int64.self) }
        nonmutating set { block.storeBytes(of: newValue, toByteOffset: 8, as: Int64.self) }
    }
    @inline(__always) private(set) var pending: IDTree {
        get { IDTree(root: block.load(fromByteOffset: 16, as: UnsafeMutableRawPointer?.self), words: 0) }
        nonmutating set { block.storeBytes(of: newValue.root, toByteOffset: 16, as: UnsafeMutableRawPointer?.self) }
    }
    @inline(__always) private(set) var pendingCount: Int {
        get { block.load(fromByteOffset: 24, as: Int.self) }
        nonmutating set { block.storeBytes(of: newValue, toByteOffset: 24, as: Int.self) }
    }

    fileprivate static func make(_ name: Bytes, seenAt: Int64, in memory: Memory) -> StreamConsumer {
        let consumer = StreamConsumer(block: memory.allocate(headerSize + name.count))
        consumer.block.initializeMemory(as: UInt8.self, repeating: 0, count: headerSize)
        consumer.block.storeBytes(of: memory.epoch, as: UInt32.self)
        consumer.block.storeBytes(of: UInt32(truncatingIfNeeded: name.count), toByteOffset: 4, as: UInt32.self)
        consumer.seenAt = seenAt
        (consumer.block + headerSize).copyMemory(from: name.start, byteCount: name.count)
        return consumer
    }

    fileprivate func owned(in memory: Memory) -> StreamConsumer {
        guard memory.isShared(epoch) else { return self }
        let size = Self.headerSize + nameLength
        let copy = StreamConsumer(block: memory.allocate(size))
        copy.block.copyMemory(from: block, byteCount: size)
        copy.block.storeBytes(of: memory.epoch, as: UInt32.self)
        memory.free(block, size, epoch: epoch)
        return copy
    }

    fileprivate func free(in memory: Memory) {
        pending.free(in: memory)
        memory.free(block, Self.headerSize + nameLength, epoch: epoch)
    }

    fileprivate var size: Int { SizeClasses.capacity(Self.headerSize + nameLength) + pending.size }

    fileprivate func addPending(_ id: StreamID, in memory: Memory) {
        var pending = pending
        if pending.set(id, IDTree.Value(), in: memory) { pendingCount += 1 }
        self.pending = pending
    }

    fileprivate func removePending(_ id: StreamID, in memory: Memory) {
        var pending = pending
        if pending.remove(id, in: memory) != nil { pendingCount -= 1 }
        self.pending = pending
    }
}
