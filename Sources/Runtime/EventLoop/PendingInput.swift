/// Received bytes that the handler has not used yet; owns memory only while there are some.
public struct PendingInput: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private var head = 0
    private var tail = 0
    private var capacity = 0

    public init() {}

    deinit {
        base?.deallocate()
    }

    public var count: Int { tail - head }

    public var readable: UnsafeRawBufferPointer {
        guard let base else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: base + head, count: tail - head)
    }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        room(atLeast: bytes.count).baseAddress.unsafelyUnwrapped.copyMemory(from: source, byteCount: bytes.count)
        tail += bytes.count
    }

    /// Free space at the end; memory grows as bytes arrive (by half, at least to what is asked for), whatever length
    /// a peer has announced.
    public mutating func room(atLeast size: Int) -> UnsafeMutableRawBufferPointer {
        let used = count
        if capacity - tail < size {
            if let base, head >= used, capacity - used >= size {
                base.copyMemory(from: base + head, byteCount: used)
            } else {
                let grown = max(used + size, used + used / 2)
                let bytes = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 16)
                if let base {
                    bytes.copyMemory(from: base + head, byteCount: used)
                    base.deallocate()
                }
                base = bytes
                capacity = grown
            }
            head = 0
            tail = used
        }
        return UnsafeMutableRawBufferPointer(start: base.unsafelyUnwrapped + tail, count: capacity - tail)
    }

    /// Counts `size` bytes, written to what `room` returned.
    public mutating func added(_ size: Int) {
        tail += size
    }

    public mutating func consume(_ size: Int) {
        head += size
        if head == tail { removeAll() }
    }

    /// Moves everything to the front of `buffer`.
    public mutating func move(to buffer: UnsafeMutableRawBufferPointer) {
        buffer.copyMemory(from: readable)
        removeAll()
    }

    public mutating func removeAll() {
        base?.deallocate()
        base = nil
        head = 0
        tail = 0
        capacity = 0
    }
}
