import BeanstalkWire
import EventLoop
import Testing

@Suite struct ReplyWriterTests {
    private func written(_ write: (ReplyWriter) -> Void) -> String {
        let output = ByteOutput(pool: BufferPool())
        write(ReplyWriter(output))
        return String(decoding: output.readable, as: UTF8.self)
    }

    @Test(
        arguments: [0, 1, 9, 10, 99, 100, 12_345, 9_999_999_999, UInt64.max - 1, UInt64.max])
    func `numbers of any length are written in full`(_ number: UInt64) {
        #expect(written { $0.inserted(id: number) } == "INSERTED \(number)\r\n")
    }

    @Test func `replies have the form of the protocol`() {
        let body = Array("hello\r\n".utf8)
        body.withUnsafeBytes { bytes in
            #expect(written { $0.reserved(id: 7, body: bytes) } == "RESERVED 7 5\r\nhello\r\n")
            #expect(written { $0.found(id: 7, body: bytes) } == "FOUND 7 5\r\nhello\r\n")
            #expect(written { $0.using(tube: UnsafeRawBufferPointer(rebasing: bytes[..<5])) } == "USING hello\r\n")
        }
        #expect(written { $0.kicked(count: 3) } == "KICKED 3\r\n")
        #expect(written { $0.watching(count: 2) } == "WATCHING 2\r\n")
        #expect(written { $0.reply(.deadlineSoon) } == "DEADLINE_SOON\r\n")
    }

    @Test func `a body that is still arriving is shown with zeros for the rest`() {
        let body = Array("ab".utf8)
        body.withUnsafeBytes { bytes in
            #expect(written { $0.found(id: 1, body: bytes, missing: 3) } == "FOUND 1 3\r\nab\0\0\0")
        }
    }

    @Test func `a document is announced with its length`() {
        var document = YAMLDocument()
        document.entry("pid", 12)
        document.entry("draining", "false")
        Array("q".utf8).withUnsafeBytes {
            document.entry("name", name: $0)
            document.item(name: $0)
        }
        #expect(written { $0.ok(document) } == "OK 40\r\n---\npid: 12\ndraining: false\nname: q\n- q\n\r\n")
    }
}
