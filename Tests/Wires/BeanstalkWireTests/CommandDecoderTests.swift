import BeanstalkWire
import TestKit
import Testing

@Suite struct CommandDecoderTests {
    private static let longName = String(repeating: "x", count: 200)

    private func decode(_ line: String) -> [String] {
        RecordingDecoder.record(Array((line + "\r\n").utf8), cutAt: [])
    }

    @Test(
        arguments: [
            ("put 1 2 3 4\r\nabcd", ["put 1 2 3 4", "body \"abcd\\r\\n\" complete"]),
            (
                "put 4294967295 4294967295 4294967295 0\r\n",
                [
                    "put 4294967295 4294967295 4294967295 0", "body \"\\r\\n\" complete",
                ]
            ),
            ("use a", ["use 'a'"]),
            ("use \(longName)", ["use '\(longName)'"]),
            ("use aZ0-+/;.$_()", ["use 'aZ0-+/;.$_()'"]),
            ("reserve", ["reserve"]),
            ("reserve-with-timeout 5", ["reserveWithTimeout 5"]),
            ("reserve-job 6", ["reserveJob 6"]),
            ("delete 18446744073709551615", ["delete 18446744073709551615"]),
            ("release 1 2 3", ["release 1 2 3"]),
            ("bury 1 2", ["bury 1 2"]),
            ("touch 1", ["touch 1"]),
            ("watch a", ["watch 'a'"]),
            ("ignore a", ["ignore 'a'"]),
            ("peek 1", ["peek 1"]),
            ("peek-ready", ["peekReady"]),
            ("peek-delayed", ["peekDelayed"]),
            ("peek-buried", ["peekBuried"]),
            ("kick 7", ["kick 7"]),
            ("kick-job 7", ["kickJob 7"]),
            ("stats", ["stats"]),
            ("stats-job 7", ["statsJob 7"]),
            ("stats-tube a", ["statsTube 'a'"]),
            ("list-tubes", ["listTubes"]),
            ("list-tube-used", ["listTubeUsed"]),
            ("list-tubes-watched", ["listTubesWatched"]),
            ("pause-tube a 8", ["pauseTube 'a' 8"]),
            ("quit", ["quit"]),
        ])
    func `each command is understood`(_ line: String, _ expected: [String]) {
        #expect(decode(line) == expected)
    }

    @Test(
        arguments: [
            ("delete   1", "delete 1"),
            ("delete 0001", "delete 1"),
            ("release  1  2  3", "release 1 2 3"),
            ("reserve-with-timeout 5abc", "reserveWithTimeout 5"),
            ("reserve-with-timeout abc", "reserveWithTimeout 0"),
            ("reserve-with-timeout ", "reserveWithTimeout 0"),
            ("reserve-with-timeout \t-3", "reserveWithTimeout -3"),
            ("reserve-with-timeout 4294967296", "reserveWithTimeout 0"),
            ("reserve-with-timeout 2147483648", "reserveWithTimeout -2147483648"),
            ("reserve-with-timeout -9223372036854775808", "reserveWithTimeout 0"),
            ("kick 5x", "kick 5"),
            ("kick +5", "kick 5"),
            ("kick \t5", "kick 5"),
            ("kick -1", "kick 4294967295"),
            ("kick 4294967297", "kick 1"),
            ("pause-tubea 1", "pauseTube 'a' 1"),
            ("pause-tube  a   1", "pauseTube 'a' 1"),
            ("quitter", "quit"),
        ])
    func `what 1_12 tolerates is tolerated`(_ line: String, _ expected: String) {
        #expect(decode(line) == [expected])
    }

    @Test(
        arguments: [
            "put", "PUT 0 0 0 0", "peek", "peekx", "use", "watch", "ignore", "delete", "kick-all", "", " reserve",
        ])
    func `words that 1_12 does not know are unknown`(_ line: String) {
        #expect(decode(line) == ["unknown '\(line.prefix { $0 != " " })'"])
    }

    @Test(
        arguments: [
            "put a 0 0 0", "put 0 0 0", "put 0 0 0 ", "put -1 0 0 0", "put 4294967296 0 0 0", "put 0 4294967296 0 0",
            "put 0 0 4294967296 0", "put 0 0 0 4294967296", "put 0,0 0 0", "put \t0 0 0 0", "use ", "use  a", "use -a",
            "use a b", "use a!", "use \(longName)x", "reserved", "reserve-job", "reserve-job ",
            "reserve-with-timeout", "reserve-with-timeout 9223372036854775808",
            "reserve-with-timeout 99999999999999999999", "delete a", "delete -1", "delete 1 ", "delete 1 2",
            "delete 18446744073709551616", "delete \t1", "release 1 2", "release 1 2 3 4", "release 1 4294967296 0",
            "release 1 0 4294967296", "bury 1", "bury 1 2 3", "touch", "touch ", "kick ", "kick a",
            "kick 18446744073709551616", "kick-job ", "stats-job", "stats-job ", "stats-tube", "stats-tube ",
            "stats ", "list-tubesx", "list-tube-used ", "list-tubes-watched ", "peek-readyx", "peek-delayed ",
            "peek-buried ", "pause-tube", "pause-tube a", "pause-tube a1", "pause-tube a 1 ", "pause-tube a -1",
            "pause-tube a 4294967296", "pause-tube ! 1", "kick \u{0}5", "use a\u{0}",
        ])
    func `malformed arguments are refused`(_ line: String) {
        // `touch` alone lacks the space that belongs to its word.
        #expect(decode(line) == [line == "touch" ? "unknown 'touch'" : "bad format"])
    }

