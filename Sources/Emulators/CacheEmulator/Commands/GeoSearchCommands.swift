import RESPWire

/// Which places are near: GEOSEARCH, and GEORADIUS before it.
let geoSearchCommands: [Command] = [
    Command("geosearch", -7, [.readonly], .first, body: { GeoSearch.run($0, .search) }),
    Command(
        "geosearchstore", -8, [.write, .denyOOM, .needsKeys], .firstTwo, body: { GeoSearch.run($0, .searchStore) }),
    Command(
        "georadius", -6, [.write, .denyOOM, .movableKeys], .firstAndStore(from: 5),
        body: { GeoSearch.run($0, .radius(ofMember: false, stores: true)) }),
    Command(
        "georadius_ro", -6, [.readonly], .first, body: { GeoSearch.run($0, .radius(ofMember: false, stores: false)) }),
    Command(
        "georadiusbymember", -5, [.write, .denyOOM, .movableKeys], .firstAndStore(from: 4),
        body: { GeoSearch.run($0, .radius(ofMember: true, stores: true)) }),
    Command(
        "georadiusbymember_ro", -5, [.readonly], .first,
        body: { GeoSearch.run($0, .radius(ofMember: true, stores: false)) }),
]

private enum GeoForm: Equatable {
    case search
    case searchStore
    case radius(ofMember: Bool, stores: Bool)

    var isSearch: Bool { self == .search || self == .searchStore }
}

/// What a search was asked for.
private struct GeoQuery {
    var center: GeoPoint?
    var shape: GeoArea.Shape?
    var unit = 1.0
    /// FROMMEMBER was named, be there a set to find it in or not.
    var hasMember = false
    /// FROMLONLAT was named.
    var hasPoint = false
    var withDistance = false
    var withHash = false
    var withPoint = false
    /// Nil: as they are found.
    var isDescending: Bool?
    /// 0: all.
    var count: Int64 = 0
    var takesAny = false
    var target: Bytes?
    var storesDistance = false

    /// Nil after an error reply; `set` is the one that is searched, if there is one.
    init?(_ call: borrowing Call, _ form: GeoForm, _ set: SortedSet?) {
        var index: Int
        switch form {
        case .search: index = 2
        case .searchStore:
            index = 3
            target = call[1]
        case .radius(let ofMember, _):
            index = ofMember ? 5 : 6
            if !ofMember {
                guard let point = call.point(2) else { return nil }
                center = point
            } else if set != nil {
                guard takeMember(call[2], set, call) else { return nil }
            }
            if !ofMember || set != nil {
                guard takeRadius(call, index - 2) else { return nil }
            }
        }
        while index < call.count {
            var taken = takeFlag(call, index, form)
            if taken == nil { taken = takeOption(call, index, form, set) }
            guard let taken else { return nil }
            index += taken
        }
        guard isComplete(call, form) else { return nil }
    }

    /// How many arguments an option without any of its own takes: 1, or nil where it is none.
    private mutating func takeFlag(_ call: borrowing Call, _ index: Int, _ form: GeoForm) -> Int? {
        if call.isWord(index, "withdist") {
            withDistance = true
        } else if call.isWord(index, "withhash") {
            withHash = true
        } else if call.isWord(index, "withcoord") {
            withPoint = true
        } else if call.isWord(index, "any") {
            takesAny = true
        } else if call.isWord(index, "asc") {
            isDescending = false
        } else if call.isWord(index, "desc") {
            isDescending = true
        } else if form == .searchStore, call.isWord(index, "storedist") {
            storesDistance = true
        } else {
            return nil
        }
        return 1
    }

    /// The same for options with arguments; nil after an error reply.
    private mutating func takeOption(
        _ call: borrowing Call, _ index: Int, _ form: GeoForm, _ set: SortedSet?
    ) -> Int? {
        let rest = call.count - index - 1
        if call.isWord(index, "count"), rest >= 1 {
            guard let number = call.integer(index + 1) else { return nil }
            guard number > 0 else {
                call.reply.error("ERR COUNT must be > 0")
                return nil
            }
            count = number
            return 2
        }
        if case .radius(ofMember: _, stores: true) = form, rest >= 1 {
            let isDistance = call.isWord(index, "storedist")
            if isDistance || call.isWord(index, "store") {
                target = call[index + 1]
                storesDistance = isDistance
                return 2
            }
        }
        if form.isSearch {
            if call.isWord(index, "frommember"), rest >= 1, !hasPoint {
                hasMember = true
                if set != nil, !takeMember(call[index + 1], set, call) { return nil }
                return 2
            }
            if call.isWord(index, "fromlonlat"), rest >= 2, !hasMember {
                guard let point = call.point(index + 1) else { return nil }
                center = point
                hasPoint = true
                return 3
            }
            if call.isWord(index, "byradius"), rest >= 2, !isBox { return takeRadius(call, index + 1) ? 3 : nil }
            if call.isWord(index, "bybox"), rest >= 3, shape == nil || isBox {
                return takeBox(call, index + 1) ? 4 : nil
            }
        }
        call.reply.error(ErrorText.syntax)
        return nil
    }

    private var isBox: Bool {
        if case .rectangle = shape { true } else { false }
    }

    private mutating func takeMember(_ member: Bytes, _ set: SortedSet?, _ call: borrowing Call) -> Bool {
        guard let score = set?.score(of: member) else {
            call.reply.error(ErrorText.noPlaceOfMember)
            return false
        }
        center = GeoCell(score: score).center
        return true
    }

