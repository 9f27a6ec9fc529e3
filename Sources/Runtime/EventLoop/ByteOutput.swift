/// How many bytes some outputs of one loop have sent together.
public final class ByteMeter {
    @exclusivity(unchecked) public var bytes = 0

    public init() {}
}

/// What a connection has still to send: bytes that sessions append and the driver takes from the front.
///
/// It owns memory only while bytes are in it. The first append takes a buffer from the loop's pool and puts the
/// connection on the loop's list of connections to flush, so that writing costs no bookkeeping per append.
public final class ByteOutput {
    @exclusivity(unchecked) @usableFromInline var base: UnsafeMutableRawPointer?
    @exclusivity(unchecked) @usableFromInline var head = 0
    @exclusivity(unchecked) @usableFromInline var tail = 0
    @exclusivity(unchecked) @usableFromInline var capacity = 0
    @usableFromInline let pool: BufferPool
    /// More was appended than an output holds: what it had is lost, and the driver closes the connection.
    @exclusivity(unchecked) public private(set) var hasOverflowed = false
    /// Up to this size a buffer is doubled, above it grows by a quarter.
    private static let doubling = 8 << 20
    /// What an output holds at most, in bytes: above that a reply would take the memory of all.
    public static let limit = 1 << 30
    /// Counts what is sent, for whoever wants to know; a number per send.
    @exclusivity(unchecked) public var meter: ByteMeter?
    /// Called when bytes are appended to an empty output; the driver puts the connection on its flush list.
    package var becameNonEmpty: (() -> Void)?

    public init(pool: BufferPool) {
        self.pool = pool
    }

    deinit {
        release()
    }

    /// Bytes that wait to be sent.
    @inlinable public var count: Int { tail &- head }

    /// Room for `size` more bytes at the end; write there, then call `advance(by:)`.
    @inlinable public func reserve(_ size: Int) -> UnsafeMutableRawPointer {
        if capacity &- tail < size { grow(size) }
        return base.unsafelyUnwrapped + tail
    }

    /// Counts `size` bytes, written to what `reserve` returned, as appended.
    @inlinable public func advance(by size: Int) {
        tail &+= size
    }

    @inlinable public func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count).copyMemory(from: source, byteCount: bytes.count)
        tail &+= bytes.count
    }

    @inlinable public func append(_ source: UnsafeRawPointer, _ size: Int) {
        guard size > 0 else { return }
        reserve(size).copyMemory(from: source, byteCount: size)
        tail &+= size
    }

    @inlinable public func append(_ byte: UInt8) {
        reserve(1).storeBytes(of: byte, as: UInt8.self)
        tail &+= 1
    }

    @inlinable public func append(_ text: StaticString) {
        append(UnsafeRawPointer(text.utf8Start), text.utf8CodeUnitCount)
    }

    /// Literals take the overload for `StaticString`, which copies without looking at Unicode.
    @_disfavoredOverload public func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// The bytes that wait, oldest first; valid until the next append or `consume`.
    @inlinable public var readable: UnsafeRawBufferPointer {
        guard let base else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: base + head, count: tail &- head)
    }

    /// Takes back everything that was appended after the output held `size` bytes.
    @inlinable public func truncate(to size: Int) {
        tail = head &+ size
    }

    /// Takes the oldest `size` bytes away; the last one gives the memory back.
    public func consume(_ size: Int) {
        precondition(size >= 0 && size <= tail - head, "consume: more bytes than wait")
        if let meter { meter.bytes &+= size }
        head &+= size
        if head == tail { release() }
    }

    /// Throws away all that waits.
    public func removeAll() {
        release()
    }

    @usableFromInline func grow(_ size: Int) {
        let used = tail - head
        if base == nil {
            (base, capacity) = pool.take(atLeast: size)
            head = 0
            tail = 0
            becameNonEmpty?()
            return
        }
        if used + size > Self.limit { return overflow(size) }
        if head >= size, head >= used {  // room at the front: cheap, and a slow reader's buffer does not creep
            base.unsafelyUnwrapped.copyMemory(from: base.unsafelyUnwrapped + head, byteCount: used)
            head = 0
            tail = used
            return
        }
        let (bytes, room) = pool.take(atLeast: max(used + size, used < Self.doubling ? used * 2 : used + used / 4))
        bytes.copyMemory(from: base.unsafelyUnwrapped + head, byteCount: used)
        pool.give(base.unsafelyUnwrapped, capacity)
        base = bytes
        capacity = room
        head = 0
        tail = used
    }

    /// Goes on with an empty buffer, in which there is room for `size` bytes and for all that there was.
    private func overflow(_ size: Int) {
        hasOverflowed = true
        head = 0
        tail = 0
        guard size > capacity, let base else { return }
        pool.give(base, capacity)
        let (bytes, room) = pool.take(atLeast: size)
        self.base = bytes
        capacity = room
    }

    private func release() {
        if let base { pool.give(base, capacity) }
        base = nil
        head = 0
        tail = 0
        capacity = 0
    }
}
