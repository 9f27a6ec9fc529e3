/// Bytes of a source that is read in pieces; knows their checksum, and keeps those of a value that is passed over.
struct SourceBuffer: ByteFeed, ~Copyable {
    static let capacity = 64 << 10

    private let read: (UnsafeMutableRawBufferPointer) throws(RDBError) -> Int
    /// Bytes that may still be asked of the source.
    private var unasked: Int
    private let storage: UnsafeMutablePointer<UInt8>
    private var head = 0
    private var tail = 0
    /// Consumed bytes that are no longer in the storage.
    private var gone = 0
    /// From here on, consumed bytes are not in the checksum.
    private var unsummed = 0
    private var crc = CRC64()
    /// From here on, consumed bytes are not in the capture; nil when there is none.
    private var uncaptured: Int?
    private var captured: [UInt8] = []
    private var first: UInt8 = 0

    init(limit: Int?, read: @escaping (UnsafeMutableRawBufferPointer) throws(RDBError) -> Int) {
        self.read = read
        unasked = limit ?? .max
        storage = .allocate(capacity: Self.capacity)
    }

    deinit {
        storage.deallocate()
    }

    /// Bytes consumed so far.
    var consumed: Int { gone + head }

    /// Of the bytes consumed so far.
    mutating func checksum() -> UInt64 {
        sum()
        return crc.value
    }

    /// From now on, what is consumed is kept as well, behind `first`.
    mutating func beginCapture(_ first: UInt8) {
        uncaptured = head
        self.first = first
    }

    mutating func endCapture() -> [UInt8] {
        defer { captured = [] }
        capture()
        uncaptured = nil
        return captured
    }

    /// What was read from the source and not consumed.
    mutating func takeUnread() -> [UInt8] {
        let unread = Array(UnsafeBufferPointer(start: storage + head, count: tail - head))
        tail = head
        return unread
    }

    mutating func byte() throws(RDBError) -> UInt8 {
        if head == tail { try refill() }
        let byte = storage[head]
        head &+= 1
        return byte
    }

    mutating func load<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type) throws(RDBError) -> Word {
        while tail &- head < MemoryLayout<Word>.size { try refill() }
        let word = UnsafeRawPointer(storage + head).loadUnaligned(as: Word.self)
        head &+= MemoryLayout<Word>.size
        return word
    }

    mutating func skip(_ count: Int) throws(RDBError) {
        var rest = count
        while rest > tail &- head {
            rest &-= tail &- head
            head = tail
            try refill()
        }
        head &+= rest
    }

    /// The next `count` bytes; memory grows as they come.
    mutating func take(_ count: Int) throws(RDBError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(count, Self.capacity))
        var rest = count
        while rest > 0 {
            if head == tail { try refill() }
            let some = min(rest, tail - head)
            bytes.append(contentsOf: UnsafeBufferPointer(start: storage + head, count: some))
            head += some
            rest -= some
        }
        return bytes
    }

    /// Reads once, at least one byte behind those that are there, of which there are fewer than eight.
    private mutating func refill() throws(RDBError) {
        sum()
        if uncaptured != nil {
            capture()
            uncaptured = 0
        }
        let kept = tail - head
        if kept > 0 { storage.update(from: storage + head, count: kept) }
        gone += head
        head = 0
        unsummed = 0
        tail = kept
        let space = min(Self.capacity - kept, unasked)
        guard space > 0 else { throw .truncated }
        let count = try read(UnsafeMutableRawBufferPointer(start: storage + kept, count: space))
        guard count > 0 else { throw .truncated }
        guard count <= space else { throw .malformed("source returned more than was asked for") }
        unasked -= count
        tail += count
    }

    private mutating func capture() {
        guard let uncaptured else { return }
        if captured.isEmpty {
            captured.reserveCapacity(1 + head - uncaptured)
            captured.append(first)
        }
        captured.append(contentsOf: UnsafeBufferPointer(start: storage + uncaptured, count: head - uncaptured))
    }

    private mutating func sum() {
        crc.update(UnsafeRawBufferPointer(start: storage + unsummed, count: head - unsummed))
        unsummed = head
    }
}
