/// Counts the words of commands that are not understood, for whoever wants to know what is missing.
struct UnknownCommands {
    /// A peer chooses the words: neither their number nor their length may grow.
    static let maximumCount = 64
    static let maximumLength = 32

    private(set) var counts: [String: Int] = [:]

    /// `word` is cut to the length above, and what is not printable ASCII becomes `?`. When the table is full, words
    /// that are not in it are counted under `…`.
    mutating func count(_ word: UnsafeRawBufferPointer) {
        let printable = word.prefix(Self.maximumLength).map { (0x21...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
        let name = String(decoding: printable, as: UTF8.self)
        if counts[name] != nil || counts.count < Self.maximumCount {
            counts[name, default: 0] += 1
        } else {
            counts["…", default: 0] += 1
        }
    }
}
