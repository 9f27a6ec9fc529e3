/// Where a command has keys, as a server of Redis 7.0 or later tells by COMMAND ("key specifications" in the Redis
/// documentation): where to begin, and which arguments from there on.
public struct KeySpecification: Equatable, Sendable {
    public enum Begin: Equatable, Sendable {
        /// At this argument; the command's name is 0.
        case index(Int)
        /// Behind this word (in lower case), looked for from that argument on; from a negative one backwards, counted from the end.
        case keyword([UInt8], from: Int)
    }

    public enum Find: Equatable, Sendable {
        /// To the argument `last` further on (below 0: counted from the end; -1 with a limit: of the rest, one part of
        /// `limit`), every `step`th.
        case range(last: Int, step: Int, limit: Int)
        /// The number of keys is `number` further on; the first is `first` further on.
        case count(number: Int, first: Int, step: Int)
    }

    public var begin: Begin
    public var find: Find

    public init(_ begin: Begin, _ find: Find) {
        self.begin = begin
        self.find = find
    }

    /// The indices of the keys; none where the request is not as the specification says.
    public func indices(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> [Int] {
        guard let begin = place(arguments, count), begin > 0, begin < count else { return [] }
        let (first, last, step): (Int, Int, Int)
        switch find {
        case .range(let end, let by, let limit):
            first = begin
            step = by
            if end >= 0 {
                last = begin + end
            } else {
                last = limit > 1 ? begin + (count - begin) / limit + end : count + end
            }
        case .count(let number, let offset, let by):
            guard begin + number < count, let keys = arguments[begin + number].integer, keys > 0, keys < count else {
                return []
            }
            first = begin + offset
            step = by
            last = first + (Int(keys) - 1) * by
        }
        guard step > 0, first <= last, last < count else { return [] }
        return Array(stride(from: first, through: last, by: step))
    }

    private func place(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Int? {
        switch begin {
        case .index(let index): return index
        case .keyword(let word, let from):
            let isForward = from >= 0
            var index = isForward ? from : count + from
            while index > 0, index < count {
                if arguments[index].isWord(word) { return index + 1 }
                index += isForward ? 1 : -1
            }
            return nil
        }
    }
}

/// Which keys of a server's a command may change: its own statements about its commands, looked up by name.
public struct CommandKeys: Sendable {
    /// What a command may change.
    public enum Touched: Equatable, Sendable {
        case nothing
        case keys([[UInt8]])
        /// These, and whatever else a script that was called with them writes.
        case keysOfScript([[UInt8]])
        /// Nobody can tell which.
        case everything
    }

    /// One command, or one subcommand.
    public struct Row: Sendable {
        /// The server says that it changes nothing.
        public var isReadOnly: Bool
        /// The server says that it writes.
        public var isWrite: Bool
        /// Nil where the server does not say.
        public var keys: [KeySpecification]?

        public init(isReadOnly: Bool, isWrite: Bool, keys: [KeySpecification]?) {
            self.isReadOnly = isReadOnly
            self.isWrite = isWrite
            self.keys = keys
        }
    }

    private var rows: [CommandName: Row] = [:]
    private var containers: Set<CommandName> = []

    public init() {}

    /// Adds a command by its name, a subcommand as `xgroup|create`.
    public mutating func add(_ name: String, _ row: Row) {
        let name = name.lowercased()
        guard name.utf8.count <= CommandName.longest, !name.isEmpty else { return }
        if let bar = name.firstIndex(of: "|") { containers.insert(CommandName(String(name[..<bar]))) }
        rows[CommandName(name)] = row
    }

    /// What the server says is believed where it says "read only", but for PFCOUNT, which keeps its result in the key.
    public func touched(by arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Touched {
        guard let name = CommandName(arguments[0]) else { return .everything }
        var row = rows[name]
        if containers.contains(name), count > 1, arguments[1].count < CommandName.longest {
            row = subcommand(name, arguments[1]) ?? row
        }
        // What it has not told may have come since.
        guard let row else { return .everything }
        guard !row.isReadOnly || name == Self.pfcount else { return .nothing }
        if Self.flushes.contains(name) { return .everything }
        var indices = Set(row.keys?.flatMap { $0.indices(arguments, count) } ?? [])
        // The server does not say that of SORT; of several the last one counts.
        if name == Self.sort {
            indices.formUnion((2..<max(count, 2)).filter { $0 > 2 && arguments[$0 - 1].isWord("store") })
        }
        if !indices.isEmpty {
            let keys = indices.sorted().map { arguments[$0].array }
            return Self.scripts.contains(name) ? .keysOfScript(keys) : .keys(keys)
        }
        // A script without keys of its own, and what the server itself does not tell.
        guard let keys = row.keys, !Self.scripts.contains(name) else { return .everything }
        return keys.isEmpty && row.isWrite ? .everything : .nothing
    }

    /// The same for a request that was kept.
    public func touched(by words: [[UInt8]]) -> Touched {
        let whole = words.flatMap { $0 }
        return whole.withUnsafeBufferPointer { buffer in
            var arguments: [Bytes] = []
            var begin = 0
            for word in words {
                arguments.append(buffer.baseAddress.map { Bytes($0 + begin, word.count) } ?? Bytes(""))
                begin += word.count
            }
            return arguments.withUnsafeMutableBufferPointer { place in
                place.baseAddress.map { touched(by: $0, words.count) } ?? .nothing
            }
        }
    }

    private func subcommand(_ name: CommandName, _ word: Bytes) -> Row? {
        let whole = Array("\(name.text)|".utf8) + word.array
        return whole.withBytes { CommandName($0).flatMap { rows[$0] } }
    }

    private static let pfcount = CommandName("pfcount")
    private static let sort = CommandName("sort")
    private static let flushes = Set(["flushall", "flushdb", "swapdb"].map { CommandName($0) })
    private static let scripts = Set(["eval", "evalsha", "fcall"].map { CommandName($0) })
}
