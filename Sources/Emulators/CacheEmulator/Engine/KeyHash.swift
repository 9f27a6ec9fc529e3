import RESPWire

/// The seeded hash of a key: 64 bits, multiply and fold over 16 bytes at a time.
///
/// Every bit depends on every byte. Both factors of every product have a part of the seed in them: with a factor that is
/// known a client could make it zero, and all that the other one says would be lost.
@inline(__always)
func keyHash(_ key: Bytes, seed: UInt64) -> UInt64 {
    let raw = UnsafeRawPointer(key.start)
    var state = seed ^ 0x9e37_79b9_7f4a_7c15
    let secret = (seed &<< 29 | seed &>> 35) ^ 0xe703_7ed1_a0b4_28db
    var a: UInt64
    var b: UInt64
    let count = key.count
    if count <= 16 {
        if count >= 8 {
            a = raw.loadUnaligned(as: UInt64.self)
            b = raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        } else if count >= 4 {
            a = UInt64(raw.loadUnaligned(as: UInt32.self))
            b = UInt64(raw.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
        } else if count > 0 {
            a = UInt64(key.start[0]) << 16 | UInt64(key.start[count >> 1]) << 8 | UInt64(key.start[count &- 1])
            b = 0
        } else {
            a = 0
            b = 0
        }
    } else {
        var offset = 0
        while count &- offset > 16 {
            state = folded(
                raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ secret,
                raw.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self) ^ state)
            offset &+= 16
        }
        a = raw.loadUnaligned(fromByteOffset: count &- 16, as: UInt64.self)
        b = raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    }
    let mixed = folded(a ^ secret, b ^ state)
    return folded(mixed ^ seed, 0x8ebc_6af0_9c88_c6e3 ^ UInt64(truncatingIfNeeded: count))
}

@inline(__always)
private func folded(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (high, low) = a.multipliedFullWidth(by: b)
    return high ^ low
}
