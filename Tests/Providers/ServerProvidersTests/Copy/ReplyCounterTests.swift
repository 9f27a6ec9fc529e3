import Testing

@testable import ServerProviders

/// What a target's answers mean, however they are cut.
@Suite struct ReplyCounterTests {
    @Test(
        arguments: [
            ("+OK\r\n:1\r\n$3\r\n-ER\r\n*1\r\n-ERR\r\n", 4, nil), ("+OK\r\n-OOM no room\r\n+OK\r\n", 1, "OOM no room"),
            // A key that was renamed in its last moment.
            ("+OK\r\n-ERR no such key\r\n:1\r\n", 3, nil),
        ] as [(String, Int, String?)])
    func `replies are counted up to the first error`(replies: String, count: Int, refused: String?) {
        let bytes = Array(replies.utf8)
        for size in [1, 2, 5, bytes.count] {
            var counter = ReplyCounter()
            var place = 0
            while place < bytes.count {
                let areReplies = counter.feed(Array(bytes[place..<min(place + size, bytes.count)]))
                #expect(areReplies)
                place += size
            }
            #expect(counter.count == count)
            #expect(counter.refused == refused)
        }
        var other = ReplyCounter()
        let areReplies = other.feed(Array("HTTP/1.1 400\r\n".utf8))
        #expect(!areReplies)
    }
}
