/// Requests as a client sends them: an array of bulk strings (RESP2 and RESP3 alike).
public enum RequestEncoding {
    public static func append(_ words: [[UInt8]], to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + words.reduce(16) { $0 + $1.count + 16 })
        bytes += "*\(words.count)\r\n".utf8
        for word in words { appendBulk(word, count: word.count, to: &bytes) }
    }

    /// `arguments` are those of a parsed request, its name in front.
    public static func append(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, to bytes: inout [UInt8]) {
        bytes += "*\(count)\r\n".utf8
        for index in 0..<count { appendBulk(arguments[index].raw, count: arguments[index].count, to: &bytes) }
    }

    public static func bytes(_ words: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        append(words, to: &bytes)
        return bytes
    }

    public static func bytes(_ words: [String]) -> [UInt8] { bytes(words.map { Array($0.utf8) }) }

    private static func appendBulk(_ content: some Sequence<UInt8>, count: Int, to bytes: inout [UInt8]) {
        bytes += "$\(count)\r\n".utf8
        bytes += content
        bytes += [13, 10]
    }
}
