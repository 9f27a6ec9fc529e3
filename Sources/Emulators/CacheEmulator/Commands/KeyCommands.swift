import RESPWire

/// Keys, whatever their type: existence, names, expiry, iteration.
let keyCommands: [Command] = [
    Command("del", -2, [.write], .all, body: Keys.delete),
    Command("unlink", -2, [.write, .fast], .all, body: Keys.delete),
    Command("exists", -2, [.readonly, .fast], .all, body: Keys.exists),
    Command("touch", -2, [.readonly, .fast], .all, body: Keys.touch),
    Command("type", 2, [.readonly, .fast], .first, body: Keys.type),
    Command("keys", 2, [.readonly], body: Keys.keys),
    Command("scan", -2, [.readonly], body: Keys.scan),
    Command("randomkey", 1, [.readonly], body: Keys.random),
    Command("rename", 3, [.write, .needsKeys], .firstTwo, body: { Keys.rename($0, onlyIfAbsent: false) }),
    Command("renamenx", 3, [.write, .fast, .needsKeys], .firstTwo, body: { Keys.rename($0, onlyIfAbsent: true) }),
    Command("copy", -3, [.write, .denyOOM], .firstTwo, body: Keys.copy),
    Command("move", 3, [.write, .fast], .first, body: Keys.move),
    Command("expire", -3, [.write, .fast], .first, body: { KeyExpiry.expire($0, .seconds, "expire") }),
    Command("pexpire", -3, [.write, .fast], .first, body: { KeyExpiry.expire($0, .milliseconds, "pexpire") }),
    Command("expireat", -3, [.write, .fast], .first, body: { KeyExpiry.expire($0, .secondsAt, "expireat") }),
    Command("pexpireat", -3, [.write, .fast], .first, body: { KeyExpiry.expire($0, .millisecondsAt, "pexpireat") }),
    Command("ttl", 2, [.readonly, .fast], .first, body: { KeyExpiry.timeLeft($0, .seconds) }),
    Command("pttl", 2, [.readonly, .fast], .first, body: { KeyExpiry.timeLeft($0, .milliseconds) }),
    Command("expiretime", 2, [.readonly, .fast], .first, body: { KeyExpiry.timeLeft($0, .secondsAt) }),
    Command("pexpiretime", 2, [.readonly, .fast], .first, body: { KeyExpiry.timeLeft($0, .millisecondsAt) }),
    Command("persist", 2, [.write, .fast], .first, body: KeyExpiry.persist),
    Command(
        "object", -2, [],
        subcommands: [
            Command("encoding", 3, [.readonly], .second, body: ObjectInspection.encoding),
            Command("freq", 3, [.readonly], .second, body: ObjectInspection.frequency),
            Command("idletime", 3, [.readonly], .second, body: ObjectInspection.idleTime),
            Command("refcount", 3, [.readonly], .second, body: ObjectInspection.references),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.object) }),
        ], body: { _ in }),
]

private enum Keys {
    static let delete: CommandBody = { call in
        var count = 0
        for index in 1..<call.count {
            let hash = call.database.hash(call[index])
            guard let entry = call.database.find(call[index], hash) else { continue }
            call.database.remove(entry, hash)
            call.changed(call[index], .generic, "del")
            count += 1
        }
        call.reply.integer(count)
    }

    static let exists: CommandBody = { call in
        var count = 0
        for index in 1..<call.count where call.glance(call[index]) != nil { count += 1 }
        call.reply.integer(count)
    }

    static let touch: CommandBody = { call in
        var count = 0
        for index in 1..<call.count where call.find(call[index]) != nil { count += 1 }
        call.reply.integer(count)
    }

    static let type: CommandBody = { call in
        guard let entry = call.glance(call[1], call.hash) else { return call.reply.simple("none") }
        call.reply.simple(entry.type.name)
    }

    static let keys: CommandBody = { call in
        let pattern = call[1]
        let isAll = Glob.isAll(pattern)
        let now = call.now
        var found: [Entry] = []
        call.database.table.forEach { entry in
            if entry.hasExpiry, entry.expiry <= now { return }
            if isAll || Glob.matches(pattern, entry.key) { found.append(entry) }
        }
        call.reply.array(found.count)
        for entry in found { call.reply.bulk(entry.key) }
    }

