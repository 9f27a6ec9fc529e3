import Testing

@Suite struct RegisterHistoryTests {
    private static let zero = ContinuousClock.now

    /// `w1 0 5`: the value 1 was written between 0 and 5; `-` is no reply.
    private func history(_ text: String) -> RegisterHistory {
        var history = RegisterHistory()
        for line in text.split(separator: ",") {
            let words = line.split(separator: " ")
            func time(_ word: Substring) -> ContinuousClock.Instant? {
                Int(word).map { Self.zero + .milliseconds($0) }
            }
            history.operations.append(
                .init(
                    value: Int(words[0].dropFirst()) ?? 0, isWrite: words[0].hasPrefix("w"),
                    began: time(words[1]) ?? Self.zero, ended: time(words[2])))
        }
        return history
    }

    @Test(arguments: [
        "", "w1 0 5,r1 6 7", "r0 0 1,w1 2 3,r1 4 5,w2 6 7,r2 8 9",
        // While a write is under way both values may be read, the new one not before the old one again.
        "w1 0 1,w2 2 9,r1 3 4,r2 5 6,r2 7 8", "w1 0 9,w2 0 9,r2 10 11",
        // A write without a reply: read later, or never.
        "w1 0 1,w2 2 -,r1 5 6,r2 7 8", "w1 0 1,w2 2 -,r1 5 6", "w1 0 1,r1 2 -,w2 3 4,r2 5 6",
    ])
    func `an order exists`(text: String) {
        #expect(history(text).violation == nil)
    }

    @Test(arguments: [
        // Lost, read before it was, back again, an answered write that nobody could have seen in between.
        "w1 0 1,w2 2 3,r1 4 5", "r1 0 1,w1 2 3", "w1 0 1,w2 2 9,r2 3 4,r1 5 6", "w1 0 1,r1 10 11,w2 3 4",
        "r7 0 1", "w1 0 1,r0 2 3", "w1 0 1,w2 2 -,r2 3 4,r1 5 6", "w1 0 1,w2 2 3,r2 4 5,r1 6 7,r2 8 9",
    ])
    func `no order exists`(text: String) {
        #expect(history(text).violation != nil)
    }
}
