import RESPWire

/// A command that waits for what may never come: what is needed to ask it again elsewhere with the time that is left.
struct BlockedRequest: Equatable {
    /// The most bytes that are kept; one with more cannot be moved.
    static let limit = 64 << 10

    /// None where they were too many to be kept.
    private(set) var words: [[UInt8]]
    /// As the client has written it.
    private let command: String
    /// When it was asked, in the loop's nanoseconds.
    let since: UInt64
    /// Its place among the endpoint's requests of this kind: who came first is served first, wherever it waits.
    let order: UInt64
    /// Which of the words says how long it waits; nil where nothing does.
    private let timeout: Int?
    private let isInMilliseconds: Bool
    /// The client has silenced its reply.
    let isSilent: Bool

    /// Nil when the request does not block: XREAD without BLOCK.
    init?(
        _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, now: UInt64, order: UInt64, isSilent: Bool = false
    ) {
        since = now
        self.order = order
        self.isSilent = isSilent
        let name = arguments[0]
        let reads = name.isWord("xread") || name.isWord("xreadgroup")
        if reads {
            guard let option = (1..<count).first(where: { arguments[$0].isWord("block") }) else { return nil }
            timeout = option + 1 < count ? option + 1 : nil
        } else if name.isWord("blmpop") || name.isWord("bzmpop") {
            timeout = count > 1 ? 1 : nil
        } else {
            timeout = count > 1 ? count - 1 : nil
        }
        isInMilliseconds = reads || name.isWord("wait")
        command = name.count <= 32 ? String(decoding: name.raw, as: UTF8.self) : ""
        let size = (0..<count).reduce(0) { $0 + arguments[$1].count }
        words = size <= Self.limit ? (0..<count).map { arguments[$0].array } : []
    }

    /// What a client of an emulator waits in.
    init?(_ words: [[UInt8]], since: UInt64, order: UInt64, isSilent: Bool) {
        let request = words.reduce(into: ContiguousArray<UInt8>()) { $0 += $1 }
        let made: BlockedRequest? = request.withUnsafeBytes { raw in
            withUnsafeTemporaryAllocation(of: Bytes.self, capacity: max(words.count, 1)) { slots in
                // The name is never empty, so that there are bytes.
                guard let start = raw.baseAddress, let arguments = slots.baseAddress else { return nil }
                var begin = 0
                for (index, word) in words.enumerated() {
                    (arguments + index).initialize(to: Bytes(raw: start + begin, word.count))
                    begin += word.count
                }
                return BlockedRequest(arguments, words.count, now: since, order: order, isSilent: isSilent)
            }
        }
        guard let made else { return nil }
        self = made
    }

    /// In lower case.
    var name: String { words.first.map { String(decoding: $0, as: UTF8.self).lowercased() } ?? "" }

    /// WAIT and SAVE ask about one server's replicas and files: nothing of it can be asked elsewhere.
    var isMovable: Bool { !words.isEmpty && !words[0].withBytes { $0.isWord("wait") || $0.isWord("save") } }

    /// Why a client that waits in it cannot be moved, where it is not movable.
    var pin: String {
        let size = words.isEmpty ? " of more than \(Self.limit >> 10) KiB" : ""
        return "waits in \(command.uppercased())\(size), which cannot be asked again elsewhere"
    }

    /// Where XREAD asks for what comes from now on (`$`), by the key: which word is to become an id.
    var openIDs: [(key: [UInt8], word: Int)] {
        guard words[0].withBytes({ $0.isWord("xread") }),
            let streams = words.firstIndex(where: { $0.withBytes { $0.isWord("streams") } })
        else { return [] }
        let keys = (words.count - streams - 1) / 2
        return (0..<keys).compactMap { index in
            let word = streams + 1 + keys + index
            return words[word] == [UInt8(ascii: "$")] ? (words[streams + 1 + index], word) : nil
        }
    }

    mutating func resolve(_ word: Int, to id: [UInt8]) {
        words[word] = id
    }

    /// The request with the time that is left; nil when its time is over.
    func renewed(now: UInt64) -> [[UInt8]]? {
        guard let timeout else { return words }
        let waited = now - since
        var renewed = words
        if isInMilliseconds {
            guard let milliseconds = words[timeout].withBytes({ $0.integer }), milliseconds > 0 else { return words }
            let left = milliseconds - Int64(waited / 1_000_000)
            guard left > 0 else { return nil }
            renewed[timeout] = Array("\(left)".utf8)
        } else {
            guard let seconds = words[timeout].withBytes({ $0.double }), seconds > 0, seconds < 1e12 else {
                return words
            }
            let left = seconds - Double(waited) / 1e9
            guard left > 0.001 else { return nil }
            renewed[timeout] = Array("\(Double(Int(left * 1000)) / 1000)".utf8)
        }
        return renewed
    }
}
