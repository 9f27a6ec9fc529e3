/// What is still to come of a large request whose beginning was handed on: it is counted and not kept.
public struct RequestRemainder: Sendable {
    public enum Progress: Equatable, Sendable {
        /// All bytes were the request's, and more are to come.
        case unfinished
        /// The request ends in front of the byte of this number.
        case finished(Int)
        case failed(ProtocolError)
    }

    /// A request below this size is better kept until it is whole.
    public static let worthwhile = 16 << 10
    private static let longestHeader = 32

    /// Arguments whose header was not read yet.
    private var arguments = 0
    /// Bytes of the present argument, with its line end.
    private var body = 0
    /// What has come of a header.
    private var header: [UInt8] = []
    private let limits: RequestLimits

    /// Looks at the front of an array of arguments, of which the first is the command's name. Nil where it is none, or
    /// too little of it has come.
    ///
    /// Returns where its first argument begins and ends beside it; `take` goes on behind that.
    public static func begin(
        _ bytes: UnsafeRawBufferPointer, _ limits: RequestLimits
    ) -> (remainder: RequestRemainder, name: Range<Int>)? {
        guard bytes.count >= worthwhile, bytes.first == UInt8(ascii: "*") else { return nil }
        var position = 1
        guard let count = number(bytes, &position), count > 1, count <= limits.arguments, position < bytes.count,
            bytes[position] == UInt8(ascii: "$")
        else { return nil }
        position += 1
        guard let length = number(bytes, &position), length > 0, length <= CommandName.longest,
            position + length + 2 <= bytes.count
        else { return nil }
        var remainder = RequestRemainder(limits)
        remainder.arguments = count - 1
        return (remainder, position..<position + length)
    }

    private init(_ limits: RequestLimits) {
        self.limits = limits
    }

    /// A number and its line end.
    private static func number(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Int? {
        var value = 0
        let begin = position
        while position < bytes.count, (48...57).contains(bytes[position]), position - begin < 10 {
            value = value * 10 + Int(bytes[position] - 48)
            position += 1
        }
        guard position > begin, position + 2 <= bytes.count, bytes[position] == 13, bytes[position + 1] == 10 else {
            return nil
        }
        position += 2
        return value
    }

    /// Counts what has come from the byte of number `start` on.
    public mutating func take(_ bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Progress {
        var position = start
        while true {
            let some = min(body, bytes.count - position)
            body -= some
            position += some
            if body == 0, header.isEmpty, arguments == 0 { return .finished(position) }
            guard position < bytes.count else { return .unfinished }
            let byte = bytes[position]
            position += 1
            if header.isEmpty, byte != UInt8(ascii: "$") { return .failed(.expectedBulk(byte)) }
            header.append(byte)
            guard byte == 10 else {
                guard header.count < Self.longestHeader else { return .failed(.lengthTooLong) }
                continue
            }
            let length = header.withUnsafeBytes { header in
                var place = 1
                return Self.number(header, &place)
            }
            guard let length, length <= limits.bulk else { return .failed(.invalidLength) }
            header.removeAll(keepingCapacity: true)
            arguments -= 1
            body = length + 2
        }
    }
}
