import RESPWire
import Testing

@Suite struct RequestRemainderTests {
    private static let value = String(repeating: "v", count: 20_000)
    private static let request = "*4\r\n$3\r\nSet\r\n$3\r\nkey\r\n$20000\r\n\(value)\r\n$0\r\n\r\n"

    @Test(arguments: [1, 2, 7, 4096, 100_000])
    func `the end is found however the rest is cut, and what follows is left`(size: Int) throws {
        let bytes = Array((Self.request + "*1\r\n$4\r\nPING\r\n").utf8)
        let front = 17_000
        let (begun, name) = try #require(bytes[..<front].withUnsafeBytes { RequestRemainder.begin($0, .authenticated) })
        #expect(Array(bytes[name]) == Array("Set".utf8))
        var remainder = begun
        let first = bytes[..<front].withUnsafeBytes { remainder.take($0, from: name.upperBound + 2) }
        #expect(first == .unfinished)
        var place = front
        var end: Int?
        while end == nil, place < bytes.count {
            let part = bytes[place..<min(place + size, bytes.count)]
            switch part.withUnsafeBytes({ remainder.take($0) }) {
            case .unfinished: place += part.count
            case .finished(let count): end = place + count
            case .failed(let error): throw Cut(error: error)
            }
        }
        #expect(end == Self.request.utf8.count)
    }

    private struct Cut: Error {
        var error: ProtocolError
    }

    @Test(arguments: [
        ("x3\r\n", ProtocolError.expectedBulk(UInt8(ascii: "x"))), ("$-1\r\n", .invalidLength),
        ("$\r\n", .invalidLength),
        ("$536870913\r\n", .invalidLength), ("$1x\r\n", .invalidLength),
        ("$" + String(repeating: "1", count: 40), .lengthTooLong),
    ])
    func `a header that is none is told`(header: String, error: ProtocolError) throws {
        let bytes = Array("*3\r\n$3\r\nSET\r\n$20000\r\n\(Self.value)\r\n\(header)".utf8)
        let (begun, name) = try #require(bytes.withUnsafeBytes { RequestRemainder.begin($0, .authenticated) })
        var remainder = begun
        #expect(bytes.withUnsafeBytes { remainder.take($0, from: name.upperBound + 2) } == .failed(error))
    }

    @Test(arguments: [
        "", "*3\r\n$3\r\nSET\r\n", "PING \(value)", "*0\r\n\(value)", "*3\r\n$30\r\n\(value)", "*3\r\n+3\r\n\(value)",
        "*99999999999999999999\r\n$3\r\nSET\r\n\(value)", "*1\r\n$4\r\nPING\r\n\(value)",
    ])
    func `what is small, a line, or no request is not begun`(front: String) {
        let begun = Array(front.utf8).withUnsafeBytes { RequestRemainder.begin($0, .authenticated) }
        #expect(begun == nil)
    }
}
