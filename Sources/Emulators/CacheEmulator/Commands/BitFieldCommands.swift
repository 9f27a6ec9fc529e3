import RESPWire

/// BITFIELD: a string as integers of any width at any bit.
enum BitFields {
    /// What a value becomes that does not fit.
    private enum Overflow {
        case wrap
        case saturate
        case fail
    }

    private enum Action {
        case get
        case set(Int64)
        case add(Int64)
    }

    private struct Field {
        var action: Action
        var isSigned: Bool
        var bits: Int
        var offset: Int
        var overflow: Overflow
    }

    static func run(_ call: borrowing Call, isReadOnly: Bool) {
        guard let fields = fields(call) else { return }
        let lastWritten = fields.reduce(-1) { last, field in
            if case .get = field.action { last } else { max(last, field.offset + field.bits - 1) }
        }
        let found = lastWritten < 0 ? call.findFirst() : call.database.find(call[1], call.hash)
        if lastWritten >= 0, isReadOnly {
            return call.reply.error("ERR BITFIELD_RO only supports the GET subcommand")
        }
        guard call.accepts(found, .string) else { return }

        guard lastWritten >= 0 else {
            let reply = call.reply
            let show = { (bytes: Bytes) in
                reply.array(fields.count)
                for field in fields { reply.integer(value(of: field, in: bytes)) }
            }
            guard let found else { return show(Bytes("")) }
            return call.database.withString(found, show)
        }
        let (entry, hasGrown) = call.writableString(found, length: lastWritten >> 3 + 1)
        var changes = 0
        call.reply.array(fields.count)
        for field in fields {
            let old = value(of: field, in: entry.value)
            let new: (value: Int64, overflows: Bool)
            switch field.action {
            case .get:
                call.reply.integer(old)
                continue
            case .set(let number): new = fitted(number, plus: 0, field)
            case .add(let step): new = fitted(old, plus: step, field)
            }
            if new.overflows, field.overflow == .fail {
                call.reply.null()
                continue
            }
            write(new.value, to: field, of: entry)
            if hasGrown || old != new.value { changes += 1 }
            if case .set = field.action { call.reply.integer(old) } else { call.reply.integer(new.value) }
        }
        if changes > 0 {
            call.changed(call[1], .string, "setbit")
            call.counts(changes)
        } else if hasGrown {
            // Redis tells nobody who watches the key, though it is longer now.
            call.emulator.statistics.changes &+= 1
        }
    }

    // MARK: arguments

    /// What the arguments ask for; nil after an error reply.
    private static func fields(_ call: borrowing Call) -> [Field]? {
        var fields: [Field] = []
        var overflow = Overflow.wrap
        var index = 2
        while index < call.count {
            let following = call.count - index - 1
            if call.isWord(index, "overflow"), following >= 1 {
                guard let named = overflowNamed(call[index + 1]) else {
                    call.reply.error("ERR Invalid OVERFLOW type specified")
                    return nil
                }
                overflow = named
                index += 2
                continue
            }
            let reads = call.isWord(index, "get") && following >= 2
            let adds = call.isWord(index, "incrby") && following >= 3
            guard reads || adds || call.isWord(index, "set") && following >= 3 else {
                call.reply.error(ErrorText.syntax)
                return nil
            }
            guard let (isSigned, bits) = type(call[index + 1]) else {
                call.reply.error(
                    """
                    ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
                    """)
                return nil
            }
            guard let offset = call.bitOffset(index + 2, fieldsOf: bits) else { return nil }
            var action = Action.get
            if !reads {
                guard let number = call.integer(index + 3) else { return nil }
                action = adds ? .add(number) : .set(number)
            }
            fields.append(Field(action: action, isSigned: isSigned, bits: bits, offset: offset, overflow: overflow))
            index += reads ? 3 : 4
        }
        return fields
    }

