import RESPWire

/// HRANDFIELD and HSCAN.
enum HashIteration {
    static let random: CommandBody = { call in
        guard call.count > 2 else { return one(call) }
        guard let count = call.integer(2) else { return }
        guard count >= -Int64.max else { return call.reply.error(ErrorText.outsideSymmetricRange) }
        if call.count > 4 || (call.count == 4 && !call.isWord(3, "withvalues")) {
            return call.reply.error(ErrorText.syntax)
        }
        let withValues = call.count == 4
        if withValues, count.magnitude > UInt64(Int64.max / 2) { return call.reply.error(ErrorText.outOfRange) }
        guard let entry = call.findFirst() else { return call.reply.array(0) }
        guard call.accepts(entry, .hash) else { return }
        guard count >= -SelectionSampling.mostDraws else { return call.reply.error(ErrorText.outOfRange) }

        let hash = call.database.hashValue(entry)
        let shown = count < 0 ? Int(-count) : Int(min(count, Int64(hash.count)))

        let isNested = withValues && call.reply.isVersion3
        call.reply.array(withValues && !isNested ? shown * 2 : shown)
        let reply = call.reply
        let show = { (field: Bytes, value: Bytes) in
            if isNested { reply.array(2) }
            reply.bulk(field)
            if withValues { reply.bulk(value) }
        }
        if count < 0 {
            for _ in 0..<shown where !call.hasOverflowed {
                let (field, value) = hash.random(using: &call.emulator.random)
                show(field, value)
            }
        } else {
            sample(shown, of: hash, call, show)
        }
    }

    private static func one(_ call: borrowing Call) {
        guard let entry = call.findFirst() else { return call.reply.null() }
        guard call.accepts(entry, .hash) else { return }

        let (field, _) = call.database.hashValue(entry).random(using: &call.emulator.random)

        call.reply.bulk(field)
    }

    /// Calls `body` with `wanted` different fields.
    private static func sample(
        _ wanted: Int, of hash: HashValue, _ call: borrowing Call, _ body: (Bytes, Bytes) -> Void
    ) {
        let emulator = call.emulator
        if hash.isPacked || SelectionSampling.isBetterThanDrawing(wanted, of: hash.count) {
            var sampling = SelectionSampling(wanted, of: hash.count)
            return hash.forEach { if sampling.takesNext(using: &emulator.random) { body($0, $1) } }
        }
        var drawn: Set<UnsafePointer<UInt8>> = []
        while drawn.count < wanted {
            let (field, value) = hash.random(using: &emulator.random)
            if drawn.insert(field.start).inserted { body(field, value) }
        }
    }

    static let scan: CommandBody = { call in
        guard let cursor = ScanOptions.cursor(call[2], call) else { return call.reply.error(ErrorText.invalidCursor) }
        guard let entry = call.findFirst() else { return ScanOptions.replyEmpty(call) }
        guard call.accepts(entry, .hash) else { return }
        guard let options = ScanOptions(call, from: 3) else { return }

        var found: [(Bytes, Bytes)] = []
        let next = call.database.hashValue(entry).scan(from: cursor, wanted: options.count) { field, value in
            if options.accepts(field) { found.append((field, value)) }
        }

        call.reply.array(2)
        options.replyCursor(next, call)
        call.reply.array(found.count * 2)
        for (field, value) in found {
            call.reply.bulk(field)
            call.reply.bulk(value)
        }
    }
}
