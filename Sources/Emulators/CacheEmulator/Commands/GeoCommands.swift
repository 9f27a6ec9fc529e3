import RESPWire

/// Places on the earth: members of a sorted set whose scores are their cells (`GeoCell`). What looks for them is in
/// `GeoSearchCommands.swift`.
let geoCommands: [Command] = [
    Command("geoadd", -5, [.write, .denyOOM], .first, body: Geo.add),
    Command("geopos", -2, [.readonly], .first, body: Geo.positions),
    Command("geodist", -4, [.readonly], .first, body: Geo.distance),
    Command("geohash", -2, [.readonly], .first, body: Geo.hashes),
]

extension Call {
    /// Two arguments as longitude and latitude, or nil after an error reply.
    func point(_ index: Int) -> GeoPoint? {
        guard let longitude = double(index), let latitude = double(index + 1) else { return nil }
        let point = GeoPoint(longitude: longitude, latitude: latitude)
        guard point.isValid else {
            let shown = [longitude, latitude].map { DoubleText.fixed($0, digits: 6) }.joined(separator: ",")
            reply.error("ERR invalid longitude,latitude pair \(shown)")
            return nil
        }
        return point
    }

    /// The metres of the unit that an argument names, or nil after an error reply.
    func unitOfLength(_ index: Int) -> Double? {
        if isWord(index, "m") { return 1 }
        if isWord(index, "km") { return 1000 }
        if isWord(index, "ft") { return 0.3048 }
        if isWord(index, "mi") { return 1609.34 }
        reply.error(ErrorText.unitOfLength)
        return nil
    }
}

private enum Geo {
    static let add: CommandBody = { call in
        var first = 2
        var (onlyNew, onlyPresent, countsChanged) = (false, false, false)
        while first < call.count {
            if call.isWord(first, "nx") {
                onlyNew = true
            } else if call.isWord(first, "xx") {
                onlyPresent = true
            } else if call.isWord(first, "ch") {
                countsChanged = true
            } else {
                break
            }
            first += 1
        }
        guard (call.count - first) % 3 == 0, !(onlyNew && onlyPresent) else {
            return call.reply.error(ErrorText.syntax)
        }
        var scores: [Double] = []
        for index in stride(from: first, to: call.count, by: 3) {
            guard let point = call.point(index) else { return }
            scores.append(Double(GeoCell(point).bits))
        }
        guard !scores.isEmpty else { return call.reply.error(ErrorText.syntax) }
        let database = call.database
        let found = database.find(call[1], call.hash)
        guard call.accepts(found, .sortedSet) else { return }
        if found == nil, onlyPresent { return call.reply.integer(0) }

        let set = database.ownedSortedSet(found ?? database.make(.sortedSet, call[1], call.hash), call.hash)
        var (added, updated) = (0, 0)
        for (number, score) in scores.enumerated() {
            let member = call[first + number * 3 + 2]
            if onlyNew || onlyPresent, (set.score(of: member) != nil) == onlyNew { continue }
            switch set.put(member, score: score) {
            case .added: added += 1
            case .updated: updated += 1
            case .same, .refused, .notANumber: break
            }
        }
        call.reply.integer(countsChanged ? added + updated : added)
        if added + updated > 0 {
            call.changed(call[1], .sortedSet, "zadd")
            call.counts(added + updated)
        }
    }

    static let positions: CommandBody = { call in
        let entry = call.findFirst()
        guard call.accepts(entry, .sortedSet) else { return }
        let set = entry.map { call.database.sortedSet($0) }

        call.reply.array(call.count - 2)
        for index in 2..<call.count {
            guard let score = set?.score(of: call[index]) else {
                call.reply.nullArray()
                continue
            }
            let point = GeoCell(score: score).center
            call.reply.array(2)
            call.reply.fixed(point.longitude)
            call.reply.fixed(point.latitude)
        }
    }

    static let hashes: CommandBody = { call in
        let entry = call.findFirst()
        guard call.accepts(entry, .sortedSet) else { return }
        let set = entry.map { call.database.sortedSet($0) }

        call.reply.array(call.count - 2)
        for index in 2..<call.count {
            guard let score = set?.score(of: call[index]) else {
                call.reply.null()
                continue
            }
            call.reply.bulk(GeoCell.text(of: GeoCell(score: score).center))
        }
    }

    static let distance: CommandBody = { call in
        var unit = 1.0
        if call.count == 5 {
            guard let named = call.unitOfLength(4) else { return }
            unit = named
        }
        guard call.count <= 5 else { return call.reply.error(ErrorText.syntax) }
        guard let entry = call.findFirst() else { return call.reply.null() }
        guard call.accepts(entry, .sortedSet) else { return }
        let set = call.database.sortedSet(entry)
        guard let first = set.score(of: call[2]), let second = set.score(of: call[3]) else { return call.reply.null() }

        let distance = GeoCell(score: first).center.distance(to: GeoCell(score: second).center)

        call.reply.bulk(DoubleText.distance(distance / unit))
    }
}
