import RESPWire

/// HyperLogLogs: about how many different elements were added, in at most 12 KB, which is a string.
let hyperLogLogCommands: [Command] = [
    Command("pfadd", -2, [.write, .denyOOM, .fast], .first, body: HyperLogLogs.add),
    Command("pfcount", -2, [.readonly], .all, body: HyperLogLogs.count),
    Command("pfmerge", -2, [.write, .denyOOM, .needsKeys], .all, body: HyperLogLogs.merge),
]

private enum HyperLogLogs {
    /// The one of an entry; nil after an error reply.
    static func value(_ entry: Entry, _ call: borrowing Call) -> HyperLogLog? {
        guard call.accepts(entry, .string) else { return nil }
        if let value = call.database.withString(entry, { HyperLogLog($0) }) { return value }
        call.reply.error(ErrorText.noHyperLogLog)
        return nil
    }

    /// Puts a value into the string of the first key, which keeps its expiry.
    static func write(_ value: HyperLogLog, _ entry: Entry?, _ call: borrowing Call) {
        let database = call.database
        if entry == nil { database.setString(call[1], call.hash, Bytes(""), expiry: nil) }
        guard let existing = entry ?? database.find(call[1], call.hash) else { return }
        let made = database.resizeString(existing, call.hash, to: value.bytes.count)
        value.bytes.withBytes { made.valueStart.copyMemory(from: $0.start, byteCount: $0.count) }
        call.changed(call[1])
    }

    static let add: CommandBody = { call in
        let entry = call.database.find(call[1], call.hash)
        var sketch = HyperLogLog()
        if let entry {
            guard let found = value(entry, call) else { return }
            sketch = found
        }

        var changes = entry == nil ? 1 : 0
        for index in 2..<call.count {
            do throws(HyperLogLog.Corrupt) {
                if try sketch.add(call[index]) { changes += 1 }
            } catch {
                return call.reply.error(ErrorText.corruptHyperLogLog)
            }
        }
        if changes > 0 {
            sketch.dropCount()
            write(sketch, entry, call)
            call.counts(changes)
            call.notify(.string, "pfadd", call[1])
        }

        call.reply.flag(changes > 0)
    }

    static let count: CommandBody = { call in
        guard call.count == 2 else { return countUnion(call) }
        guard let entry = call.findFirst() else { return call.reply.integer(0) }
        guard var sketch = value(entry, call) else { return }
        if let known = sketch.lastCount { return call.reply.integer(Int64(truncatingIfNeeded: known)) }

        do throws(HyperLogLog.Corrupt) {
            let count = try sketch.count()
            // The string remembers it: a read that changes a key, and is told as such.
            sketch.setCount(count)
            write(sketch, entry, call)
            call.tell(["PFCOUNT", .bytes(call[1])])
            call.reply.integer(Int64(truncatingIfNeeded: count))
        } catch {
            call.reply.error(ErrorText.corruptHyperLogLog)
        }
    }

    private static func countUnion(_ call: borrowing Call) {
        guard let union = union(call) else { return }
        call.reply.integer(Int64(truncatingIfNeeded: HyperLogLog.count(union.registers)))
    }

    /// The largest values of the registers of all keys, and whether one of them is dense; nil after an error reply.
    private static func union(_ call: borrowing Call) -> (registers: [UInt8], isDense: Bool)? {
        var registers = [UInt8](repeating: 0, count: HyperLogLog.registerCount)
        var isDense = false
        for index in 1..<call.count {
            guard let entry = call.find(call[index]) else { continue }
            guard let sketch = value(entry, call) else { return nil }
            if !sketch.isSparse { isDense = true }
            do throws(HyperLogLog.Corrupt) {
                try sketch.raise(&registers)
            } catch {
                call.reply.error(ErrorText.corruptHyperLogLog)
                return nil
            }
        }
        return (registers, isDense)
    }

    static let merge: CommandBody = { call in
        guard let union = union(call) else { return }
        let entry = call.database.find(call[1], call.hash)
        var sketch = HyperLogLog()
        if let entry {
            guard let found = value(entry, call) else { return }
            sketch = found
        }

        do throws(HyperLogLog.Corrupt) {
            if union.isDense { try sketch.becomeDense() }
            for (index, value) in union.registers.enumerated() where value > 0 {
                _ = try sketch.raise(index, to: value)
            }
        } catch {
            return call.reply.error(ErrorText.corruptHyperLogLog)
        }
        sketch.dropCount()
        write(sketch, entry, call)
        call.notify(.string, "pfadd", call[1])

        call.reply.ok()
    }
}
