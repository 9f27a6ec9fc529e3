import RESPWire

/// SORT: the members of a list, a set or a sorted set in order, of themselves or of what other keys say of them.
let sortCommands: [Command] = [
    Command(
        "sort", -2, [.write, .denyOOM, .movableKeys], .firstAndStore(from: 2), body: { Sorting.run($0, stores: true) }),
    Command("sort_ro", -2, [.readonly, .movableKeys], .first, body: { Sorting.run($0, stores: false) }),
]

/// `prefix*suffix` or `prefix*suffix->field`: a key, or a field of one, for every element.
private struct SortPattern {
    private enum Form {
        case element
        /// No star: no key at all.
        case nothing
        case key(prefix: Bytes, suffix: Bytes, field: Bytes?)
    }

    private let form: Form

    /// Signs behind a zero byte mean nothing, as in C.
    init(_ text: Bytes) {
        let visible = text.raw.firstIndex(of: 0) ?? text.count
        if text.count == 1, text[0] == UInt8(ascii: "#") {
            form = .element
        } else if let star = Self.star(text) {
            let arrow = (star + 1..<max(visible - 2, star + 1)).first {
                text[$0] == UInt8(ascii: "-") && text[$0 + 1] == UInt8(ascii: ">")
            }
            let end = arrow ?? text.count
            form = .key(
                prefix: text.slice(0, star), suffix: text.slice(star + 1, end - star - 1),
                field: arrow.map { text.slice($0 + 2, text.count - $0 - 2) })
        } else {
            form = .nothing
        }
    }

    static func star(_ text: Bytes) -> Int? {
        text.raw.firstIndex { $0 == UInt8(ascii: "*") || $0 == 0 }.flatMap {
            text[$0] == UInt8(ascii: "*") ? $0 : nil
        }
    }

    /// What the pattern finds for an element; nil where there is nothing, or something else than a string.
    func value(for element: [UInt8], _ call: borrowing Call) -> [UInt8]? {
        switch form {
        case .element: return element
        case .nothing: return nil
        case .key(let prefix, let suffix, let field):
            let key = prefix.array + element + suffix.array
            guard let entry = key.withBytes({ call.find($0) }) else { return nil }
            guard let field else {
                return entry.type == .string ? call.database.withString(entry) { $0.array } : nil
            }
            return entry.type == .hash ? call.database.hashValue(entry).value(of: field)?.array : nil
        }
    }
}

private struct SortOptions {
    var isDescending = false
    var isAlphabetic = false
    /// BY has no star: the elements stay in the order in which they are stored.
    var keepsOrder = false
    var by: SortPattern?
    var gets: [SortPattern] = []
    var offset: Int64 = 0
    /// Below 0: all.
    var limit: Int64 = -1
    var target: Bytes?

    /// Nil after an error reply.
    init?(_ call: borrowing Call, stores: Bool) {
        let seesAll = call.emulator.readsAllKeys(call.client, call.arguments, call.count)
        var index = 2
        while index < call.count {
            let rest = call.count - index - 1
            if call.isWord(index, "asc") {
                isDescending = false
            } else if call.isWord(index, "desc") {
                isDescending = true
            } else if call.isWord(index, "alpha") {
                isAlphabetic = true
            } else if call.isWord(index, "limit"), rest >= 2 {
                guard let skipped = call.integer(index + 1), let most = call.integer(index + 2) else { return nil }
                offset = skipped
                limit = most
                index += 2
            } else if stores, call.isWord(index, "store"), rest >= 1 {
                target = call[index + 1]
                index += 1
            } else if call.isWord(index, "by"), rest >= 1 {
                by = SortPattern(call[index + 1])
                // Once without a star, the order is kept whatever another BY says.
                if SortPattern.star(call[index + 1]) == nil {
                    keepsOrder = true
                } else if !seesAll {
                    call.reply.error(ErrorText.sortByDenied)
                    return nil
                }
                index += 1
            } else if call.isWord(index, "get"), rest >= 1 {
                guard seesAll else {
                    call.reply.error(ErrorText.sortGetDenied)
                    return nil
                }
                gets.append(SortPattern(call[index + 1]))
                index += 1
            } else {
                call.reply.error(ErrorText.syntax)
                return nil
            }
            index += 1
        }
    }

    /// Of `count` elements those that LIMIT leaves.
    func limited(_ count: Int) -> Range<Int> {
        let start = Int(min(max(offset, 0), Int64(count)))
        return start..<(limit < 0 ? count : start + Int(min(limit, Int64(count - start))))
    }
}

/// An element, and what it is sorted by.
private struct SortItem {
    var element: [UInt8]
    var score = 0.0
    /// With ALPHA and BY: what its key holds, nil where there is none.
    var text: [UInt8]?
}

private enum Sorting {
    static func run(_ call: borrowing Call, stores: Bool) {
        guard var options = SortOptions(call, stores: stores) else { return }
        let entry = call.findFirst()
        if let entry, ![.list, .set, .sortedSet].contains(entry.type) { return call.reply.error(ErrorText.wrongType) }
        if options.keepsOrder, options.target != nil, entry?.type == .set {
            // What is stored does not depend on how a set is kept.
            options.keepsOrder = false
            options.isAlphabetic = true
            options.by = nil
        }

        var items = elements(of: entry, options, call).map { SortItem(element: $0) }
        let wanted = options.limited(items.count)
        if !options.keepsOrder {
            guard weigh(&items, options, call) else { return call.reply.error(ErrorText.sortScore) }
            sort(&items, wanted, options)
        }

        if let target = options.target {
            store(items[wanted], as: target, options, call)
        } else {
            reply(items[wanted], options, call)
        }
    }

