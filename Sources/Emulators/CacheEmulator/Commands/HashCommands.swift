import RESPWire

/// Hashes: fields with values. What draws or iterates is in `HashIterationCommands.swift`.
let hashCommands: [Command] = [
    Command("hset", -4, [.write, .denyOOM, .fast], .first, body: { Hashes.set($0, "hset") }),
    Command("hmset", -4, [.write, .denyOOM, .fast], .first, body: { Hashes.set($0, "hmset") }),
    Command("hsetnx", 4, [.write, .denyOOM, .fast], .first, body: Hashes.setIfAbsent),
    Command("hget", 3, [.readonly, .fast], .first, body: Hashes.get),
    Command("hmget", -3, [.readonly, .fast], .first, body: Hashes.getMany),
    Command("hgetall", 2, [.readonly], .first, body: { Hashes.list($0, .both) }),
    Command("hkeys", 2, [.readonly], .first, body: { Hashes.list($0, .fields) }),
    Command("hvals", 2, [.readonly], .first, body: { Hashes.list($0, .values) }),
    Command("hdel", -3, [.write, .fast], .first, body: Hashes.remove),
    Command("hlen", 2, [.readonly, .fast], .first, body: Hashes.count),
    Command("hstrlen", 3, [.readonly, .fast], .first, body: Hashes.length),
    Command("hexists", 3, [.readonly, .fast], .first, body: Hashes.exists),
    Command("hincrby", 4, [.write, .denyOOM, .fast], .first, body: Hashes.increase),
    Command("hincrbyfloat", 4, [.write, .denyOOM, .fast], .first, body: Hashes.increaseByFloat),
    Command("hrandfield", -2, [.readonly], .first, body: HashIteration.random),
    Command("hscan", -3, [.readonly], .first, body: HashIteration.scan),
]

private enum Hashes {
    // MARK: writing

    static func set(_ call: borrowing Call, _ name: String) {
        guard call.count % 2 == 0 else { return call.reply.error(ErrorText.wrongArity(name)) }
        let entry = call.database.find(call[1], call.hash)
        guard call.accepts(entry, .hash) else { return }

        let hash = owned(entry, call)
        var added = 0
        for index in stride(from: 2, to: call.count, by: 2) where hash.set(call[index], call[index + 1]) { added += 1 }
        call.counts(call.count / 2 - 1)
        if name == "hset" { call.reply.integer(added) } else { call.reply.ok() }
        call.changed(call[1], .hash, "hset")
    }

    /// The hash of the first key, to be written; a new one where there is none.
    @inline(__always) static func owned(_ entry: Entry?, _ call: borrowing Call) -> HashValue {
        call.database.ownedHash(entry ?? call.database.make(.hash, call[1], call.hash), call.hash)
    }

    static let setIfAbsent: CommandBody = { call in
        let entry = call.database.find(call[1], call.hash)
        guard call.accepts(entry, .hash) else { return }
        if let entry, call.database.hashValue(entry).value(of: call[2]) != nil { return call.reply.flag(false) }

        _ = owned(entry, call).set(call[2], call[3])
        call.reply.flag(true)
        call.changed(call[1], .hash, "hset")
    }

    static let remove: CommandBody = { call in
        guard let entry = call.database.find(call[1], call.hash) else { return call.reply.integer(0) }
        guard call.accepts(entry, .hash) else { return }

        let hash = call.database.ownedHash(entry, call.hash)
        var removed = 0
        for index in 2..<call.count where hash.remove(call[index]) {
            removed += 1
            if hash.count == 0 { break }
        }
        if removed > 0 {
            call.changed(call[1], .hash, "hdel")
            call.counts(removed)
        }
        if hash.count == 0 {
            call.database.remove(hash.entry, call.hash)
            call.notifyRemoval(of: call[1])
        }

        call.reply.integer(removed)
    }

