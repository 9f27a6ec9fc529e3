/// The name of a command in lower case, as a key of tables: at most 24 bytes and none of them zero, which no command of
/// any server exceeds.
public struct CommandName: Hashable, Sendable {
    private var words: (UInt64, UInt64, UInt64) = (0, 0, 0)

    public static let longest = 24

    public init?(_ name: Bytes) {
        guard name.count <= Self.longest, name.count > 0 else { return nil }
        var hasZero = false
        withUnsafeMutableBytes(of: &words) { place in
            for index in 0..<name.count {
                place[index] = Bytes.folded(name[index])
                if place[index] == 0 { hasZero = true }
            }
        }
        // It is filled up with zeros: a name that has some of its own is another name.
        if hasZero { return nil }
    }

    /// Of at most 24 bytes.
    init(_ text: String) {
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: text.utf8) }
    }

    public var text: String {
        withUnsafeBytes(of: words) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    public static func == (left: CommandName, right: CommandName) -> Bool { left.words == right.words }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
    }
}