    private static func elements(of entry: Entry?, _ options: SortOptions, _ call: borrowing Call) -> [[UInt8]] {
        guard let entry else { return [] }
        let isReversed = options.keepsOrder && options.isDescending
        let database = call.database
        var elements: [[UInt8]] = []
        switch entry.type {
        case .list:
            let list = database.list(entry)
            list.forEach(from: 0, to: list.count, reversed: isReversed) { elements.append($0.array) }
        case .set: database.set(entry).forEach { elements.append($0.array) }
        case .sortedSet:
            // As Redis leaves it; OBJECT ENCODING tells.
            let set = database.ownedSortedSet(entry, call.hash)
            if set.isPacked { set.becomeIndexed() }
            set.forEach(reversed: isReversed) { member, _ in elements.append(member.array) }
        default: break
        }
        return elements
    }

    /// Finds what the items are sorted by; false when a number is none.
    private static func weigh(_ items: inout [SortItem], _ options: SortOptions, _ call: borrowing Call) -> Bool {
        if options.isAlphabetic, options.by == nil { return true }
        var isValid = true
        for index in items.indices {
            let element = items[index].element
            guard let value = options.by.map({ $0.value(for: element, call) }) ?? element else { continue }
            if options.isAlphabetic {
                items[index].text = value
            } else if let score = value.withBytes({ $0.sortScore }) {
                items[index].score = score
            } else {
                isValid = false
            }
        }
        return isValid
    }

    private static func sort(_ items: inout [SortItem], _ wanted: Range<Int>, _ options: SortOptions) {
        let hasBy = options.by != nil
        let sign = options.isDescending ? -1 : 1
        // Without STORE Redis compares as the C locale does, which ends at a zero byte.
        let isExact = options.target != nil
        let compare: (SortItem, SortItem) -> Int = { a, b in
            if !options.isAlphabetic {
                if a.score != b.score { return a.score < b.score ? -sign : sign }
                return sign * order(a.element, b.element, isExact: true)
            }
            guard hasBy else { return sign * order(a.element, b.element, isExact: isExact) }
            switch (a.text, b.text) {
            case (nil, nil): return 0
            case (nil, _): return -sign
            case (_, nil): return sign
            case (let a?, let b?): return sign * order(a, b, isExact: isExact)
            }
        }
        if hasBy, wanted != 0..<items.count {
            guard !wanted.isEmpty else { return }
            PartialSort.sort(&items, wanted: wanted.lowerBound...wanted.upperBound - 1, by: compare)
        } else {
            let sorted = items.enumerated().sorted { a, b in
                let order = compare(a.element, b.element)
                return order != 0 ? order < 0 : a.offset < b.offset
            }
            items = sorted.map(\.element)
        }
    }

    private static func order(_ a: [UInt8], _ b: [UInt8], isExact: Bool) -> Int {
        a.withBytes { a in
            b.withBytes { b in
                if isExact { return a.compare(b).signum() }
                let text = a.slice(0, a.raw.firstIndex(of: 0) ?? a.count)
                return text.compare(b.slice(0, b.raw.firstIndex(of: 0) ?? b.count)).signum()
            }
        }
    }

    private static func reply(_ items: ArraySlice<SortItem>, _ options: SortOptions, _ call: borrowing Call) {
        let reply = call.reply
        reply.array(items.count * max(options.gets.count, 1))
        for item in items where !call.hasOverflowed {
            if options.gets.isEmpty { item.element.withBytes { reply.bulk($0) } }
            for pattern in options.gets {
                if let value = pattern.value(for: item.element, call) {
                    value.withBytes { reply.bulk($0) }
                } else {
                    reply.null()
                }
            }
        }
    }

    private static func store(
        _ items: ArraySlice<SortItem>, as target: Bytes, _ options: SortOptions, _ call: borrowing Call
    ) {
        let database = call.database
        let made = database.makeDetached(.list, target)
        let list = database.list(made)
        for item in items {
            if options.gets.isEmpty { item.element.withBytes { list.append($0, in: database.memory) } }
            for pattern in options.gets {
                // What is missing is stored as an empty string.
                (pattern.value(for: item.element, call) ?? []).withBytes { list.append($0, in: database.memory) }
            }
        }
        let count = list.count
        call.put(made, orRemove: count == 0, target, .list, "sortstore")
        if count > 0 { call.counts(count) }
        call.reply.integer(count)
    }
}

extension Call {
    /// Puts a detached value in the place of whatever a key holds, or discards it and takes that away; tells what the
    /// key is now.
    func put(
        _ made: Entry, orRemove isEmpty: Bool, _ key: Bytes, _ kind: KeyspaceEvents, _ event: StaticString
    ) {
        let hash = database.hash(key)
        if !isEmpty {
            database.put(made, hash)
        } else {
            database.discard(made)
            guard let old = database.find(key, hash) else { return }
            database.remove(old, hash)
        }
        changed(key, isEmpty ? .generic : kind, isEmpty ? "del" : event)
        tellValue(of: key)
    }
}
