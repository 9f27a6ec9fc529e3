import RESPWire

/// LCS: what two strings have in common, in the same order.
enum Subsequence {
    static let run: CommandBody = { call in
        let (first, second) = (call.find(call[1]), call.find(call[2]))
        for entry in [first, second] {
            if let entry, entry.type != .string {
                return call.reply.error("ERR The specified keys must contain string values")
            }
        }
        var wantsLength = false
        var wantsMatches = false
        var withLengths = false
        var shortest: Int64 = 0
        var index = 3
        while index < call.count {
            if call.isWord(index, "len") {
                wantsLength = true
            } else if call.isWord(index, "idx") {
                wantsMatches = true
            } else if call.isWord(index, "withmatchlen") {
                withLengths = true
            } else if call.isWord(index, "minmatchlen"), index + 1 < call.count {
                guard let value = call.integer(index + 1) else { return }
                shortest = max(value, 0)
                index += 1
            } else {
                return call.reply.error(ErrorText.syntax)
            }
            index += 1
        }
        if wantsLength, wantsMatches {
            return call.reply.error("ERR If you want both the length and indexes, please just use IDX.")
        }
        let a = first.map { call.database.withString($0) { $0.array } } ?? []
        let b = second.map { call.database.withString($0) { $0.array } } ?? []
        guard let found = CommonSubsequence(a, b) else {
            return call.reply.error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
        }
        if wantsLength { return call.reply.integer(found.length) }
        guard wantsMatches else { return found.bytes.withBytes { call.reply.bulk($0) } }
        let ranges = found.ranges.filter { Int64($0.length) >= shortest }
        call.reply.map(2)
        call.reply.bulk("matches")
        call.reply.array(ranges.count)
        for range in ranges {
            call.reply.array(withLengths ? 3 : 2)
            for start in [range.first, range.second] {
                call.reply.array(2)
                call.reply.integer(start)
                call.reply.integer(start + range.length - 1)
            }
            if withLengths { call.reply.integer(range.length) }
        }
        call.reply.bulk("len")
        call.reply.integer(found.length)
    }
}
