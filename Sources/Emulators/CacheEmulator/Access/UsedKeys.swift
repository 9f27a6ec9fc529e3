import RESPWire

/// The keys that one request uses, and what it does with them; found once, when the first rule asks for them.
struct UsedKeys {
    struct Key {
        /// Among the arguments.
        var place: Int
        var permissions: KeyPermissions
    }

    private let number: Int
    private let command: UnsafePointer<Command>
    private let arguments: UnsafeMutablePointer<Bytes>
    private let count: Int
    private(set) lazy var keys = find()

    init(
        _ number: Int, _ command: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int
    ) {
        self.number = number
        self.command = command
        self.arguments = arguments
        self.count = count
    }

    func bytes(_ place: Int) -> Bytes { arguments[place] }

    private func find() -> [Key] {
        var found: [Key] = []
        for use in KeyUse.byCommand[number] where use.isOfKeys {
            for place in use.places?.indices(arguments, count) ?? [] {
                found.append(Key(place: place, permissions: narrowed(use.permissions)))
            }
        }
        // The last STORE counts, wherever it is: specifications name the first one, and know none of SORT's.
        let table = command.pointee.keys
        if table.storeFrom > 0, let place = table.storePlace(arguments, count),
            !found.contains(where: { $0.place == place })
        {
            found.append(Key(place: place, permissions: .write))
        }
        return found
    }

    /// SET reads only with GET, and BITFIELD writes only where one of its operations is another than GET.
    private func narrowed(_ permissions: KeyPermissions) -> KeyPermissions {
        switch number {
        case Self.set: (3..<max(count, 3)).contains { arguments[$0].isWord("get") } ? .readWrite : .write
        case Self.bitField: onlyReads ? .read : .readWrite
        default: permissions
        }
    }

    /// As Redis steps over the operations of BITFIELD.
    private var onlyReads: Bool {
        var index = 2
        while index < count {
            let rest = count - index - 1
            if arguments[index].isWord("get"), rest >= 2 {
                index += 3
            } else if arguments[index].isWord("overflow"), rest >= 1 {
                index += 2
            } else {
                return false
            }
        }
        return true
    }

    private static let set = CommandCatalogue.shared.number(ofRow: "set")
    private static let bitField = CommandCatalogue.shared.number(ofRow: "bitfield")
}

/// Which arguments of a command are channels, and what they are to it.
enum ChannelUse {
    /// The one that a message goes to.
    case publish
    case subscribe
    /// Patterns: a rule has to name them as they are.
    case subscribePatterns

    init?(_ number: Int) {
        guard let found = Self.byNumber[number] else { return nil }
        self = found
    }

    func places(_ count: Int) -> Range<Int> { self == .publish ? 1..<2 : 1..<count }

    private static let byNumber: [Int: ChannelUse] = {
        var uses: [Int: ChannelUse] = [:]
        for (name, use) in [
            ("publish", ChannelUse.publish), ("spublish", .publish), ("subscribe", .subscribe),
            ("ssubscribe", .subscribe), ("psubscribe", .subscribePatterns),
        ] { CommandCatalogue.shared.number(ofRow: name).map { uses[$0] = use } }
        return uses
    }()
}
