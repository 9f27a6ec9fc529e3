/// One line as a user types it into redis-cli: words, "…" with escapes (\n \r \t \xHH \\ \"), '…' without.
enum CommandLine {
    static func arguments(_ line: String) throws -> [[UInt8]] {
        var arguments: [[UInt8]] = []
        var rest = Array(line.utf8)[...]
        while let first = rest.first {
            if first == UInt8(ascii: " ") {
                rest = rest.dropFirst()
            } else {
                arguments.append(try argument(&rest, line))
            }
        }
        return arguments
    }

    private static func argument(_ rest: inout ArraySlice<UInt8>, _ line: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var quote: UInt8?
        while let byte = rest.popFirst() {
            if byte == quote { return bytes }
            if quote == nil, byte == UInt8(ascii: " ") { return bytes }
            if quote == nil, bytes.isEmpty, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if quote == UInt8(ascii: "\""), byte == UInt8(ascii: "\\") {
                bytes.append(try escaped(&rest, line))
            } else {
                bytes.append(byte)
            }
        }
        guard quote == nil else { throw HarnessError("a quote is not closed: \(line)") }
        return bytes
    }

    private static func escaped(_ rest: inout ArraySlice<UInt8>, _ line: String) throws -> UInt8 {
        switch rest.popFirst() {
        case UInt8(ascii: "n"): return 10
        case UInt8(ascii: "r"): return 13
        case UInt8(ascii: "t"): return 9
        case UInt8(ascii: "x"):
            let digits = rest.prefix(2)
            rest = rest.dropFirst(2)
            guard let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
                throw HarnessError("\\x without two digits: \(line)")
            }
            return value
        case let byte?: return byte
        case nil: throw HarnessError("nothing behind a backslash: \(line)")
        }
    }
}
