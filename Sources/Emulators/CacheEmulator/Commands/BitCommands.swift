import RESPWire

/// Strings as rows of bits, the highest bit of the first byte first. BITFIELD is in `BitFieldCommands.swift`.
let bitCommands: [Command] = [
    Command("setbit", 4, [.write, .denyOOM], .first, body: Bits.set),
    Command("getbit", 3, [.readonly, .fast], .first, body: Bits.get),
    Command("bitcount", -2, [.readonly], .first, body: Bits.count),
    Command("bitpos", -3, [.readonly], .first, body: Bits.position),
    Command("bitop", -4, [.write, .denyOOM, .needsKeys], .allButFirst, body: BitOperations.run),
    Command("bitfield", -2, [.write, .denyOOM], .first, body: { BitFields.run($0, isReadOnly: false) }),
    Command("bitfield_ro", -2, [.readonly, .fast], .first, body: { BitFields.run($0, isReadOnly: true) }),
]

extension Call {
    /// An argument as the number of a bit, or nil after an error reply. With `bits`, `#3` means the third field of
    /// so many bits.
    func bitOffset(_ index: Int, fieldsOf bits: Int? = nil) -> Int? {
        var digits = arguments[index]
        var factor: Int64 = 1
        if let bits, digits.count > 0, digits[0] == UInt8(ascii: "#") {
            digits = digits.slice(1, digits.count - 1)
            factor = Int64(bits)
        }
        if let number = digits.integer {
            let (offset, overflow) = number.multipliedReportingOverflow(by: factor)
            if !overflow, offset >= 0, offset >> 3 < longestString { return Int(offset) }
        }
        reply.error("ERR bit offset is not an integer or out of range")
        return nil
    }

    /// The string of the first key, as bytes that may be written and at least `length` of them; a new one where there
    /// is none. It tells whether the string had to be made or grown. The key holds nothing else than a string.
    func writableString(_ entry: Entry?, length: Int) -> (Entry, hasGrown: Bool) {
        let old = entry.map { database.withString($0) { $0.count } } ?? 0
        if entry == nil { database.setString(arguments[1], hash, Bytes(""), expiry: nil) }
        guard let existing = entry ?? database.find(arguments[1], hash) else {
            preconditionFailure("a string that was just set is there")
        }
        return (database.resizeString(existing, hash, to: max(old, length)), entry == nil || old < length)
    }
}

private enum Bits {
    static let set: CommandBody = { call in
        guard let offset = call.bitOffset(2) else { return }
        guard let bit = call[3].integer, bit == 0 || bit == 1 else {
            return call.reply.error("ERR bit is not an integer or out of range")
        }
        let found = call.database.find(call[1], call.hash)
        guard call.accepts(found, .string) else { return }

        let (entry, hasGrown) = call.writableString(found, length: offset >> 3 + 1)
        let mask = UInt8(0x80) >> UInt8(offset & 7)
        let old = entry.value[offset >> 3]
        let new = bit == 1 ? old | mask : old & ~mask
        entry.valueStart.storeBytes(of: new, toByteOffset: offset >> 3, as: UInt8.self)
        if hasGrown || old != new { call.changed(call[1], .string, "setbit") }

        call.reply.flag(old & mask != 0)
    }

    static let get: CommandBody = { call in
        guard let offset = call.bitOffset(2) else { return }
        guard let entry = call.findFirst() else { return call.reply.flag(false) }
        guard call.accepts(entry, .string) else { return }

        call.reply.flag(call.database.withString(entry) { isSet($0, offset) })
    }

    @inline(__always) static func isSet(_ bytes: Bytes, _ offset: Int) -> Bool {
        offset >> 3 < bytes.count && bytes[offset >> 3] & UInt8(0x80) >> UInt8(offset & 7) != 0
    }

    // MARK: ranges

    /// The unit of a range that an argument names, true for bits; nil after an error reply.
    static func isInBits(_ index: Int, _ call: borrowing Call) -> Bool? {
        if call.count <= index || call.isWord(index, "byte") { return false }
        if call.isWord(index, "bit") { return true }
        call.reply.error(ErrorText.syntax)
        return nil
    }

