/// Options that commands got after Redis 5.0: an older server refuses the command that has one. After the history that the
/// documentation of each command tells; commands that came with all their options are known by their name alone.
public struct DatedOptions: Sendable {
    /// A version as 602 for 6.2.
    public typealias Version = Int

    private let command: String
    /// With fewer arguments, the name among them, there is none.
    public let least: Int
    /// The argument that may be the first one.
    private let first: Int
    /// In lower case; `count` stands for an argument that is a number.
    private let options: [(word: StaticString, since: Version)]

    /// Nil for a command that has none.
    public static func of(_ name: CommandName) -> DatedOptions? { table[name] }

    /// The version that knows an option, by its name in `names`; nil for what is none.
    public static func version(of name: String) -> Version? { versions[name] }

    /// As a server writes it: `6.2.11`.
    public static func version(_ text: some StringProtocol) -> Version? {
        let parts = text.split(separator: ".").prefix(2).compactMap { Int($0) }
        return parts.count == 2 ? parts[0] * 100 + min(parts[1], 99) : nil
    }

    /// The options that a request has, a bit each.
    public func present(in arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> UInt32 {
        guard count >= least else { return 0 }
        if options[0].word.utf8CodeUnitCount == 5, arguments[first].integer != nil { return 1 }
        var present: UInt32 = 0
        for index in first..<min(count, first + Self.looked) {
            for (bit, option) in options.enumerated() where arguments[index].isWord(option.word) {
                present |= 1 << UInt32(bit)
            }
        }
        return present
    }

    /// `set keepttl` of each bit.
    public func names(_ present: UInt32) -> [String] {
        options.indices.filter { present >> UInt32($0) & 1 == 1 }.map { "\(command) \(options[$0].word)" }
    }

    /// Options stand near the front, or are few: behind them may be a million members.
    private static let looked = 8

    private init(_ command: String, least: Int, first: Int, _ options: [(word: StaticString, since: Version)]) {
        self.command = command
        self.least = least
        self.first = first
        self.options = options
    }

    private static let rows: [DatedOptions] =
        [
            DatedOptions(
                "set", least: 4, first: 3, [("keepttl", 600), ("get", 602), ("exat", 602), ("pxat", 602)]),
            DatedOptions("zadd", least: 5, first: 2, [("gt", 602), ("lt", 602)]),
            DatedOptions(
                "zrange", least: 5, first: 4, [("byscore", 602), ("bylex", 602), ("rev", 602), ("limit", 602)]),
            DatedOptions("geoadd", least: 6, first: 2, [("nx", 602), ("xx", 602), ("ch", 602)]),
            DatedOptions("xadd", least: 6, first: 2, [("nomkstream", 602), ("minid", 602), ("limit", 602)]),
            DatedOptions("xtrim", least: 4, first: 2, [("minid", 602), ("limit", 602)]),
            DatedOptions("xpending", least: 5, first: 3, [("idle", 602)]),
            DatedOptions("xinfo", least: 4, first: 3, [("full", 600)]),
            DatedOptions("xgroup", least: 6, first: 5, [("entriesread", 700)]),
            DatedOptions("xsetid", least: 5, first: 3, [("entriesadded", 700), ("maxdeletedid", 700)]),
            DatedOptions("scan", least: 4, first: 2, [("type", 600)]),
            DatedOptions("lpop", least: 3, first: 2, [("count", 602)]),
            DatedOptions("rpop", least: 3, first: 2, [("count", 602)]),
            DatedOptions("flushall", least: 2, first: 1, [("sync", 602)]),
            DatedOptions("flushdb", least: 2, first: 1, [("sync", 602)]),
            DatedOptions("bitcount", least: 5, first: 4, [("bit", 700), ("byte", 700)]),
            DatedOptions("bitpos", least: 6, first: 5, [("bit", 700), ("byte", 700)]),
        ]
        + ["expire", "pexpire", "expireat", "pexpireat"].map { name in
            DatedOptions(name, least: 4, first: 3, [("nx", 700), ("xx", 700), ("gt", 700), ("lt", 700)])
        }

    private static let table = Dictionary(uniqueKeysWithValues: rows.map { (CommandName($0.command), $0) })

    private static let versions = Dictionary(
        uniqueKeysWithValues: rows.flatMap { row in
            row.options.map { ("\(row.command) \($0.word)", $0.since) }
        })
}
