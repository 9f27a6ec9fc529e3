import RESPWire
import Testing

/// The ends of replies are found, however their bytes are cut.
@Suite struct ReplyFramerTests {
    /// The units in `pieces`, with the number of bytes up to the end of each; nil for malformed input.
    private func frame(_ pieces: [[UInt8]]) -> (units: [ReplyFramer.Unit], ends: [Int], isAtBoundary: Bool)? {
        var framer = ReplyFramer()
        var units: [ReplyFramer.Unit] = []
        var ends: [Int] = []
        var before = 0
        for piece in pieces {
            let isFine = piece.withUnsafeBytes { bytes in
                var position = 0
                while true {
                    switch framer.next(bytes, from: position) {
                    case .unit(let unit, let end):
                        units.append(unit)
                        ends.append(before + end)
                        position = end
                    case .needsMore: return true
                    case .malformed: return false
                    }
                }
            }
            guard isFine else { return nil }
            before += piece.count
        }
        return (units, ends, framer.isAtBoundary)
    }

    private static let replies: [(String, ReplyFramer.Unit)] = [
        ("+OK\r\n", ReplyFramer.Unit(type: UInt8(ascii: "+"), word: nil)),
        ("-ERR no\r\n", ReplyFramer.Unit(type: UInt8(ascii: "-"), word: nil)),
        (":12\r\n", ReplyFramer.Unit(type: UInt8(ascii: ":"), word: nil)),
        ("$5\r\na\r\nbc\r\n", ReplyFramer.Unit(type: UInt8(ascii: "$"), word: nil)),
        ("$-1\r\n", ReplyFramer.Unit(type: UInt8(ascii: "$"), word: nil)),
        ("$0\r\n\r\n", ReplyFramer.Unit(type: UInt8(ascii: "$"), word: nil)),
        ("*-1\r\n", ReplyFramer.Unit(type: UInt8(ascii: "*"), word: nil)),
        ("*0\r\n", ReplyFramer.Unit(type: UInt8(ascii: "*"), word: nil)),
        ("*2\r\n*1\r\n$1\r\nx\r\n*0\r\n", ReplyFramer.Unit(type: UInt8(ascii: "*"), word: nil)),
        ("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n", ReplyFramer.Unit(type: UInt8(ascii: "*"), word: .message)),
        (">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", ReplyFramer.Unit(type: UInt8(ascii: ">"), word: .subscribe)),
        ("%1\r\n+a\r\n~1\r\n#t\r\n", ReplyFramer.Unit(type: UInt8(ascii: "%"), word: nil)),
        ("_\r\n", ReplyFramer.Unit(type: UInt8(ascii: "_"), word: nil)),
        ("=7\r\ntxt:abc\r\n", ReplyFramer.Unit(type: UInt8(ascii: "="), word: nil)),
        (",1.5\r\n", ReplyFramer.Unit(type: UInt8(ascii: ","), word: nil)),
    ]

    @Test(arguments: [1, 30_000, 16 << 20, (16 << 20) + 2])
    func `a line that is too long is malformed however it is cut`(cut: Int) {
        let bytes = Array("+".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: (16 << 20) + 1) + [13, 10]
        #expect(frame([bytes]) == nil)
        #expect(frame([Array(bytes[..<cut]), Array(bytes[cut...])]) == nil)
    }

    @Test func `replies that are cut at any place are counted once, where they end`() {
        let input = Array(Self.replies.map(\.0).joined().utf8)
        var ends: [Int] = []
        for (text, _) in Self.replies { ends.append((ends.last ?? 0) + text.utf8.count) }
        for cut in 0...input.count {
            let result = frame([Array(input[..<cut]), Array(input[cut...])])
            #expect(result?.units == Self.replies.map(\.1), "cut at \(cut)")
            #expect(result?.ends == ends, "cut at \(cut)")
            #expect(result?.isAtBoundary == true)
        }
        #expect(frame(input.map { [$0] })?.units == Self.replies.map(\.1))
    }

    @Test func `inside a reply there is no boundary`() {
        for (text, _) in Self.replies {
            let bytes = Array(text.utf8)
            for cut in 1..<bytes.count {
                #expect(frame([Array(bytes[..<cut])])?.isAtBoundary == false, "\(text.debugDescription) cut at \(cut)")
            }
        }
    }

    @Test func `an attribute belongs to the reply behind it`() {
        let result = frame([Array("|1\r\n+key\r\n+value\r\n:7\r\n:8\r\n".utf8)])
        #expect(result?.ends == [22, 26])
    }

    @Test(arguments: ["hello\r\n", "*x\r\n", "+\n", "$99999999999999\r\n", "\r\n"])
    func `bytes that are no reply are malformed`(input: String) {
        #expect(frame([Array(input.utf8)]) == nil)
    }

    @Test func `nesting without end is malformed`() {
        #expect(frame([Array(String(repeating: "*1\r\n", count: 2000).utf8)]) == nil)
    }
}
