import RESPWire

/// Strings: bytes, or a 64-bit integer while the value is one in canonical form.
let stringCommands: [Command] = [
    Command("get", 2, [.readonly, .fast], .first, body: Strings.get),
    Command("set", -3, [.write, .denyOOM], .first, body: Strings.set),
    Command("setnx", 3, [.write, .denyOOM, .fast], .first, body: Strings.setIfAbsent),
    Command("setex", 4, [.write, .denyOOM], .first, body: { Strings.setWithExpiry($0, .seconds, "setex") }),
    Command("psetex", 4, [.write, .denyOOM], .first, body: { Strings.setWithExpiry($0, .milliseconds, "psetex") }),
    Command("getset", 3, [.write, .denyOOM, .fast], .first, body: Strings.getSet),
    Command("getdel", 2, [.write, .fast], .first, body: Strings.getDelete),
    Command("getex", -2, [.write, .fast], .first, body: Strings.getExpire),
    Command("mget", -2, [.readonly, .fast], .all, body: Strings.getMany),
    Command("mset", -3, [.write, .denyOOM], .pairs, body: Strings.setMany),
    Command("msetnx", -3, [.write, .denyOOM], .pairs, body: Strings.setManyIfAbsent),
    Command("incr", 2, [.write, .denyOOM, .fast], .first, body: { Strings.add(1, $0) }),
    Command("decr", 2, [.write, .denyOOM, .fast], .first, body: { Strings.add(-1, $0) }),
    Command("incrby", 3, [.write, .denyOOM, .fast], .first, body: Strings.increaseBy),
    Command("decrby", 3, [.write, .denyOOM, .fast], .first, body: Strings.decreaseBy),
    Command("incrbyfloat", 3, [.write, .denyOOM, .fast], .first, body: Strings.increaseByFloat),
    Command("append", 3, [.write, .denyOOM, .fast], .first, body: Strings.append),
    Command("strlen", 2, [.readonly, .fast], .first, body: Strings.length),
    Command("getrange", 4, [.readonly], .first, body: Strings.getRange),
    Command("substr", 4, [.readonly], .first, body: Strings.getRange),
    Command("setrange", 4, [.write, .denyOOM], .first, body: Strings.setRange),
    Command("lcs", -3, [.readonly], .firstTwo, body: Subsequence.run),
]

private enum Strings {
    // MARK: reading

