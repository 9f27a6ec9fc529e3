import Testing

@testable import RESPWire

/// Where the keys of commands are, by what a server tells of them.
@Suite struct CommandKeysTests {
    private static func keys(_ specifications: [KeySpecification]?, isWrite: Bool = true) -> CommandKeys {
        var keys = CommandKeys()
        keys.add("it", CommandKeys.Row(isReadOnly: false, isWrite: isWrite, keys: specifications))
        return keys
    }

    private func touched(_ keys: CommandKeys, _ request: String) -> CommandKeys.Touched {
        keys.touched(by: request.split(separator: " ").map { Array($0.utf8) })
    }

    private func names(_ words: String...) -> CommandKeys.Touched { .keys(words.map { Array($0.utf8) }) }

    @Test func `a range goes to its end, in steps, or over a part of what is left`() {
        let one = Self.keys([KeySpecification(.index(1), .range(last: 0, step: 1, limit: 0))])
        #expect(touched(one, "it a b c") == names("a"))
        #expect(touched(one, "IT a") == names("a"))
        let all = Self.keys([KeySpecification(.index(1), .range(last: -1, step: 1, limit: 0))])
        #expect(touched(all, "it a b c") == names("a", "b", "c"))
        let pairs = Self.keys([KeySpecification(.index(1), .range(last: -1, step: 2, limit: 0))])
        #expect(touched(pairs, "it a 1 b 2") == names("a", "b"))
        let half = Self.keys([
            KeySpecification(.keyword(Array("streams".utf8), from: 1), .range(last: -1, step: 1, limit: 2))
        ])
        #expect(touched(half, "it COUNT 1 STREAMS a b 0 0") == names("a", "b"))
        #expect(touched(half, "it COUNT 1") == .nothing)
    }

    @Test func `a count says how many, and one that lies finds nothing`() {
        let counted = Self.keys([
            KeySpecification(.index(1), .range(last: 0, step: 1, limit: 0)),
            KeySpecification(.index(2), .count(number: 0, first: 1, step: 1)),
        ])
        #expect(touched(counted, "it to 2 a b x") == names("to", "a", "b"))
        for request in ["it to 3 a b", "it to -1 a", "it to x a", "it to 9223372036854775807 a", "it to 2"] {
            #expect(touched(counted, request) == names("to"), "\(request)")
        }
    }

    @Test func `a word is looked for from behind, too`() {
        let behind = Self.keys([
            KeySpecification(.keyword(Array("keys".utf8), from: -2), .range(last: 0, step: 1, limit: 0))
        ])
        #expect(touched(behind, "it x KEYS a") == names("a"))
        #expect(touched(behind, "it KEYS a b") == names("a"))
    }

    @Test func `what nobody can tell may be everything`() {
        #expect(touched(Self.keys(nil), "it a") == .everything)
        #expect(touched(Self.keys([]), "it a") == .everything)
        #expect(touched(Self.keys([], isWrite: false), "it a") == .nothing)
        #expect(touched(Self.keys(nil), "other a") == .everything)
        var keys = CommandKeys()
        let first = [KeySpecification(.index(2), .count(number: 0, first: 1, step: 1))]
        keys.add("eval", CommandKeys.Row(isReadOnly: false, isWrite: false, keys: first))
        keys.add("flushdb", CommandKeys.Row(isReadOnly: false, isWrite: true, keys: []))
        keys.add("get", CommandKeys.Row(isReadOnly: true, isWrite: false, keys: nil))
        keys.add("xgroup", CommandKeys.Row(isReadOnly: false, isWrite: false, keys: []))
        let second = [KeySpecification(.index(2), .range(last: 0, step: 1, limit: 0))]
        keys.add("xgroup|create", CommandKeys.Row(isReadOnly: false, isWrite: true, keys: second))
        #expect(touched(keys, "EVAL code 1 a b") == .keysOfScript([Array("a".utf8)]))
        #expect(touched(keys, "EVAL code 0") == .everything)
        #expect(touched(keys, "FlushDB") == .everything)
        #expect(touched(keys, "GET a") == .nothing)
        #expect(touched(keys, "XGROUP CREATE stream group") == names("stream"))
    }
}
