import RESPWire

/// Patterns of KEYS, SCAN and PSUBSCRIBE: `*`, `?`, `[abc]`, `[a-z]`, `[^a]`, and `\` before a character.
///
/// Matching goes back to the last `*` only, so that it takes time in proportion to pattern × text and no stack.
enum Glob {
    /// Redis's own: the empty text is matched by the empty pattern alone, not by `*`. Where `*` means all, nobody asks this.
    static func matches(_ pattern: Bytes, _ text: Bytes) -> Bool {
        guard text.count > 0 else { return pattern.count == 0 }
        var p = 0
        var t = 0
        var star: Int?
        var starText = 0
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = p
                starText = t
                p += 1
                continue
            }
            if p < pattern.count, let next = matchOne(pattern, p, text[t]) {
                p = next
                t += 1
                continue
            }
            guard let last = star else { return false }
            p = last + 1
            starText += 1
            t = starText
        }
        while p < pattern.count, pattern[p] == UInt8(ascii: "*") { p += 1 }
        return p == pattern.count
    }

    static func isAll(_ pattern: Bytes) -> Bool { pattern == Bytes("*") }

    /// The place behind the element at `p` when it matches `byte`, else nil.
    private static func matchOne(_ pattern: Bytes, _ p: Int, _ byte: UInt8) -> Int? {
        switch pattern[p] {
        case UInt8(ascii: "?"): return p + 1
        case UInt8(ascii: "["): return matchClass(pattern, p + 1, byte)
        case UInt8(ascii: "\\") where p + 1 < pattern.count: return pattern[p + 1] == byte ? p + 2 : nil
        default: return pattern[p] == byte ? p + 1 : nil
        }
    }

    /// A class ends at `]` or, unclosed, with the pattern.
    private static func matchClass(_ pattern: Bytes, _ begin: Int, _ byte: UInt8) -> Int? {
        var p = begin
        let isNegated = p < pattern.count && pattern[p] == UInt8(ascii: "^")
        if isNegated { p += 1 }
        var isIn = false
        while p < pattern.count, pattern[p] != UInt8(ascii: "]") {
            if pattern[p] == UInt8(ascii: "\\"), p + 1 < pattern.count {
                isIn = isIn || pattern[p + 1] == byte
                p += 2
            } else if p + 2 < pattern.count, pattern[p + 1] == UInt8(ascii: "-") {
                let low = min(pattern[p], pattern[p + 2])
                let high = max(pattern[p], pattern[p + 2])
                isIn = isIn || (low...high).contains(byte)
                p += 3
            } else {
                isIn = isIn || pattern[p] == byte
                p += 1
            }
        }
        return isIn != isNegated ? min(p + 1, pattern.count) : nil
    }
}