    static let increase: CommandBody = { call in
        guard let step = call.integer(3) else { return }
        let entry = call.database.find(call[1], call.hash)
        guard call.accepts(entry, .hash) else { return }

        var old: Int64 = 0
        if let entry, let value = call.database.hashValue(entry).value(of: call[2]) {
            guard let number = value.integer else { return call.reply.error("ERR hash value is not an integer") }
            old = number
        }
        let (sum, overflow) = old.addingReportingOverflow(step)
        guard !overflow else { return call.reply.error(ErrorText.overflow) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Decimal.maxLength) { digits in
            let start = digits.baseAddress.unsafelyUnwrapped
            _ = owned(entry, call).set(call[2], Bytes(UnsafePointer(start), Decimal.write(sum, to: start)))
        }
        call.reply.integer(sum)
        call.changed(call[1], .hash, "hincrby")
    }

    static let increaseByFloat: CommandBody = { call in
        let step = call[3]
        switch Bytes("0").adding(decimal: step) {
        case .baseIsNoNumber, .addendIsNoNumber: return call.reply.error(ErrorText.notAFloat)
        case .notFinite: return call.reply.error("ERR value is NaN or Infinity")
        case .sum: break
        }
        let entry = call.database.find(call[1], call.hash)
        guard call.accepts(entry, .hash) else { return }

        let old = entry.flatMap { call.database.hashValue($0).value(of: call[2]) } ?? Bytes("0")
        switch old.adding(decimal: step) {
        case .baseIsNoNumber, .addendIsNoNumber: call.reply.error("ERR hash value is not a float")
        case .notFinite: call.reply.error(ErrorText.notFinite)
        case .sum(let text):
            text.withBytes { bytes in
                _ = owned(entry, call).set(call[2], bytes)
                call.tell(["HSET", .bytes(call[1]), .bytes(call[2]), .bytes(bytes)])
                call.tellExpiry(of: call[1])
                call.reply.bulk(bytes)
                call.changed(call[1], .hash, "hincrbyfloat")
            }
        }
    }

    // MARK: reading

    static let get: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.null() }
        guard call.accepts(entry, .hash) else { return }

        let value = call.database.hashValue(entry).value(of: call[2])

        if let value { call.reply.bulk(value) } else { call.reply.null() }
    }

    static let getMany: CommandBody = { call in
        let entry = call.findFirst()
        guard call.accepts(entry, .hash) else { return }

        let hash = entry.map { call.database.hashValue($0) }

        call.reply.array(call.count - 2)
        for index in 2..<call.count {
            if let value = hash?.value(of: call[index]) { call.reply.bulk(value) } else { call.reply.null() }
        }
    }

    enum Parts {
        case fields
        case values
        case both
    }

    static func list(_ call: borrowing Call, _ parts: Parts) {
        let entry = call.findFirst()
        guard call.accepts(entry, .hash) else { return }

        let count = entry.map { call.database.hashValue($0).count } ?? 0

        if parts == .both { call.reply.map(count) } else { call.reply.array(count) }
        guard let entry else { return }
        let reply = call.reply
        call.database.hashValue(entry).forEach { field, value in
            if parts != .values { reply.bulk(field) }
            if parts != .fields { reply.bulk(value) }
        }
    }

    static let count: CommandBody = { call in
        let entry = call.findFirst()
        guard call.accepts(entry, .hash) else { return }

        call.reply.integer(entry.map { call.database.hashValue($0).count } ?? 0)
    }

    static let length: CommandBody = { call in
        let entry = call.findFirst()
        guard call.accepts(entry, .hash) else { return }

        call.reply.integer(entry.flatMap { call.database.hashValue($0).value(of: call[2])?.count } ?? 0)
    }

    static let exists: CommandBody = { call in
        let entry = call.findFirst()
        guard call.accepts(entry, .hash) else { return }

        call.reply.flag(entry.flatMap { call.database.hashValue($0).value(of: call[2]) } != nil)
    }
}
