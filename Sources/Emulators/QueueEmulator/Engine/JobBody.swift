/// A job's bytes with the CR LF behind them. Memory grows as they arrive, whatever size was announced.
struct JobBody: ~Copyable {
    private static let firstCapacity = 4096

    /// Bytes when complete, CR LF included.
    let size: Int
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private var count = 0

    init(size: Int) {
        self.size = size
    }

    deinit {
        base?.deallocate()
    }

    /// What has arrived.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Bytes that have not arrived.
    var missing: Int { size - count }

    /// Adds what has arrived; no more than is missing.
    mutating func append(_ part: UnsafeRawBufferPointer) {
        guard let source = part.baseAddress else { return }
        precondition(part.count <= missing, "a body longer than announced")
        if capacity - count < part.count { grow(toHold: count + part.count) }
        // `grow` leaves room for the part, so there is memory.
        base.unsafelyUnwrapped.advanced(by: count).copyMemory(from: source, byteCount: part.count)
        count += part.count
    }

    private mutating func grow(toHold wanted: Int) {
        let grown = wanted == size ? size : min(size, max(Self.firstCapacity, wanted, capacity * 2))
        let memory = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 1)
        if let base {
            memory.copyMemory(from: base, byteCount: count)
            base.deallocate()
        }
        base = memory
        capacity = grown
    }
}
