/// A loop's free buffers of two sizes. Anything larger is allocated and freed as it comes.
public final class BufferPool {
    private static let small = 4 << 10
    private static let large = 64 << 10
    /// Enough for the connections of one turn of the loop; what a burst needed beyond is given back to the system.
    private static let keptSmall = 512
    private static let keptLarge = 16

    @exclusivity(unchecked) private var freeSmall: [UnsafeMutableRawPointer] = []
    @exclusivity(unchecked) private var freeLarge: [UnsafeMutableRawPointer] = []

    public init() {}

    deinit {
        for buffer in freeSmall + freeLarge { buffer.deallocate() }
    }

    /// A buffer of at least `size` bytes, and its true size.
    func take(atLeast size: Int) -> (UnsafeMutableRawPointer, Int) {
        if size <= Self.small { return (freeSmall.popLast() ?? Self.allocate(Self.small), Self.small) }
        if size <= Self.large { return (freeLarge.popLast() ?? Self.allocate(Self.large), Self.large) }
        return (Self.allocate(size), size)
    }

    /// Takes back a buffer of `size` bytes that `take` returned.
    func give(_ buffer: UnsafeMutableRawPointer, _ size: Int) {
        switch size {
        case Self.small where freeSmall.count < Self.keptSmall: freeSmall.append(buffer)
        case Self.large where freeLarge.count < Self.keptLarge: freeLarge.append(buffer)
        default: buffer.deallocate()
        }
    }

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    }
}