    private static func overflowNamed(_ word: Bytes) -> Overflow? {
        if word.isWord("wrap") { return .wrap }
        if word.isWord("sat") { return .saturate }
        if word.isWord("fail") { return .fail }
        return nil
    }

    /// `i1` to `i64`, `u1` to `u63`.
    private static func type(_ word: Bytes) -> (isSigned: Bool, bits: Int)? {
        guard word.count > 1, word[0] == UInt8(ascii: "i") || word[0] == UInt8(ascii: "u") else { return nil }
        let isSigned = word[0] == UInt8(ascii: "i")
        guard let bits = word.slice(1, word.count - 1).integer, (1...(isSigned ? 64 : 63)).contains(bits) else {
            return nil
        }
        return (isSigned, Int(bits))
    }

    // MARK: bits

    /// A field's value; behind the end of the string are zeros.
    private static func value(of field: Field, in bytes: Bytes) -> Int64 {
        var value: UInt64 = 0
        for place in field.offset..<field.offset + field.bits {
            let byte = place >> 3 < bytes.count ? bytes[place >> 3] : 0
            value = value << 1 | UInt64(byte >> UInt8(7 - place & 7) & 1)
        }
        guard field.isSigned else { return Int64(bitPattern: value) }
        return extended(Int64(bitPattern: value), field.bits)
    }

    private static func write(_ value: Int64, to field: Field, of entry: Entry) {
        for index in 0..<field.bits {
            let place = field.offset + index
            let mask = UInt8(0x80) >> UInt8(place & 7)
            let old = entry.valueStart.load(fromByteOffset: place >> 3, as: UInt8.self)
            let isSet = value >> Int64(field.bits - 1 - index) & 1 == 1
            entry.valueStart.storeBytes(of: isSet ? old | mask : old & ~mask, toByteOffset: place >> 3, as: UInt8.self)
        }
    }

    /// The lowest bits as a signed number.
    private static func extended(_ value: Int64, _ bits: Int) -> Int64 {
        let shift = Int64(64 - bits)
        return (value << shift) >> shift
    }

    /// A sum as the field holds it, and whether it had to be wrapped or cut. With 0 it fits a number in.
    private static func fitted(_ value: Int64, plus step: Int64, _ field: Field) -> (value: Int64, overflows: Bool) {
        field.isSigned ? fittedSigned(value, step, field) : fittedUnsigned(UInt64(bitPattern: value), step, field)
    }

    // Both compare as Redis's bitops.c does, with its wrapping differences.

    private static func fittedSigned(_ value: Int64, _ step: Int64, _ field: Field) -> (Int64, Bool) {
        let highest = field.bits == 64 ? Int64.max : 1 << Int64(field.bits - 1) - 1
        let lowest = -highest - 1
        let isNarrow = field.bits != 64
        let upward = highest &- value
        let downward = lowest &- value
        if value > highest || isNarrow && step > upward || value >= 0 && step > 0 && step > upward {
            return (field.overflow == .saturate ? highest : extended(value &+ step, field.bits), true)
        }
        if value < lowest || isNarrow && step < downward || value < 0 && step < 0 && step < downward {
            return (field.overflow == .saturate ? lowest : extended(value &+ step, field.bits), true)
        }
        return (value &+ step, false)
    }

    private static func fittedUnsigned(_ value: UInt64, _ step: Int64, _ field: Field) -> (Int64, Bool) {
        let highest = (UInt64(1) << UInt64(field.bits)) - 1
        let wrapped = Int64(bitPattern: (value &+ UInt64(bitPattern: step)) & highest)
        if value > highest || step > 0 && step > Int64(bitPattern: highest &- value) {
            return (field.overflow == .saturate ? Int64(bitPattern: highest) : wrapped, true)
        }
        if step < 0, step < Int64(bitPattern: 0 &- value) {
            return (field.overflow == .saturate ? 0 : wrapped, true)
        }
        return (wrapped, false)
    }
}
