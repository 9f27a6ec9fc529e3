import RESPWire

/// How a body tells an effect that is not its command as it came. None of it does anything while nobody listens.
extension Call {
    var isHeard: Bool { emulator.effects != nil }

    /// The command's effect, or a part of it.
    @inline(__always) func tell(_ words: @autoclosure () -> [CommandWord]) {
        if let effects = emulator.effects {
            effects.emit(in: database.number, words())
            effects.isTold = true
        }
    }

    /// The command has no effect, though its keys count as changed.
    @inline(__always) func tellNothing() {
        emulator.effects?.isTold = true
    }

    /// Behind an effect on a key that keeps its expiry, where it has one.
    @inline(__always) func tellExpiry(of key: Bytes) {
        if let effects = emulator.effects { effects.emitExpiry(of: key, in: database) }
    }

    /// The first key is this string now, whatever it was.
    func tellString(_ value: Bytes, expiry: Int64?) {
        if let expiry {
            tell(["SET", .bytes(arguments[1]), .bytes(value), "PXAT", .number(expiry)])
        } else {
            tell(["SET", .bytes(arguments[1]), .bytes(value)])
        }
    }

    /// A key's value is the effect.
    func tellValue(of key: Bytes) {
        guard let effects = emulator.effects else { return }
        effects.emitValue(of: key, in: database, by: emulator.payloadMaker)
        effects.isTold = true
    }

    /// The first key ends at another time than before, or no longer: in short, or by its value where it may be over
    /// already at its former time.
    func tellNewEnd(_ end: Int64?, insteadOf old: Int64?) {
        guard isHeard else { return }
        if let old, old &- now <= Effects.slack, end ?? .max > old {
            tellValue(of: arguments[1])
        } else if let end {
            tell(["PEXPIREAT", .bytes(arguments[1]), .number(end)])
        } else {
            tell(["PERSIST", .bytes(arguments[1])])
        }
    }
}
