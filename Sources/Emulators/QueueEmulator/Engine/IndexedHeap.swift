/// Something that stands in one heap at a time and knows where.
protocol HeapMember: AnyObject {
    /// Its place, or -1 outside. Only the heap writes it.
    var heapIndex: Int { get set }
}

/// A binary heap whose members can be taken out of its middle: all in O(log n).
///
/// The smallest key comes first; among equal keys the smallest tie-breaker. A member is not retained: who inserts it
/// keeps it alive until it is out.
struct IndexedHeap<Member: HeapMember> {
    private struct Item {
        var key: UInt64
        var tie: UInt64
        var member: Unmanaged<Member>

        func precedes(_ other: Item) -> Bool {
            key != other.key ? key < other.key : tie < other.tie
        }
    }

    private var items: [Item] = []

    var count: Int { items.count }

    var isEmpty: Bool { items.isEmpty }

    var first: Member? { items.first?.member.takeUnretainedValue() }

    var firstKey: UInt64? { items.first?.key }

    mutating func insert(_ member: Member, key: UInt64, tie: UInt64 = 0) {
        let item = Item(key: key, tie: tie, member: Unmanaged.passUnretained(member))
        items.append(item)
        siftUp(item, from: items.count - 1)
    }

    /// Does nothing when `member` is in no heap.
    mutating func remove(_ member: Member) {
        let index = member.heapIndex
        guard index >= 0 else { return }
        member.heapIndex = -1
        let last = items.removeLast()
        guard index < items.count else { return }
        replace(at: index, by: last)
    }

    /// Gives a member of this heap a new key.
    mutating func move(_ member: Member, key: UInt64, tie: UInt64 = 0) {
        let item = Item(key: key, tie: tie, member: Unmanaged.passUnretained(member))
        replace(at: member.heapIndex, by: item)
    }

    /// The key under which `member`, which is in this heap, stands.
    func key(of member: Member) -> UInt64 { items[member.heapIndex].key }

    private mutating func replace(at index: Int, by item: Item) {
        if index > 0, item.precedes(items[(index - 1) / 2]) {
            siftUp(item, from: index)
        } else {
            siftDown(item, from: index)
        }
    }

    private mutating func siftUp(_ item: Item, from index: Int) {
        var child = index
        while child > 0 {
            let parent = (child - 1) / 2
            guard item.precedes(items[parent]) else { break }
            place(items[parent], at: child)
            child = parent
        }
        place(item, at: child)
    }

    private mutating func siftDown(_ item: Item, from index: Int) {
        var parent = index
        while true {
            var child = parent * 2 + 1
            guard child < items.count else { break }
            if child + 1 < items.count, items[child + 1].precedes(items[child]) { child += 1 }
            guard items[child].precedes(item) else { break }
            place(items[child], at: parent)
            parent = child
        }
        place(item, at: parent)
    }

    private mutating func place(_ item: Item, at index: Int) {
        items[index] = item
        item.member._withUnsafeGuaranteedRef { $0.heapIndex = index }
    }
}