    static let get: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.null() }
        guard entry.type == .string else { return call.reply.error(ErrorText.wrongType) }
        replyString(entry, call)
    }

    @inline(__always) static func replyString(_ entry: Entry, _ call: borrowing Call) {
        if entry.encoding == Database.StringEncoding.integer {
            call.reply.bulkInteger(entry.integer)
        } else {
            call.reply.bulk(entry.value)
        }
    }

    /// Replies the string or null; false after an error reply for another type.
    static func replyIfString(_ entry: Entry?, _ call: borrowing Call) -> Bool {
        guard let entry else {
            call.reply.null()
            return true
        }
        guard entry.type == .string else {
            call.reply.error(ErrorText.wrongType)
            return false
        }
        replyString(entry, call)
        return true
    }

    static let getMany: CommandBody = { call in
        call.reply.array(call.count - 1)
        for index in 1..<call.count {
            let entry = call.find(call[index])
            if let entry, entry.type == .string { replyString(entry, call) } else { call.reply.null() }
        }
    }

    static let length: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.integer(0) }
        guard entry.type == .string else { return call.reply.error(ErrorText.wrongType) }
        call.reply.integer(call.database.withString(entry) { $0.count })
    }

    static let getRange: CommandBody = { call in
        guard let from = call.integer(2), let to = call.integer(3) else { return }
        guard let entry = call.findFirst() else { return call.reply.bulk("") }
        guard entry.type == .string else { return call.reply.error(ErrorText.wrongType) }
        let reply = call.reply
        call.database.withString(entry) { value in
            if from < 0, to < 0, from > to { return reply.bulk("") }
            let count = Int64(value.count)
            let first = max(from < 0 ? count + from : from, 0)
            let last = min(max(to < 0 ? count + to : to, 0), count - 1)
            guard first <= last, count > 0 else { return reply.bulk("") }
            reply.bulk(value.slice(Int(first), Int(last - first + 1)))
        }
    }

    // MARK: setting

    static let set: CommandBody = { call in
        if call.count == 3 {
            call.database.setString(call[1], call.hash, call[2], expiry: nil)
            call.changed(call[1], .string, "set")
            return call.reply.ok()
        }
        setWithOptions(call)
    }

    static func setWithOptions(_ call: borrowing Call) {
        var condition: Bool?  // the key must exist, must not, or may
        var keepsExpiry = false
        var returnsOld = false
        var expiry: Expiry?
        var index = 3
        while index < call.count {
            let hasNext = index + 1 < call.count
            if call.isWord(index, "nx"), condition != true {
                condition = false
            } else if call.isWord(index, "xx"), condition != false {
                condition = true
            } else if call.isWord(index, "get") {
                returnsOld = true
            } else if call.isWord(index, "keepttl"), expiry == nil {
                keepsExpiry = true
            } else if !keepsExpiry, hasNext, let unit = Expiry.unit(call[index]),
                expiry.map({ $0.unit == unit }) ?? true
            {
                expiry = Expiry(unit: unit, argument: index + 1)
                index += 1
            } else {
                return call.reply.error(ErrorText.syntax)
            }
            index += 1
        }
        var end: Int64?
        if let expiry {
            guard let time = expiry.time(call, command: "set") else { return }
            end = time
        }
        let old = call.database.find(call[1], call.hash)
        if returnsOld {
            call.emulator.noteLookup(old)
            if old == nil { call.notify(.missed, "keymiss", call[1]) }
            guard replyIfString(old, call) else { return }
        }
        if let condition, condition != (old != nil) {
            return returnsOld ? () : call.reply.null()
        }
        if keepsExpiry, let old, old.hasExpiry { end = old.expiry }
        store(call[2], expiry: end, call)
        if expiry != nil { call.notify(.generic, "expire", call[1]) }
        if !returnsOld { call.reply.ok() }
    }

    /// Sets the first key; a time that has passed already takes it out.
    static func store(_ value: Bytes, expiry: Int64?, _ call: borrowing Call) {
        if let expiry, expiry <= call.now {
            if let old = call.database.find(call[1], call.hash) {
                call.database.remove(old, call.hash)
                call.tell(["DEL", .bytes(call[1])])
            } else {
                call.tellNothing()
            }
        } else {
            call.database.setString(call[1], call.hash, value, expiry: expiry)
            call.tellString(value, expiry: expiry)
        }
        call.changed(call[1], .string, "set")
    }

    static let setIfAbsent: CommandBody = { call in
        guard call.database.find(call[1], call.hash) == nil else { return call.reply.flag(false) }
        store(call[2], expiry: nil, call)
        call.reply.flag(true)
    }

    static func setWithExpiry(_ call: borrowing Call, _ unit: Expiry.Unit, _ command: String) {
        guard let time = Expiry(unit: unit, argument: 2).time(call, command: command) else { return }
        store(call[3], expiry: time, call)
        call.notify(.generic, "expire", call[1])
        call.reply.ok()
    }

    static let getSet: CommandBody = { call in
        guard replyIfString(call.findFirst(), call) else { return }
        store(call[2], expiry: nil, call)
    }

    static let getDelete: CommandBody = { call in
        let entry = call.findFirst()
        guard replyIfString(entry, call), let entry else { return }
        call.changed(call[1])
        call.tell(["DEL", .bytes(call[1])])
        call.database.remove(entry, call.hash)
        call.notifyRemoval(of: call[1])
    }

    static let getExpire: CommandBody = { call in
        var expiry: Expiry?
        var persists = false
        var index = 2
        while index < call.count {
            if call.isWord(index, "persist"), expiry == nil {
                persists = true
            } else if !persists, index + 1 < call.count, let unit = Expiry.unit(call[index]),
                expiry.map({ $0.unit == unit }) ?? true
            {
                expiry = Expiry(unit: unit, argument: index + 1)
                index += 1
            } else {
                return call.reply.error(ErrorText.syntax)
            }
            index += 1
        }
        guard let entry = call.findFirst() else { return call.reply.null() }
        guard entry.type == .string else { return call.reply.error(ErrorText.wrongType) }
        var end: Int64?
        if let expiry {
            guard let time = expiry.time(call, command: "getex") else { return }
            end = time
        }
        replyString(entry, call)
        guard persists && entry.hasExpiry || end != nil else { return }
        call.changed(call[1])
        if let end, end <= call.now {
            call.database.remove(entry, call.hash)
            call.tell(["DEL", .bytes(call[1])])
            call.notifyRemoval(of: call[1])
        } else {
            let old = entry.hasExpiry ? entry.expiry : nil
            call.database.setExpiry(end, of: entry, call.hash)
            call.tellNewEnd(end, insteadOf: old)
            call.notify(.generic, end == nil ? "persist" : "expire", call[1])
        }
    }

    static let setMany: CommandBody = { call in
        guard call.count % 2 == 1 else { return call.reply.error(ErrorText.wrongArity("mset")) }
        storePairs(call)
        call.reply.ok()
    }

    static let setManyIfAbsent: CommandBody = { call in
        guard call.count % 2 == 1 else { return call.reply.error(ErrorText.wrongArity("msetnx")) }
        for index in stride(from: 1, to: call.count, by: 2) {
            if call.database.find(call[index], call.database.hash(call[index])) != nil {
                return call.reply.flag(false)
            }
        }
        storePairs(call)
        call.reply.flag(true)
    }

    static func storePairs(_ call: borrowing Call) {
        for index in stride(from: 1, to: call.count, by: 2) {
            call.database.setString(
                call[index], call.database.hash(call[index]), call[index + 1], expiry: nil)
            call.changed(call[index], .string, "set")
        }
    }

    // MARK: numbers

    static let increaseBy: CommandBody = { call in
        guard let step = call.integer(2) else { return }
        add(step, call)
    }

    static let decreaseBy: CommandBody = { call in
        guard let step = call.integer(2) else { return }
        guard step != .min else { return call.reply.error(ErrorText.decrementOverflow) }
        add(-step, call)
    }

    static func add(_ step: Int64, _ call: borrowing Call) {
        let database = call.database
        guard let entry = database.find(call[1], call.hash) else {
            database.insert(database.makeInteger(call[1], step, expiry: nil), call.hash)
            call.changed(call[1], .string, "incrby")
            return call.reply.integer(step)
        }
        guard entry.type == .string else { return call.reply.error(ErrorText.wrongType) }
        let isInteger = entry.encoding == Database.StringEncoding.integer
        guard let old = isInteger ? entry.integer : entry.value.integer else {
            return call.reply.error(ErrorText.notAnInteger)
        }
        let (sum, overflow) = old.addingReportingOverflow(step)
        guard !overflow else { return call.reply.error(ErrorText.overflow) }
        if isInteger {
            database.owned(entry, call.hash).integer = sum
        } else {
            let made = database.makeInteger(call[1], sum, expiry: entry.hasExpiry ? entry.expiry : nil)
            database.replace(entry, with: made, call.hash)
        }
        call.changed(call[1], .string, "incrby")
        call.reply.integer(sum)
    }

    static let increaseByFloat: CommandBody = { call in
        let database = call.database
        let entry = database.find(call[1], call.hash)
        if let entry, entry.type != .string { return call.reply.error(ErrorText.wrongType) }
        let step = call[2]
        let sum = entry.map { database.withString($0) { $0.adding(decimal: step) } } ?? Bytes("0").adding(decimal: step)
        switch sum {
        case .baseIsNoNumber, .addendIsNoNumber: call.reply.error(ErrorText.notAFloat)
        case .notFinite: call.reply.error(ErrorText.notFinite)
        case .sum(let text):
            let expiry = entry.flatMap { $0.hasExpiry ? $0.expiry : nil }
            text.withBytes { bytes in
                // As bytes, like Redis, even where the sum is whole.
                database.setString(call[1], call.hash, bytes, expiry: expiry, isNumber: false)
                call.tellString(bytes, expiry: expiry)
                call.changed(call[1], .string, "incrbyfloat")
                call.reply.bulk(bytes)
            }
        }
    }

    // MARK: parts

    static let append: CommandBody = { call in
        let value = call[2]
        guard let entry = call.database.find(call[1], call.hash) else {
            call.database.setString(call[1], call.hash, value, expiry: nil)
            call.changed(call[1], .string, "append")
            return call.reply.integer(value.count)
        }
        guard entry.type == .string else { return call.reply.error(ErrorText.wrongType) }
        let old = call.database.withString(entry) { $0.count }
        guard old + value.count <= call.longestString else { return call.reply.error(ErrorText.tooLong) }
        let grown = call.database.resizeString(entry, call.hash, to: old + value.count)
        (grown.valueStart + old).copyMemory(from: value.start, byteCount: value.count)
        call.changed(call[1], .string, "append")
        call.reply.integer(old + value.count)
    }

    static let setRange: CommandBody = { call in
        guard let offset = call.integer(2) else { return }
        guard offset >= 0 else { return call.reply.error(ErrorText.offsetOutOfRange) }
        let value = call[3]
        let entry = call.database.find(call[1], call.hash)
        if let entry, entry.type != .string { return call.reply.error(ErrorText.wrongType) }
        let old = entry.map { call.database.withString($0) { $0.count } } ?? 0
        guard value.count > 0 else { return call.reply.integer(old) }
        guard offset <= Int64(call.longestString - value.count) else {
            return call.reply.error(ErrorText.tooLong)
        }
        let start = Int(offset)
        if entry == nil { call.database.setString(call[1], call.hash, Bytes(""), expiry: nil) }
        guard let existing = call.database.find(call[1], call.hash) else { return }
        let grown = call.database.resizeString(existing, call.hash, to: max(old, start + value.count))
        (grown.valueStart + start).copyMemory(from: value.start, byteCount: value.count)
        call.changed(call[1], .string, "setrange")
        call.reply.integer(grown.valueLength)
    }
}