    /// The bits from `start` to `end`, both included, which may count from the end; in bytes or bits.
    static func range(_ start: Int64, _ end: Int64, inBits: Bool, of length: Int) -> Range<Int> {
        let total = Int64(inBits ? length * 8 : length)
        let first = max(start < 0 ? start &+ total : start, 0)
        let last = min(max(end < 0 ? end &+ total : end, 0), total - 1)
        guard first <= last else { return 0..<0 }
        return inBits ? Int(first)..<Int(last) + 1 : Int(first) * 8..<(Int(last) + 1) * 8
    }

    static let count: CommandBody = { call in
        // The key is looked at before the arguments, as Redis does: a missing one has no bits, whatever they are.
        guard let entry = call.findFirst() else { return call.reply.integer(0) }
        guard call.accepts(entry, .string) else { return }
        var (start, end): (Int64, Int64) = (0, -1)
        if call.count == 4 || call.count == 5 {
            guard let first = call.integer(2), let last = call.integer(3) else { return }
            (start, end) = (first, last)
            if start < 0, end < 0, start > end { return call.reply.integer(0) }
        } else if call.count != 2 {
            return call.reply.error(ErrorText.syntax)
        }
        guard let inBits = isInBits(4, call) else { return }

        let number = call.database.withString(entry) { bytes in
            population(of: bytes, range(start, end, inBits: inBits, of: bytes.count))
        }

        call.reply.integer(number)
    }

    static func population(of bytes: Bytes, _ bits: Range<Int>) -> Int {
        guard !bits.isEmpty else { return 0 }
        let last = (bits.upperBound - 1) >> 3
        var place = bits.lowerBound >> 3
        var count = -(bytes[place] & ~(0xff >> UInt8(bits.lowerBound & 7))).nonzeroBitCount
        count -= (bytes[last] & UInt8(truncatingIfNeeded: 0x7f >> ((bits.upperBound - 1) & 7))).nonzeroBitCount
        while place + 8 <= last + 1 {
            count += bytes.raw.loadUnaligned(fromByteOffset: place, as: UInt64.self).nonzeroBitCount
            place += 8
        }
        while place <= last {
            count += bytes[place].nonzeroBitCount
            place += 1
        }
        return count
    }

    static let position: CommandBody = { call in
        guard let wanted = call.integer(2) else { return }
        guard wanted == 0 || wanted == 1 else { return call.reply.error("ERR The bit argument must be 1 or 0.") }
        // As with BITCOUNT: zeros without an end stand for a missing key.
        guard let entry = call.findFirst() else { return call.reply.integer(wanted == 1 ? -1 : 0) }
        guard call.accepts(entry, .string) else { return }
        var (start, end): (Int64, Int64) = (0, -1)
        if call.count > 6 { return call.reply.error(ErrorText.syntax) }
        if call.count > 3 {
            guard let first = call.integer(3) else { return }
            start = first
        }
        guard let inBits = isInBits(5, call) else { return }
        if call.count > 4 {
            guard let last = call.integer(4) else { return }
            end = last
        }

        let found = call.database.withString(entry) { bytes in
            let bits = range(start, end, inBits: inBits, of: bytes.count)
            if bits.isEmpty { return -1 }
            if let place = firstBit(wanted == 1, of: bytes, bits) { return place }
            // Behind a string whose end was not named, zeros go on.
            return wanted == 0 && call.count <= 4 ? bytes.count * 8 : -1
        }

        call.reply.integer(found)
    }

    static func firstBit(_ wanted: Bool, of bytes: Bytes, _ bits: Range<Int>) -> Int? {
        let passed: UInt64 = wanted ? 0 : .max
        var place = bits.lowerBound
        while place < bits.upperBound {
            if place & 7 == 0 {
                while place + 64 <= bits.upperBound,
                    bytes.raw.loadUnaligned(fromByteOffset: place >> 3, as: UInt64.self) == passed
                {
                    place += 64
                }
                if place == bits.upperBound { break }
            }
            if isSet(bytes, place) == wanted { return place }
            place += 1
        }
        return nil
    }
}