    static let scan: CommandBody = { call in
        guard let cursor = ScanOptions.cursor(call[1], call) else { return call.reply.error(ErrorText.invalidCursor) }
        guard let options = ScanOptions(call, from: 2, allowsType: true) else { return }
        let now = call.now
        var found: [Entry] = []
        let next = call.database.table.scan(from: cursor, wanted: options.count) { entry in
            if entry.hasExpiry, entry.expiry <= now { return }
            if let type = options.type, !type.isWord(entry.type.name) { return }
            if let pattern = options.pattern, !Glob.matches(pattern, entry.key) { return }
            found.append(entry)
        }
        call.reply.array(2)
        options.replyCursor(next, call)
        call.reply.array(found.count)
        for entry in found { call.reply.bulk(entry.key) }
    }

    static let random: CommandBody = { call in
        // Keys whose time is over are passed over; when all are, the draws end.
        for _ in 0..<1000 {
            guard call.database.count > 0 else { break }
            let entry = call.database.table.random(using: &call.emulator.random)
            if let live = call.database.find(entry.key, call.database.hash(entry.key)) {
                return call.reply.bulk(live.key)
            }
        }
        call.reply.null()
    }

    static func rename(_ call: borrowing Call, onlyIfAbsent: Bool) {
        let database = call.database
        guard let entry = database.find(call[1], call.hash) else { return call.reply.error(ErrorText.noSuchKey) }
        if call[1] == call[2] { return onlyIfAbsent ? call.reply.integer(0) : call.reply.ok() }
        let target = database.hash(call[2])
        if let old = database.find(call[2], target) {
            if onlyIfAbsent { return call.reply.integer(0) }
            database.remove(old, target)
        }
        let moved = entry.renamed(call[2], in: database.memory)
        database.unlink(entry, call.hash)
        entry.free(in: database.memory)
        database.insert(moved, target)
        call.changed(call[1], .generic, "rename_from")
        call.changed(call[2], .generic, "rename_to")
        call.counts(1, insteadOf: 2)
        if onlyIfAbsent { call.reply.integer(1) } else { call.reply.ok() }
    }

    static let copy: CommandBody = { call in
        var target = call.client.database
        var replaces = false
        var index = 3
        while index < call.count {
            if call.isWord(index, "replace") {
                replaces = true
            } else if call.isWord(index, "db"), index + 1 < call.count {
                guard let number = call.databaseNumber(index + 1) else { return }
                target = number
                index += 1
            } else {
                return call.reply.error(ErrorText.syntax)
            }
            index += 1
        }
        if target == call.client.database, call[1] == call[2] { return call.reply.error(ErrorText.sameObject) }
        let other = call.emulator.databases[target]
        guard let entry = call.findFirst() else { return call.reply.integer(0) }
        let hash = other.hash(call[2])
        if let old = other.find(call[2], hash) {
            guard replaces else { return call.reply.integer(0) }
            other.remove(old, hash)
        }
        other.insertCopy(of: entry, as: call[2], hash)
        call.emulator.keyChanged(call[2], in: other)
        call.emulator.notify(.generic, "copy_to", call[2], in: other)
        if let effects = call.emulator.effects, entry.isNearItsEnd(now: call.now) {
            effects.emitValue(of: call[2], in: other, by: call.emulator.payloadMaker)
            effects.isTold = true
        }
        call.reply.integer(1)
    }

    static let move: CommandBody = { call in
        guard let number = call.databaseNumber(2) else { return }
        guard number != call.client.database else { return call.reply.error(ErrorText.sameObject) }
        let other = call.emulator.databases[number]
        guard let entry = call.database.find(call[1], call.hash), other.find(call[1], call.hash) == nil else {
            return call.reply.integer(0)
        }
        call.database.unlink(entry, call.hash)
        other.insert(entry, call.hash)
        call.changed(call[1], .generic, "move_from")
        call.emulator.keyChanged(call[1], in: other)
        call.emulator.notify(.generic, "move_to", call[1], in: other)
        call.counts(1, insteadOf: 2)
        call.reply.integer(1)
    }
}

