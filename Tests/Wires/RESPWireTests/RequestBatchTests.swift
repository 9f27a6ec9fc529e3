import RESPWire
import Testing

/// Requests come as the same, however their bytes are cut.
@Suite struct RequestBatchTests {
    /// Feeds `input` in pieces, keeping what was not used in front as a connection does; returns requests and error.
    private func feed(
        _ pieces: [[UInt8]], limits: RequestLimits = .authenticated
    ) -> (requests: [[String]], error: ProtocolError?) {
        let batch = RequestBatch(capacity: 4)
        var partial = PartialRequest()
        var waiting: [UInt8] = []
        var requests: [[String]] = []
        for piece in pieces {
            waiting += piece
            while true {
                var used = 0
                let end = waiting.withUnsafeBytes { bytes in
                    let end = batch.parse(bytes, limits: limits, partial: &partial)
                    for index in 0..<batch.count {
                        let request = batch[index]
                        requests.append((0..<request.count).map { batch.arguments[request.first + $0].text })
                        used = request.end
                    }
                    if batch.count == 0 { used = batch.skipped }
                    return end
                }
                waiting.removeFirst(used)
                if case .failed(let error) = end { return (requests, error) }
                if end == .needsMore { break }
            }
        }
        return (requests, nil)
    }

    @Test func `a request that is cut at any place is found once and whole`() {
        let input = Array(
            "*3\r\n$3\r\nSET\r\n$10\r\n0123456789\r\n$0\r\n\r\nPING  a 'b c'\r\n\r\n*1\r\n$4\r\nQUIT\r\n".utf8)
        let expected = [["SET", "0123456789", ""], ["PING", "a", "b c"], ["QUIT"]]
        for cut in 0...input.count {
            let result = feed([Array(input[..<cut]), Array(input[cut...])])
            #expect(result.requests == expected, "cut at \(cut)")
            #expect(result.error == nil)
        }
        #expect(feed(input.map { [$0] }).requests == expected)
    }

    @Test func `a large request that comes in many reads keeps its arguments`() {
        let words = (0..<20_000).map { "argument-\($0)" }
        let input = Array(("*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()).utf8)
        let pieces = stride(from: 0, to: input.count, by: 7001).map { Array(input[$0..<min($0 + 7001, input.count)]) }
        #expect(feed(pieces).requests == [words])
    }

    @Test func `more requests than the batch holds come in several batches`() {
        let input = Array(String(repeating: "*1\r\n$4\r\nPING\r\n", count: 11).utf8)
        #expect(feed([input]).requests.count == 11)
    }

    @Test func `empty and negative arrays and empty lines ask for nothing`() {
        #expect(feed([Array("*0\r\n*-1\r\n\r\n\n*1\r\n$1\r\na\r\n".utf8)]).requests == [["a"]])
    }

    @Test(arguments: [
        ("*x\r\n", ProtocolError.invalidCount), ("*3000000000\r\n", .invalidCount), ("*1\r\n:1\r\n", .expectedBulk(58)),
        ("*1\r\n$-1\r\n", .invalidLength), ("*1\r\n$536870913\r\n", .invalidLength), ("*1\r\n$ 1\r\n", .invalidLength),
        ("GET \"a\r\n", .unbalancedQuotes), ("GET 'a'b\r\n", .unbalancedQuotes),
    ])
    func `bytes that are no request are refused by their kind`(input: String, error: ProtocolError) {
        #expect(feed([Array(input.utf8)]).error == error)
    }

    @Test func `before authentication ten arguments of 16 KiB are the most`() {
        #expect(feed([Array("*11\r\n".utf8)], limits: .unauthenticated).error == .unauthenticatedCount)
        #expect(feed([Array("*1\r\n$16385\r\n".utf8)], limits: .unauthenticated).error == .unauthenticatedLength)
    }

    @Test func `lines without an end are given up after 64 KiB`() {
        let long = [UInt8](repeating: UInt8(ascii: "1"), count: 70_000)
        #expect(feed([long]).error == .lineTooLong)
        #expect(feed([Array("*".utf8) + long]).error == .countTooLong)
        #expect(feed([Array("*1\r\n$".utf8) + long]).error == .lengthTooLong)
    }

    @Test func `random bytes never trap`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("*$\r\n0123456789-\"'\\xPING ".utf8)
        for _ in 0..<20_000 {
            let input = (0..<Int.random(in: 0..<40)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            _ = feed([input])
        }
    }
}

@Suite struct InlineTests {
    private func split(_ line: String) -> [String]? {
        let batch = RequestBatch()
        var partial = PartialRequest()
        return Array((line + "\r\n").utf8).withUnsafeBytes { bytes -> [String]? in
            guard case .needsMore = batch.parse(bytes, limits: .authenticated, partial: &partial) else { return nil }
            guard batch.count == 1 else { return [] }
            return (0..<batch[0].count).map { batch.arguments[$0].text }
        }
    }

    @Test(arguments: [
        ("SET a b", ["SET", "a", "b"]), ("  a\t b  ", ["a", "b"]), (#""a b" c"#, ["a b", "c"]),
        (#""\x41\n\"""#, ["A\n\""]), (#"'it\'s' x"#, ["it's", "x"]), (#"a"b""#, ["ab"]), (#""\q""#, ["q"]),
        (#""" x"#, ["", "x"]),
    ])
    func `quotes and escapes are taken away`(line: String, expected: [String]) {
        #expect(split(line) == expected)
    }

    @Test func `a length that no memory has is awaited, and nothing is read behind the end`() {
        let batch = RequestBatch()
        var partial = PartialRequest()
        let limits = RequestLimits(arguments: 100, bulk: .max, isAuthenticated: true)
        for length in [Int.max, .max - 1, .max - 2, .max - 100, 1 << 62] {
            let bytes = Array("*2\r\n$3\r\nGET\r\n$\(length)\r\nabc\r\n".utf8)
            let end = bytes.withUnsafeBytes { batch.parse($0, limits: limits, partial: &partial) }
            #expect(end == .needsMore && batch.count == 0)
        }
    }
}