/// BITOP: whole strings combined, the shorter ones as if zeros followed.
private enum BitOperations {
    private enum Operation: String {
        case and, or, xor, not
    }

    static let run: CommandBody = { call in
        guard let operation = Operation(rawValue: call[1].text.lowercased()) else {
            return call.reply.error(ErrorText.syntax)
        }
        if operation == .not, call.count != 4 {
            return call.reply.error("ERR BITOP NOT must be called with a single source key.")
        }
        var sources: [Entry?] = []
        for index in 3..<call.count {
            let entry = call.find(call[index])
            guard call.accepts(entry, .string) else { return }
            sources.append(entry)
        }

        let result = combined(sources, call.database, operation)
        store(result, call)

        call.reply.integer(result.count)
    }

    private static func combined(_ sources: [Entry?], _ database: Database, _ operation: Operation) -> [UInt8] {
        let longest = sources.reduce(0) { longest, entry in
            max(longest, entry.map { database.withString($0) { $0.count } } ?? 0)
        }
        var result = [UInt8](repeating: 0, count: longest)
        result.withUnsafeMutableBytes { result in
            for (number, entry) in sources.enumerated() {
                let merge = { (bytes: Bytes) in
                    if number == 0 {
                        result.copyMemory(from: bytes.raw)
                        if operation == .not { each(result, UnsafeRawBufferPointer(result)) { ~$1 } }
                    } else {
                        combine(result, bytes.raw, operation)
                    }
                }
                if let entry { database.withString(entry, merge) } else { merge(Bytes("")) }
            }
        }
        return result
    }

    private static func combine(
        _ result: UnsafeMutableRawBufferPointer, _ bytes: UnsafeRawBufferPointer, _ operation: Operation
    ) {
        let same = UnsafeMutableRawBufferPointer(rebasing: result[..<bytes.count])
        switch operation {
        case .and:
            each(same, bytes) { $0 & $1 }
            UnsafeMutableRawBufferPointer(rebasing: result[bytes.count...]).initializeMemory(
                as: UInt8.self, repeating: 0)
        case .or: each(same, bytes) { $0 | $1 }
        case .xor: each(same, bytes) { $0 ^ $1 }
        case .not: break
        }
    }

    /// Puts `combine` of each word of both into `result`, and of each byte behind the last whole word.
    @inline(__always)
    private static func each(
        _ result: UnsafeMutableRawBufferPointer, _ other: UnsafeRawBufferPointer,
        _ combine: (UInt64, UInt64) -> UInt64
    ) {
        guard let to = result.baseAddress, let from = other.baseAddress else { return }
        let words = result.count >> 3
        for word in 0..<words {
            let (left, right) = (
                to.loadUnaligned(fromByteOffset: word << 3, as: UInt64.self),
                from.loadUnaligned(fromByteOffset: word << 3, as: UInt64.self)
            )
            to.storeBytes(of: combine(left, right), toByteOffset: word << 3, as: UInt64.self)
        }
        for place in words << 3..<result.count {
            result[place] = UInt8(truncatingIfNeeded: combine(UInt64(result[place]), UInt64(other[place])))
        }
    }

    private static func store(_ result: [UInt8], _ call: borrowing Call) {
        let database = call.database
        let hash = database.hash(call[2])
        if result.isEmpty {
            guard let old = database.find(call[2], hash) else { return }
            database.remove(old, hash)
            call.notifyRemoval(of: call[2])
        } else {
            // As bytes even where they are digits: the result is no number.
            database.setString(call[2], hash, Bytes(""), expiry: nil)
            guard let made = database.find(call[2], hash) else { return }
            let entry = database.resizeString(made, hash, to: result.count)
            result.withBytes { entry.valueStart.copyMemory(from: $0.start, byteCount: $0.count) }
            call.notify(.string, "set", call[2])
        }
        call.changed(call[2])
    }
}
