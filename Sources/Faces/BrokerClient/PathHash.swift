/// A short, stable name for a path: tells two folders of the same name apart.
public enum PathHash {
    /// The first `digits` hexadecimal digits of a 64-bit hash of `path` (FNV-1a, then MurmurHash3's finaliser so that
    /// the leading digits depend on every byte). Not for secrets: it keeps neighbours apart, not adversaries.
    public static func hexadecimal(_ path: String, digits: Int) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in path.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        hash ^= hash >> 33
        let text = String(hash, radix: 16)
        return String((String(repeating: "0", count: 16 - text.count) + text).prefix(digits))
    }
}
