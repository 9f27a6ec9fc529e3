/// Finds the commands in the stream that follows a snapshot, however it is cut, and counts its bytes: the offset is what
/// the master means by it.
public struct CommandStream: Sendable {
    /// Behind the last command that was handed out.
    public private(set) var offset: Int64
    private let limits: ReplicationLimits
    private var buffer: [UInt8] = []
    /// Where the command begins that is being looked at.
    private var head = 0
    /// Up to here it has been looked at.
    private var place = 0
    /// Arguments that are still to come; nil in front of a command.
    private var awaited: Int?
    /// The length of an argument of which nothing but the length has been taken.
    private var bulk: Int?
    /// Counted from `head`.
    private var arguments: [Range<Int>] = []

    /// More of what was read is moved to the front only when it costs little.
    private static let mostBehind = 64 << 10
    /// More memory is given back when it is empty.
    private static let mostKept = 1 << 20
    /// `$536870912` and its line end.
    private static let longestLine = 24

    /// `offset` is where the stream begins.
    public init(offset: Int64, limits: ReplicationLimits = ReplicationLimits()) {
        self.offset = offset
        self.limits = limits
    }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if head == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= Self.mostKept)
            place -= head
            head = 0
        } else if head > Self.mostBehind {
            buffer.removeFirst(head)
            place -= head
            head = 0
        }
        buffer.append(contentsOf: bytes)
    }

    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Forgets the part of a command that has come: after a lost link it comes again, from `offset` on.
    public mutating func restart() {
        buffer = []
        head = 0
        place = 0
        awaited = nil
        bulk = nil
        arguments = []
    }

    /// The next whole command; nil until more bytes have come.
    public mutating func next() throws(ReplicationError) -> ReplicatedCommand? {
        while true {
            guard let awaited else {
                guard try takeHeader() else { return nil }
                continue
            }
            if awaited == 0 {
                let command = ReplicatedCommand(bytes: Array(buffer[head..<place]), arguments: arguments)
                pass()
                // An empty array is no command, and counts.
                if command.arguments.isEmpty { continue }
                return command
            }
            guard try takeArgument() else { return nil }
            self.awaited = awaited - 1
        }
    }

    /// Passes over line ends, which keep a link alive, and takes the number of arguments.
    private mutating func takeHeader() throws(ReplicationError) -> Bool {
        guard head < buffer.count else { return false }
        switch buffer[head] {
        case 10:
            place = head + 1
            pass()
            return true
        case 13:
            guard head + 1 < buffer.count else { return false }
            guard buffer[head + 1] == 10 else { throw .malformed("a line end is torn") }
            place = head + 2
            pass()
            return true
        case UInt8(ascii: "*"):
            guard let count = try takeNumber(most: limits.arguments) else { return false }
            awaited = count
            return true
        default: throw .malformed("a command does not begin with \"*\"")
        }
    }

    private mutating func takeArgument() throws(ReplicationError) -> Bool {
        if bulk == nil {
            guard place < buffer.count else { return false }
            guard buffer[place] == UInt8(ascii: "$") else { throw .malformed("an argument does not begin with \"$\"") }
            bulk = try takeNumber(most: limits.bulkBytes)
        }
        guard let length = bulk else { return false }
        guard place - head + length + 2 <= limits.commandBytes else { throw .tooLarge(limit: limits.commandBytes) }
        guard buffer.count - place >= length + 2 else { return false }
        guard buffer[place + length] == 13, buffer[place + length + 1] == 10 else {
            throw .malformed("an argument is longer than it says")
        }
        arguments.append(place - head..<place - head + length)
        place += length + 2
        bulk = nil
        return true
    }

    /// A line that is a mark and a number, from `place` on.
    private mutating func takeNumber(most: Int) throws(ReplicationError) -> Int? {
        let digits = place + 1
        let window = buffer[digits..<min(digits + Self.longestLine, buffer.count)]
        guard let end = window.firstIndex(of: 13) else {
            guard window.count < Self.longestLine else { throw .malformed("a length has too many digits") }
            return nil
        }
        guard end + 1 < buffer.count else { return nil }
        guard buffer[end + 1] == 10, let number = Int64(decimal: buffer[digits..<end]) else {
            throw .malformed("a length is no number")
        }
        guard number <= Int64(most) else { throw .tooLarge(limit: most) }
        place = end + 2
        return Int(number)
    }

    private mutating func pass() {
        offset += Int64(place - head)
        head = place
        awaited = nil
        arguments = []
    }
}

extension Int64 {
    /// Decimal digits and nothing else; nil for what is none or does not fit.
    init?(decimal digits: some Collection<UInt8>) {
        guard !digits.isEmpty else { return nil }
        var value: Int64 = 0
        for digit in digits {
            let (product, isAbove) = value.multipliedReportingOverflow(by: 10)
            let (sum, isFarAbove) = product.addingReportingOverflow(Int64(digit) - 48)
            guard digit >= 48, digit <= 57, !isAbove, !isFarAbove else { return nil }
            value = sum
        }
        self = value
    }
}
