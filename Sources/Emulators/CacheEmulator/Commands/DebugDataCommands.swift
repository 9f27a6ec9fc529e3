import RDBWire
import RESPWire

/// What DEBUG does with the data: digests, keys in bulk, and all of it made anew.
enum DebugData {
    /// DEBUG DIGEST
    static func digest(_ call: borrowing Call) {
        var whole = KeyspaceDigest()
        for database in call.emulator.databases where database.count > 0 {
            whole.mix(database.number)
            database.table.forEach { entry in
                var one = KeyspaceDigest()
                one.mix(entry.key.array)
                one.mix(database.value(of: entry), expires: entry.hasExpiry)
                whole.add(one)
            }
        }
        call.reply.simple(whole.text)
    }

    /// DEBUG DIGEST-VALUE
    static func digestValues(_ call: borrowing Call) {
        let database = call.database
        call.reply.array(call.count - 2)
        for index in 2..<call.count {
            var digest = KeyspaceDigest()
            if let entry = database.find(call[index], database.hash(call[index])) {
                digest.mix(database.value(of: entry), expires: entry.hasExpiry)
            }
            call.reply.simple(digest.text)
        }
    }

    /// What one request may make.
    private static let mostKeys = 10_000_000
    private static let mostBytes = 1 << 30
    /// What a key is reckoned to take besides its name and value.
    private static let keyCost = 64

    /// DEBUG POPULATE: a key that is there stays as it is.
    static func populate(_ call: borrowing Call) {
        guard let count = call.integer(2, atLeast: 0, ErrorText.notPositive) else { return }
        let prefix = call.count > 3 ? call[3].array : Array("key".utf8)
        var size: Int64 = 0
        if call.count > 4 {
            guard let wanted = call.integer(4, atLeast: 0, ErrorText.notPositive) else { return }
            size = wanted
        }
        let (each, isHuge) = size.addingReportingOverflow(Int64(prefix.count + keyCost))
        let (bytes, overflows) = count.multipliedReportingOverflow(by: isHuge ? .max : each)
        guard count <= mostKeys, !overflows, bytes <= mostBytes else {
            return call.reply.error(ErrorText.populatesTooMuch)
        }
        if call.isHeard, let refusal = call.emulator.writeRefusal { return call.reply.error(refusal) }

        let database = call.database
        for number in 0..<count {
            var value = Array("value:\(number)".utf8)
            if size > 0 {
                value = Array(value.prefix(Int(size))) + Array(repeating: 0, count: max(0, Int(size) - value.count))
            }
            (prefix + Array(":\(number)".utf8)).withBytes { key in
                let hash = database.hash(key)
                guard database.find(key, hash) == nil else { return }
                value.withBytes { database.setString(key, hash, $0, expiry: nil) }
                call.changed(key)
                call.tell(["SET", .bytes(key), .array(value)])
            }
        }
        call.reply.ok()
    }

    /// DEBUG RELOAD: every value goes through the form that it has in an RDB file, there and back. There is no file.
    static func reload(_ call: borrowing Call) {
        for index in 2..<call.count {
            // Without flushing nothing can be loaded but what is there, which MERGE takes; all options are Redis's.
            guard call.isWord(index, "merge") || call.isWord(index, "noflush") else {
                return call.reply.error(call.isWord(index, "nosave") ? ErrorText.noFileToLoad : ErrorText.reloadOptions)
            }
        }
        let isFlushed = !(2..<call.count).contains { call.isWord($0, "noflush") }
        do throws(RDBError) {
            for database in call.emulator.databases { try reload(database, by: call.emulator.payloadMaker) }
        } catch {
            return call.reply.error("ERR \(error)")
        }
        // As in Redis, which has emptied the databases meanwhile.
        if isFlushed { call.emulator.taintWatchers(ofKeysIn: call.emulator.databases) }
        call.reply.ok()
    }

    private static func reload(_ database: Database, by maker: PayloadMaker) throws(RDBError) {
        var keys: [[UInt8]] = []
        keys.reserveCapacity(database.count)
        database.table.forEach { keys.append($0.key.array) }
        for key in keys {
            var failure: RDBError?
            key.withBytes { key in
                let hash = database.hash(key)
                guard let entry = database.find(key, hash) else { return }
                do throws(RDBError) {
                    let payload = try database.payload(of: entry, by: maker)
                    let made = try payload.withUnsafeBufferPointer { bytes throws(RDBError) in
                        try database.makeEntry(key, payload: UnsafeRawBufferPointer(bytes))
                    }
                    made.setAccess(entry.access)
                    let expiry = entry.hasExpiry ? entry.expiry : nil
                    database.put(made, hash)
                    database.setExpiry(expiry, of: made, hash)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
        }
    }
}
