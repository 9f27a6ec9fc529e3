import RESPWire
import Testing

@Suite struct ScanEpochTests {
    @Test func `a cursor comes back as it was, in its own epoch only`() {
        var epoch = ScanEpoch.random()
        let cursors: [UInt64] = [1, 17, 1 << 45, 1 << 46 - 1]
        let tagged = cursors.map(epoch.tagged)
        #expect(tagged.map(epoch.opened) == cursors)
        #expect(tagged.allSatisfy { $0 < 1 << 53 })
        #expect(epoch.tagged(0) == 0 && epoch.opened(0) == 0)
        // The beginning, whatever the number of swaps since.
        for _ in 1..<127 {
            epoch.advance()
            #expect(tagged.allSatisfy { epoch.opened($0) == 0 })
        }
        // Without an epoch, and with room for none: as it is.
        #expect(epoch.opened(4711) == 4711)
        #expect(epoch.tagged(1 << 60) == 1 << 60 && epoch.opened(1 << 60) == 1 << 60)
    }

    @Test func `the cursor of a reply is tagged, and nothing else`() {
        let epoch = ScanEpoch.random()
        func tagged(_ reply: String) -> String {
            String(decoding: epoch.tagged(reply: Array(reply.utf8)), as: UTF8.self)
        }
        let elements = "*2\r\n$1\r\na\r\n$3\r\n\r\n1\r\n"
        let cursor = "\(epoch.tagged(96))"
        #expect(tagged("*2\r\n$2\r\n96\r\n\(elements)") == "*2\r\n$\(cursor.count)\r\n\(cursor)\r\n\(elements)")
        for other in [
            "*2\r\n$1\r\n0\r\n\(elements)", "-ERR syntax error\r\n", "*0\r\n", "*2\r\n$2\r\nxx\r\n*0\r\n", "",
        ] {
            #expect(tagged(other) == other)
        }
    }
}