    private mutating func takeRadius(_ call: borrowing Call, _ index: Int) -> Bool {
        guard let radius = call[index].double else {
            call.reply.error("ERR need numeric radius")
            return false
        }
        guard radius >= 0 else {
            call.reply.error("ERR radius cannot be negative")
            return false
        }
        guard let named = call.unitOfLength(index + 1) else { return false }
        shape = .circle(radius: radius)
        unit = named
        return true
    }

    private mutating func takeBox(_ call: borrowing Call, _ index: Int) -> Bool {
        guard let width = call[index].double else {
            call.reply.error("ERR need numeric width")
            return false
        }
        guard let height = call[index + 1].double else {
            call.reply.error("ERR need numeric height")
            return false
        }
        guard width >= 0, height >= 0 else {
            call.reply.error("ERR height or width cannot be negative")
            return false
        }
        guard let named = call.unitOfLength(index + 2) else { return false }
        shape = .rectangle(width: width, height: height)
        unit = named
        return true
    }

    /// False after an error reply.
    private func isComplete(_ call: borrowing Call, _ form: GeoForm) -> Bool {
        if target != nil, withDistance || withHash || withPoint {
            let who = form == .searchStore ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS"
            call.reply.error("ERR \(who) is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
            return false
        }
        if form.isSearch, !hasMember, !hasPoint {
            call.reply.error("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ", quoting: call[0])
            return false
        }
        if form.isSearch, shape == nil {
            call.reply.error("ERR exactly one of BYRADIUS and BYBOX can be specified for ", quoting: call[0])
            return false
        }
        if takesAny, count == 0 {
            call.reply.error("ERR the ANY argument requires COUNT argument")
            return false
        }
        return true
    }
}

/// A member that is near.
private struct GeoMatch {
    var member: [UInt8]
    var score: Double
    /// In metres.
    var distance: Double
    var point: GeoPoint
}

private enum GeoSearch {
    static func run(_ call: borrowing Call, _ form: GeoForm) {
        let entry = call.find(call[form == .searchStore ? 2 : 1])
        guard call.accepts(entry, .sortedSet) else { return }
        let set = entry.map { call.database.sortedSet($0) }
        guard let query = GeoQuery(call, form, set) else { return }

        var matches: [GeoMatch] = []
        if let set, let center = query.center, let shape = query.shape {
            matches = find(query, GeoArea(center: center, shape: shape, unit: query.unit), in: set)
        }

        if let target = query.target {
            store(matches, query, as: target, form.isSearch ? "geosearchstore" : "georadiusstore", call)
        } else {
            reply(matches, query, call)
        }
    }

    private static func find(_ query: GeoQuery, _ area: GeoArea, in set: SortedSet) -> [GeoMatch] {
        let most = query.takesAny ? Int(min(query.count, Int64(Int.max))) : Int.max
        var matches: [GeoMatch] = []
        for cell in area.cells where matches.count < most {
            let (low, high) = (Double(cell.firstScore), Double(cell.endScore))
            let first = set.count { _, score in score < low }
            set.visit(from: first) { member, score in
                guard score < high else { return false }
                let point = GeoCell(score: score).center
                guard let distance = area.distance(to: point) else { return true }
                matches.append(GeoMatch(member: member.array, score: score, distance: distance, point: point))
                return matches.count < most
            }
        }
        let wanted = query.count == 0 ? matches.count : Int(min(query.count, Int64(matches.count)))
        // The nearest are meant where some are left out.
        let isDescending = query.isDescending ?? (query.count > 0 && !query.takesAny ? false : nil)
        if let isDescending, wanted > 0 { sort(&matches, wanted, isDescending) }
        matches.removeLast(matches.count - wanted)
        return matches
    }

    private static func sort(_ matches: inout [GeoMatch], _ wanted: Int, _ isDescending: Bool) {
        let compare: (GeoMatch, GeoMatch) -> Int = { a, b in
            if a.distance == b.distance { return 0 }
            return (a.distance > b.distance) == isDescending ? -1 : 1
        }
        guard wanted == matches.count else { return PartialSort.sort(&matches, wanted: 0...wanted - 1, by: compare) }
        matches = matches.enumerated().sorted { a, b in
            let order = compare(a.element, b.element)
            return order != 0 ? order < 0 : a.offset < b.offset
        }.map(\.element)
    }

    private static func reply(_ matches: [GeoMatch], _ query: GeoQuery, _ call: borrowing Call) {
        let reply = call.reply
        let options = [query.withDistance, query.withHash, query.withPoint].count(where: { $0 })
        reply.array(matches.count)
        for match in matches {
            if options > 0 { reply.array(options + 1) }
            match.member.withBytes { reply.bulk($0) }
            if query.withDistance { reply.bulk(DoubleText.distance(match.distance / query.unit)) }
            if query.withHash { reply.integer(Int64(match.score)) }
            if query.withPoint {
                reply.array(2)
                reply.fixed(match.point.longitude)
                reply.fixed(match.point.latitude)
            }
        }
    }

    private static func store(
        _ matches: [GeoMatch], _ query: GeoQuery, as target: Bytes, _ event: StaticString, _ call: borrowing Call
    ) {
        let made = call.database.makeDetached(.sortedSet, target)
        let set = call.database.sortedSet(made)
        for match in matches {
            let score = query.storesDistance ? match.distance / query.unit : match.score
            match.member.withBytes { _ = set.put($0, score: score) }
        }
        call.put(made, orRemove: matches.isEmpty, target, .sortedSet, event)
        call.reply.integer(matches.count)
    }
}
