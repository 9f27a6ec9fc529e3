import EventLoop
import RESPWire
import Testing

@Suite struct NumbersTests {
    private func integer(_ text: String) -> Int64? { Array(text.utf8).withBytes { $0.integer } }

    @Test(arguments: [
        ("0", 0), ("-1", -1), ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("10", 10),
    ])
    func `canonical decimals are read`(text: String, value: Int64) {
        #expect(integer(text) == value)
    }

    @Test(arguments: [
        "", "-", "+1", "01", "-0", " 1", "1 ", "9223372036854775808", "-9223372036854775809", "1e3",
        "99999999999999999999999",
    ])
    func `everything else is no integer`(text: String) {
        #expect(integer(text) == nil)
    }

    @Test func `decimals are written as they are read`() {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Decimal.maxLength) { place in
            let start = place.baseAddress.unsafelyUnwrapped
            var values: [Int64] = [0, 9, 10, 99, 100, 101, .max, .min, -1, -10]
            for shift in 0..<63 { values += [1 << shift, -(1 << shift), (1 << shift) - 1] }
            for value in values {
                let count = Decimal.write(value, to: start)
                #expect(Bytes(UnsafePointer(start), count).text == String(value))
            }
        }
    }

    @Test(arguments: [
        (3.0, "3"), (-0.0, "-0"), (0.1, "0.10000000000000001"), (1e15, "1000000000000000"), (1e17, "1e+17"),
        (.infinity, "inf"), (-.infinity, "-inf"), (3.14, "3.1400000000000001"), (1e-5, "1.0000000000000001e-05"),
    ])
    func `doubles are printed with 17 digits`(value: Double, text: String) {
        #expect(DoubleText.text(value) == text)
    }

    @Test(arguments: [("1.5", 1.5), ("inf", .infinity), ("-inf", -.infinity), ("1e3", 1000), ("0x10", 16), ("+3", 3)])
    func `doubles are read as C reads them`(text: String, value: Double) {
        #expect(Array(text.utf8).withBytes { $0.double } == value)
    }

    @Test(arguments: ["", " 1", "1 ", "nan", "abc", "1.5x", "1e400"])
    func `what is no double is not read`(text: String) {
        #expect(Array(text.utf8).withBytes { $0.double } == nil)
    }

    @Test func `decimals are added in long doubles and printed without trailing zeros`() {
        #expect(Bytes("10.50").adding(decimal: Bytes("0.1")) == .sum(Array("10.6".utf8)))
        #expect(Bytes("5.0e3").adding(decimal: Bytes("2.0e2")) == .sum(Array("5200".utf8)))
        #expect(Bytes("x").adding(decimal: Bytes("1")) == .baseIsNoNumber)
        #expect(Bytes("1").adding(decimal: Bytes("")) == .addendIsNoNumber)
        #expect(Bytes("1").adding(decimal: Bytes("inf")) == .notFinite)
    }
}

@Suite struct ReplyWriterTests {
    private func written(version: UInt8, _ body: (ReplyWriter) -> Void) -> String {
        let output = ByteOutput(pool: BufferPool())
        body(ReplyWriter(output, version: version))
        return String(decoding: output.readable, as: UTF8.self)
    }

    @Test func `each version writes its own types`() {
        let body: (ReplyWriter) -> Void = { reply in
            reply.map(1)
            reply.set(1)
            reply.null()
            reply.double(1.5)
            reply.boolean(true)
            reply.push(1)
            reply.verbatim("a")
        }
        #expect(written(version: 2, body) == "*2\r\n*1\r\n$-1\r\n$3\r\n1.5\r\n:1\r\n*1\r\n$1\r\na\r\n")
        #expect(written(version: 3, body) == "%1\r\n~1\r\n_\r\n,1.5\r\n#t\r\n>1\r\n=5\r\ntxt:a\r\n")
    }

    @Test func `an error stays on one line whatever is quoted in it`() {
        let name = "a\r\nb"
        #expect(written(version: 2) { $0.error("ERR unknown '\(name)'") } == "-ERR unknown 'a  b'\r\n")
    }
}
