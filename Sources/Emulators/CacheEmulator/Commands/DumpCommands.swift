import RDBWire
import RESPWire

/// Values in the form of RDB files, with a version and a checksum behind.
let dumpCommands: [Command] = [
    Command("dump", 2, [.readonly], .first, body: Dump.dump),
    Command("restore", -4, [.write, .denyOOM], .first, body: Dump.restore),
    // As from another node of a cluster, which makes no difference outside of one.
    Command("restore-asking", -4, [.write, .denyOOM, .asking], .first, body: Dump.restore),
]

private enum Dump {
    static let dump: CommandBody = { call in
        guard let entry = call.findFirst() else { return call.reply.null() }
        do throws(RDBError) {
            var payload = try call.database.payload(of: entry, by: call.emulator.payloadMaker)
            DumpPayload.seal(&payload)
            payload.withBytes { call.reply.bulk($0) }
        } catch {
            call.reply.error("ERR \(error)")
        }
    }

    /// What follows the payload.
    private struct Options {
        var replaces = false
        var isAbsolute = false
        var idle: Int64?
        var frequency: Int64?

        /// Nil after an error reply.
        init?(_ call: borrowing Call) {
            var index = 4
            while index < call.count {
                let hasMore = index + 1 < call.count
                if call.isWord(index, "replace") {
                    replaces = true
                } else if call.isWord(index, "absttl") {
                    isAbsolute = true
                } else if call.isWord(index, "idletime"), hasMore, frequency == nil {
                    guard let seconds = call.integer(index + 1) else { return nil }
                    guard seconds >= 0 else {
                        call.reply.error("ERR Invalid IDLETIME value, must be >= 0")
                        return nil
                    }
                    idle = seconds
                    index += 1
                } else if call.isWord(index, "freq"), hasMore, idle == nil {
                    guard let counter = call.integer(index + 1) else { return nil }
                    guard (0...255).contains(counter) else {
                        call.reply.error("ERR Invalid FREQ value, must be >= 0 and <= 255")
                        return nil
                    }
                    frequency = counter
                    index += 1
                } else {
                    call.reply.error(ErrorText.syntax)
                    return nil
                }
                index += 1
            }
        }
    }

    /// Of the two options that counts which the policy asks for.
    private static func setUse(of entry: Entry, _ options: Options, _ call: borrowing Call) {
        if call.emulator.limit.policy.isByFrequency {
            guard let frequency = options.frequency else { return }
            entry.setAccess(Frequency.minutes(call.now) << 8 | UInt32(frequency))
        } else if let idle = options.idle {
            entry.setAccess(UInt32(truncatingIfNeeded: call.now / 1000 - idle) & 0xff_ffff)
        }
    }

    static let restore: CommandBody = { call in
        guard let options = Options(call) else { return }
        let database = call.database
        let old = database.find(call[1], call.hash)
        guard options.replaces || old == nil else { return call.reply.error(ErrorText.busyKey) }
        guard let time = call.integer(2) else { return }
        guard time >= 0 else { return call.reply.error("ERR Invalid TTL value, must be >= 0") }
        let entry: Entry
        do throws(RDBError) {
            entry = try database.makeEntry(call[1], payload: try DumpPayload.open(call[3].raw))
        } catch {
            return call.reply.error(
                error == .unusableDump ? "ERR DUMP payload version or checksum are wrong" : "ERR Bad data format")
        }

        let (sum, overflow) = time.addingReportingOverflow(options.isAbsolute ? 0 : call.now)
        let expiry: Int64? = time == 0 ? nil : overflow ? .max : sum
        if let expiry, expiry <= call.now {
            // As Redis: a value whose time is over is not kept, and the old one goes with it.
            database.discard(entry)
            if let old {
                database.remove(old, call.hash)
                call.tell(["DEL", .bytes(call[1])])
                call.notifyRemoval(of: call[1])
            }
        } else {
            // Redis takes the old key out first, so that the other one is new.
            if let old { database.remove(old, call.hash) }
            database.insert(entry, call.hash)
            setUse(of: entry, options, call)
            if let expiry { database.setExpiry(expiry, of: entry, call.hash) }
            call.tell([
                "RESTORE", .bytes(call[1]), .number(expiry ?? 0), .bytes(call[3]), "REPLACE", "ABSTTL",
            ])
            call.notify(.generic, "restore", call[1])
        }
        if old != nil || expiry == nil || (expiry ?? 0) > call.now { call.changed(call[1]) }
        call.reply.ok()
    }
}
