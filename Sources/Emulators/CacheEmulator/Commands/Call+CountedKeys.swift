import RESPWire

/// Arguments that LMPOP, ZMPOP and the like have in common: a number of keys, the keys, words.
extension Call {
    /// Where the keys stand whose number argument `index` gives; they may end behind the last argument. Nil after an
    /// error reply.
    func countedKeys(_ index: Int) -> Range<Int>? {
        guard let number = integer(index, atLeast: 1, ErrorText.keyCountNotPositive) else { return nil }
        return index + 1..<index + 1 + Int(min(number, Int64(count)))
    }

    /// The option COUNT, with which the arguments may end from `index` on; 1 without it. Nil after an error reply.
    func popCount(_ index: Int) -> Int64? {
        if index == count { return 1 }
        var most: Int64?
        if index + 1 < count, isWord(index, "count") {
            most = integer(index + 1, atLeast: 1, ErrorText.countNotPositive)
            guard most != nil else { return nil }
        }
        if most == nil || index + 2 < count {
            reply.error(ErrorText.syntax)
            return nil
        }
        return most
    }
}
