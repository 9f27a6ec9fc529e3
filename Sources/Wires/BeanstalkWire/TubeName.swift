/// The rules for the names of tubes.
public enum TubeName {
    /// In bytes.
    public static let maximumLength = 200

    /// True for letters, digits and `-+/;.$_()`, 1 to 200 of them, the first of which is no hyphen.
    public static func isValid(_ name: UnsafeRawBufferPointer) -> Bool {
        guard let first = name.first, first != UInt8(ascii: "-"), name.count <= maximumLength else { return false }
        for byte in name where !allows(byte) { return false }
        return true
    }

    /// Whether a name may hold `byte`.
    static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: ";"), UInt8(ascii: "."),
            UInt8(ascii: "$"), UInt8(ascii: "_"), UInt8(ascii: "("), UInt8(ascii: ")"):
            true
        default: false
        }
    }
}
