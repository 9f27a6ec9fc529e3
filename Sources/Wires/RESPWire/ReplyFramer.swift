#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Finds where replies end in a stream of RESP2 or RESP3, however it is cut, without keeping their bytes.
public struct ReplyFramer: Sendable {
    /// One whole reply, push or out-of-band message.
    public struct Unit: Equatable, Sendable {
        /// The first byte: `+`, `-`, `:`, `$`, `*`, `>`, …
        public var type: UInt8
        /// The first element of an array or push where it is one of the words of pub/sub.
        public var word: PushWord?

        public init(type: UInt8, word: PushWord?) {
            self.type = type
            self.word = word
        }
    }

    /// What `next` found.
    public enum Step: Equatable, Sendable {
        /// A unit ends before `end`.
        case unit(Unit, end: Int)
        /// All bytes belong to a unit that is not complete.
        case needsMore
        /// The bytes are no reply.
        case malformed
    }

    /// Aggregates inside each other; deeper nesting is malformed.
    private static let deepest = 1024
    /// Scripts answer with simple strings and errors of any length.
    private static let longestLine = 16 << 20

    /// Elements that are still to come, by depth.
    private var open: [Int] = []
    /// Bytes of a bulk string, with its line end, that are still to come.
    private var bulkRest = 0
    private var line = LineBuffer()
    private var unit = Unit(type: 0, word: nil)
    private var isInUnit = false
    /// Set while the next element is the first of a top-level array or push.
    private var isAtWord = false
    private var word = LineBuffer()
    private var isReadingWord = false

    public init() {}

    /// No unit has begun that has not ended.
    public var isAtBoundary: Bool { !isInUnit }

    /// Looks at the bytes from `position` on. Call it again from `end` after a unit, with new bytes after `needsMore`.
    public mutating func next(_ bytes: UnsafeRawBufferPointer, from position: Int) -> Step {
        var position = position
        while position < bytes.count {
            if bulkRest > 0 {
                let some = min(bulkRest, bytes.count - position)
                if isReadingWord { word.append(bytes, position, some) }
                bulkRest -= some
                position += some
                if bulkRest > 0 { return .needsMore }
                if isReadingWord { endWord() }
                if elementEnded() { return finish(at: position) }
                continue
            }
            let start = bytes.baseAddress.unsafelyUnwrapped + position
            guard let found = memchr(start, 10, bytes.count - position) else {
                line.append(bytes, position, bytes.count - position)
                isInUnit = true
                return line.count > Self.longestLine ? .malformed : .needsMore
            }
            let length = UnsafeRawPointer(found) - UnsafeRawPointer(start) + 1
            position += length
            // As when it comes in parts: a line is measured without its line feed.
            guard line.count + length - 1 <= Self.longestLine else { return .malformed }
            let outcome: LineOutcome
            if line.count == 0 {
                outcome = readLine(Bytes(raw: start, length))
            } else {
                line.append(bytes, position - length, length)
                let whole = line.bytes
                line.removeAll()
                outcome = whole.withBytes { readLine($0) }
            }
            switch outcome {
            case .malformed: return .malformed
            case .bulkFollows, .elementsFollow: break
            case .elementEnded: if elementEnded() { return finish(at: position) }
            }
        }
        return .needsMore
    }

    private enum LineOutcome {
        case malformed
        case bulkFollows
        case elementsFollow
        case elementEnded
    }

    /// A line with its line feed.
    private mutating func readLine(_ line: Bytes) -> LineOutcome {
        guard line.count >= 3, line[line.count - 2] == UInt8(ascii: "\r") else { return .malformed }
        let type = line[0]
        if !isInUnit || open.isEmpty && unit.type == 0 {
            unit = Unit(type: type, word: nil)
            isInUnit = true
            isAtWord = false
        } else if unit.type == 0 {
            unit.type = type
        }
        let isTopLevel = open.isEmpty
        switch type {
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: ","),
            UInt8(ascii: "#"), UInt8(ascii: "("):
            isAtWord = false
            return .elementEnded
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            guard let length = number(line) else { return .malformed }
            guard length >= 0 else {
                isAtWord = false
                return .elementEnded
            }
            bulkRest = length + 2
            isReadingWord = isAtWord && length <= 12
            isAtWord = false
            return .bulkFollows
        case UInt8(ascii: "*"), UInt8(ascii: "~"), UInt8(ascii: ">"), UInt8(ascii: "%"), UInt8(ascii: "|"):
            guard var count = number(line), count <= Int(Int32.max) else { return .malformed }
            if type == UInt8(ascii: "%") || type == UInt8(ascii: "|") { count *= 2 }
            // An attribute stands before the element it belongs to: one more element follows it.
            if type == UInt8(ascii: "|") { count += 1 }
            guard count > 0 else { return .elementEnded }
            guard open.count < Self.deepest else { return .malformed }
            open.append(count)
            isAtWord = isTopLevel && (type == UInt8(ascii: "*") || type == UInt8(ascii: ">"))
            return .elementsFollow
        default: return .malformed
        }
    }

    private func number(_ line: Bytes) -> Int? {
        line.slice(1, line.count - 3).integer.map { Int($0) }.flatMap { $0 <= 1 << 40 ? $0 : nil }
    }

    /// One element is complete; true when the unit is.
    private mutating func elementEnded() -> Bool {
        while let rest = open.last {
            if rest > 1 {
                open[open.count - 1] = rest - 1
                return false
            }
            open.removeLast()
        }
        return true
    }

    private mutating func finish(at end: Int) -> Step {
        let found = unit
        unit = Unit(type: 0, word: nil)
        isInUnit = false
        isAtWord = false
        return .unit(found, end: end)
    }

    private mutating func endWord() {
        isReadingWord = false
        unit.word = word.bytes.withBytes { PushWord($0.slice(0, max($0.count - 2, 0))) }
        word.removeAll()
    }
}

/// What a push or an array of pub/sub begins with.
public enum PushWord: String, Sendable {
    case message, pmessage, smessage
    case subscribe, psubscribe, ssubscribe
    case unsubscribe, punsubscribe, sunsubscribe
    case invalidate

    init?(_ bytes: Bytes) {
        self.init(rawValue: bytes.text)
    }

    /// Sent without being asked for.
    public var isMessage: Bool {
        switch self {
        case .message, .pmessage, .smessage, .invalidate: true
        default: false
        }
    }
}

/// A few bytes that were cut off.
private struct LineBuffer: Sendable {
    private(set) var bytes: [UInt8] = []
    var count: Int { bytes.count }

    mutating func append(_ source: UnsafeRawBufferPointer, _ position: Int, _ count: Int) {
        bytes.append(contentsOf: source[position..<position + count])
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
    }
}