    @Test func `a put with something behind its numbers and a pause of a misnamed tube are counted`() {
        #expect(decode("put 0 0 0 2 x") == ["bad format, put counted"])
        #expect(decode("put 0 0 0 2x") == ["bad format, put counted"])
        #expect(decode("pause-tube -a 1") == ["bad format, pauseTube counted"])
        #expect(decode("pause-tube \(Self.longName)x 1") == ["bad format, pauseTube counted"])
    }

    @Test func `a body beyond the limit is thrown away and the next command is found`() {
        #expect(
            decode("put 0 0 0 21\r\n\(String(repeating: "a", count: 21))\r\nstats") == [
                "oversized put", "body discarded", "stats",
            ])
        #expect(decode("put 0 0 0 20\r\n\(String(repeating: "a", count: 20))\r\nstats").last == "stats")
        #expect(
            decode("put 0 0 0 30 x\r\n\(String(repeating: "a", count: 30))") == ["oversized put", "body discarded"])
    }

    @Test func `a body without CR LF behind it takes two bytes of what follows`() {
        #expect(decode("put 0 0 0 2\r\nabcdstats") == ["put 0 0 0 2", "body \"abcd\" unterminated", "stats"])
        #expect(
            decode("put 0 0 0 1\r\na\r\r\nquit") == [
                "put 0 0 0 1", "body \"a\\r\\r\" unterminated", "unknown '\nquit'",
            ])
    }

    @Test func `a line of 224 bytes is the longest`() {
        #expect(decode(String(repeating: "x", count: 222)) == ["unknown '\(String(repeating: "x", count: 222))'"])
        #expect(decode(String(repeating: "x", count: 300) + "\r\nstats") == ["bad format", "stats"])
        #expect(decode(String(repeating: "x", count: 5000) + "\r\nstats") == ["bad format", "stats"])
    }

    @Test func `a line end across the border of the window is not seen, as in 1_12`() {
        #expect(decode(String(repeating: "x", count: 223)) == [])
        #expect(decode(String(repeating: "x", count: 223) + "\r\nstats\r\nstats") == ["bad format", "stats"])
    }

    @Test func `a CR without LF hides the line ends of its window`() {
        #expect(decode("use a\rb\r\nstats") == [])
        let hidden = "a\rb\r\n" + String(repeating: "x", count: 224 - 5)
        #expect(decode(hidden + "y\r\nstats") == ["bad format", "stats"])
    }

    @Test func `a discarded body may be chosen after its command`() {
        var decoder = CommandDecoder(maximumBodySize: 10)
        var seen: [String] = []
        Array("put 0 0 0 3\r\nabc\r\nstats\r\n".utf8).withUnsafeBytes { bytes in
            var offset = 0
            while let message = decoder.next(in: bytes, from: &offset) {
                switch message {
                case .command(let command):
                    seen.append(RecordingDecoder.text(command))
                    decoder.discardBody()
                case .bodyDiscarded: seen.append("discarded")
                default: seen.append("other")
                }
            }
        }
        #expect(seen == ["put 0 0 0 3", "discarded", "stats"])
    }

    @Test func `the bytes may be cut anywhere`() {
        let long = String(repeating: "y", count: 460)
        let text =
            "put 1 0 60 5\r\nhe\r\no\r\nput 0 0 0 2\r\nabcdput 0 0 0 25\r\n0123456789012345678901234\r\n"
            + "\(long)\r\nuse a\r\nnonsense\r\ndelete x\r\nstats\r\n"
        let bytes = Array(text.utf8)
        let whole = RecordingDecoder.record(bytes, cutAt: [])
        #expect(whole.count == 11)
        for cut in 0...bytes.count { #expect(RecordingDecoder.record(bytes, cutAt: [cut]) == whole) }
        #expect(RecordingDecoder.record(bytes, cutAt: Array(1..<bytes.count)) == whole)
        for cut in stride(from: 0, to: bytes.count - 40, by: 7) {
            #expect(RecordingDecoder.record(bytes, cutAt: [cut, cut + 13, cut + 40]) == whole)
        }
    }

    @Test func `no bytes trap, and cuts never matter`() {
        var generator = SeededRandom(seed: 0x5eed)
        let words = [
            "put 0 0 9 4\r\n", "put 0 0 9 99\r\n", "use ", "\r", "\n", "\r\n", "\u{0}", "kick -", "9999999999",
        ]
        for _ in 0..<400 {
            var bytes: [UInt8] = []
            while bytes.count < 600 {
                if Bool.random(using: &generator), let word = words.randomElement(using: &generator) {
                    bytes += Array(word.utf8)
                } else {
                    bytes.append(UInt8.random(in: 0...255, using: &generator))
                }
            }
            let whole = RecordingDecoder.record(bytes, cutAt: [])
            let cuts = (0..<9).map { _ in Int.random(in: 0...bytes.count, using: &generator) }.sorted()
            #expect(RecordingDecoder.record(bytes, cutAt: cuts) == whole)
        }
    }

    @Test func `no more than a line is ever left over`() {
        var recorder = RecordingDecoder(maximumBodySize: 1 << 20)
        recorder.feed(Array("put 0 0 0 1000000\r\n".utf8))
        for _ in 0..<100 {
            recorder.feed([UInt8](repeating: 0x61, count: 9000))
            #expect(recorder.leftOver == 0)
        }
        recorder = RecordingDecoder()
        for _ in 0..<1000 {
            recorder.feed([0x0d, 0x61, 0x0d])
            #expect(recorder.leftOver < CommandDecoder.maximumLineLength)
        }
    }
}
