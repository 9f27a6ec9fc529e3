/// Which block sizes the arena hands out: every size is rounded up to a class, so that capacity follows from size.
///
/// Steps of 16 bytes up to 1 KiB, of 128 to 2 KiB, of 256 to 4 KiB, then the sizes that divide a slab with the least
/// rest. Larger blocks come from the system and are rounded up by an eighth at most, so that growing one step by
/// step copies each byte a bounded number of times.
enum SizeClasses {
    static let slabSize = 64 << 10
    static let slabHeader = 64
    static let largest = sizes[sizes.count - 1]
    static let count = sizes.count

    static let sizes: [Int] = {
        var sizes = Array(stride(from: 16, through: 1024, by: 16))
        sizes += stride(from: 1152, through: 2048, by: 128)
        sizes += stride(from: 2304, through: 4096, by: 256)
        for blocks in stride(from: 15, through: 2, by: -1) { sizes.append((slabSize - slabHeader) / blocks & ~15) }
        return sizes
    }()

    /// The class of sizes above 1 KiB, by their number of 128-byte steps.
    private static let classOfStep: [UInt8] = {
        (0...(largest + 127) / 128).map { step in
            UInt8(sizes.firstIndex { $0 >= step * 128 } ?? sizes.count - 1)
        }
    }()

    /// The class of a size that is not above `largest`.
    @inline(__always) static func index(_ size: Int) -> Int {
        if size <= 1024 { return size <= 16 ? 0 : (size &+ 15) / 16 &- 1 }
        return above1024(size)
    }

    private static func above1024(_ size: Int) -> Int {
        var index = Int(classOfStep[(size + 127) / 128])
        while sizes[index] < size { index += 1 }
        while index > 0, sizes[index - 1] >= size { index -= 1 }
        return index
    }

    /// How many bytes a block of `size` can really hold.
    static func capacity(_ size: Int) -> Int {
        if size <= 1024 { return max((size + 15) & ~15, 16) }
        if size <= largest { return sizes[index(size)] }
        let step = max(1 << (Int.bitWidth - size.leadingZeroBitCount - 4), 4096)
        return (size + step - 1) / step * step
    }
}
