import RESPWire

/// The first line of a script that says what it may do: `#!lua flags=no-writes`.
struct Shebang {
    /// What a script, or a function, says of itself.
    struct Flags: OptionSet {
        let rawValue: UInt8

        static let noWrites = Flags(rawValue: 1 << 0)
        static let allowOOM = Flags(rawValue: 1 << 1)
        static let allowStale = Flags(rawValue: 1 << 2)
        static let noCluster = Flags(rawValue: 1 << 3)
        static let allowCrossSlotKeys = Flags(rawValue: 1 << 4)

        /// In the order in which FUNCTION LIST shows them.
        static let names: [(Flags, StaticString)] = [
            (.noWrites, "no-writes"), (.allowOOM, "allow-oom"), (.allowStale, "allow-stale"),
            (.noCluster, "no-cluster"), (.allowCrossSlotKeys, "allow-cross-slot-keys"),
        ]

        init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// Nil for a word that is none.
        init?(_ word: ArraySlice<UInt8>) {
            guard let found = Self.names.first(where: { Array($0.1.description.utf8)[...] == word }) else { return nil }
            self = found.0
        }
    }

    enum Reading {
        case read(Shebang)
        /// An error for the client.
        case refused([UInt8])
    }

    /// In bytes, without the line's end, so that lines are counted as the author sees them.
    var length = 0
    /// Nil for a script without such a line: it may do whatever it was called for.
    var flags: Flags?

    static func read(_ body: Bytes) -> Reading {
        guard body.count >= 2, body.start[0] == UInt8(ascii: "#"), body.start[1] == UInt8(ascii: "!") else {
            return .read(Shebang())
        }
        guard let length = body.raw.firstIndex(of: UInt8(ascii: "\n")) else {
            return .refused(Array("ERR Invalid script shebang".utf8))
        }
        guard let words = words(body.raw[..<length]) else {
            return .refused(Array("ERR Invalid engine in script shebang".utf8))
        }
        guard words[0] == Array("#!lua".utf8) else {
            return .refused(Array("ERR Unexpected engine in script shebang: ".utf8) + words[0])
        }
        var flags: Flags = []
        for word in words.dropFirst() {
            guard word.starts(with: "flags=".utf8) else {
                return .refused(Array("ERR Unknown lua shebang option: ".utf8) + word)
            }
            guard word.count > 6 else { continue }
            for name in word[6...].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                guard let flag = Flags(name) else {
                    return .refused(Array("ERR Unexpected flag in script shebang: ".utf8) + name)
                }
                flags.insert(flag)
            }
        }
        return .read(Shebang(length: length, flags: flags))
    }

    /// The words of a line, of which there is one at least; quotes keep them together. Nil where a quote is not closed.
    static func words(_ line: Slice<UnsafeRawBufferPointer>) -> [[UInt8]]? {
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        var quote: UInt8?
        var isInside = false
        for byte in line {
            if let open = quote {
                if byte == open { quote = nil } else { word.append(byte) }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
                isInside = true
            } else if byte == UInt8(ascii: " ") || (9...13).contains(byte) {
                if isInside { words.append(word) }
                word = []
                isInside = false
            } else {
                word.append(byte)
                isInside = true
            }
        }
        if isInside { words.append(word) }
        return quote == nil && !words.isEmpty ? words : nil
    }
}