private enum KeyExpiry {
    static func expire(_ call: borrowing Call, _ unit: Expiry.Unit, _ command: String) {
        var flags = (nx: false, xx: false, gt: false, lt: false)
        for index in stride(from: 3, to: call.count, by: 1) {
            if call.isWord(index, "nx") {
                flags.nx = true
            } else if call.isWord(index, "xx") {
                flags.xx = true
            } else if call.isWord(index, "gt") {
                flags.gt = true
            } else if call.isWord(index, "lt") {
                flags.lt = true
            } else {
                return call.reply.error("ERR Unsupported option ", quoting: call[index])
            }
        }
        if flags.nx, flags.xx || flags.gt || flags.lt { return call.reply.error(ErrorText.expiryOptions) }
        if flags.gt, flags.lt { return call.reply.error(ErrorText.expiryOptionsGTLT) }
        guard let number = call.integer(2) else { return }
        guard let end = Expiry.time(number, unit, now: call.now) else {
            return call.reply.error(ErrorText.invalidExpiry(command))
        }
        guard let entry = call.database.find(call[1], call.hash) else { return call.reply.integer(0) }
        let old = entry.hasExpiry ? entry.expiry : nil
        if flags.nx, old != nil { return call.reply.integer(0) }
        if flags.xx, old == nil { return call.reply.integer(0) }
        // No expiry counts as an infinite one.
        if flags.gt { guard let old, end > old else { return call.reply.integer(0) } }
        if flags.lt, let old, end >= old { return call.reply.integer(0) }
        if end <= call.now {
            call.database.remove(entry, call.hash)
            call.tell(["DEL", .bytes(call[1])])
            call.notifyRemoval(of: call[1])
            call.reply.integer(1)
        } else {
            call.database.setExpiry(end, of: entry, call.hash)
            call.tellNewEnd(end, insteadOf: old)
            call.reply.integer(1)
            call.notify(.generic, "expire", call[1])
        }
        call.changed(call[1])
    }

    static func timeLeft(_ call: borrowing Call, _ unit: Expiry.Unit) {
        guard let entry = call.glance(call[1], call.hash) else { return call.reply.integer(-2) }
        guard entry.hasExpiry else { return call.reply.integer(-1) }
        let time = unit.isRelative ? max(entry.expiry - call.now, 0) : entry.expiry
        // Rounded, and without a sum that may not fit.
        call.reply.integer(unit.isSeconds ? time / 1000 + (time % 1000 >= 500 ? 1 : 0) : time)
    }

    static let persist: CommandBody = { call in
        guard let entry = call.database.find(call[1], call.hash), entry.hasExpiry else { return call.reply.integer(0) }
        let old = entry.expiry
        call.database.setExpiry(nil, of: entry, call.hash)
        call.tellNewEnd(nil, insteadOf: old)
        call.changed(call[1], .generic, "persist")
        call.reply.integer(1)
    }
}

private enum ObjectInspection {
    /// The entry of argument 2, not counted as an access; nil after a null reply.
    static func find(_ call: borrowing Call) -> Entry? {
        // Who inspects is told of no miss, though it counts.
        guard let entry = call.database.find(call[2], call.database.hash(call[2])) else {
            call.emulator.statistics.misses &+= 1
            call.reply.null()
            return nil
        }
        call.emulator.statistics.hits &+= 1
        return entry
    }

    static let encoding: CommandBody = { call in
        guard let entry = find(call) else { return }
        call.reply.bulk(entry.encodingName)
    }

    static let frequency: CommandBody = { call in
        guard let entry = find(call) else { return }
        if call.emulator.limit.policy.isByFrequency {
            return call.reply.integer(Int(call.emulator.frequency(of: entry)))
        }
        call.reply.error(
            """
            ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching \
            between policies at runtime LRU and LFU data will take some time to adjust.
            """)
    }

    static let idleTime: CommandBody = { call in
        guard let entry = find(call) else { return }
        guard !call.emulator.limit.policy.isByFrequency else {
            return call.reply.error(
                """
                ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between \
                policies at runtime LRU and LFU data will take some time to adjust.
                """)
        }
        let seconds = UInt32(truncatingIfNeeded: call.now / 1000) & 0xff_ffff
        call.reply.integer(Int((seconds &- entry.access) & 0xff_ffff))
    }

    static let references: CommandBody = { call in
        guard let entry = find(call) else { return }
        call.reply.integer(entry.referenceCount)
    }
}

extension Entry {
    /// As OBJECT ENCODING answers.
    var encodingName: StaticString {
        switch type {
        case .string:
            switch encoding {
            case Database.StringEncoding.integer: "int"
            case Database.StringEncoding.bytes: valueLength <= 44 ? "embstr" : "raw"
            default: "raw"
            }
        case .list: "quicklist"
        case .set: encoding == 1 ? "intset" : "hashtable"
        case .sortedSet: encoding == 1 ? "listpack" : "skiplist"
        case .hash: encoding == 1 ? "listpack" : "hashtable"
        case .stream: "stream"
        }
    }

    /// The same value and expiry under another key, in a block of its own.
    func renamed(_ key: Bytes, in memory: Memory) -> Entry {
        let made = Entry.make(
            key: key, valueLength: valueLength, type: type, encoding: encoding, expiry: hasExpiry ? expiry : nil,
            in: memory)
        made.setAccess(access)
        made.valueStart.copyMemory(from: valueStart, byteCount: valueLength)
        return made
    }
}
