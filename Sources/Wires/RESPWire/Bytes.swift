#if canImport(Glibc)
public import Glibc
#else
public import Darwin
#endif

/// A run of bytes that somebody else keeps alive: an argument of a request, a key, a value.
///
/// Valid as long as the buffer it points into: an argument until its request has been answered.
@frozen
public struct Bytes {
    public let start: UnsafePointer<UInt8>
    public let count: Int

    @inlinable public init(_ start: UnsafePointer<UInt8>, _ count: Int) {
        self.start = start
        self.count = count
    }

    @inlinable public init(raw start: UnsafeRawPointer, _ count: Int) {
        self.start = start.assumingMemoryBound(to: UInt8.self)
        self.count = count
    }

    @inlinable public init(_ text: StaticString) {
        self.start = text.utf8Start
        self.count = text.utf8CodeUnitCount
    }

    /// The byte at `index`, which is below `count`.
    @inlinable public subscript(index: Int) -> UInt8 { start[index] }

    @inlinable public var raw: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    /// The same bytes.
    @inlinable public static func == (a: Bytes, b: Bytes) -> Bool {
        a.count == b.count && memcmp(a.start, b.start, a.count) == 0
    }

    /// Orders as memcmp does, the shorter first where one begins with the other.
    @inlinable public static func < (a: Bytes, b: Bytes) -> Bool {
        a.compare(b) < 0
    }

    /// Below, equal to or above 0 as `self` is before, equal to or behind `other`.
    @inlinable public func compare(_ other: Bytes) -> Int {
        let order = memcmp(start, other.start, min(count, other.count))
        return order != 0 ? Int(order) : count &- other.count
    }

    /// The bytes equal `word` when ASCII letters are folded; `word` is lower-case.
    public func isWord(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        for index in 0..<count where Bytes.folded(start[index]) != word.utf8Start[index] { return false }
        return true
    }

    /// The same for a word that is not known before.
    public func isWord(_ word: [UInt8]) -> Bool {
        guard count == word.count else { return false }
        for index in 0..<count where Bytes.folded(start[index]) != word[index] { return false }
        return true
    }

    /// An ASCII capital as its small letter, every other byte as it is.
    @inlinable public static func folded(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }

    /// A copy, invalid UTF-8 replaced.
    public var text: String { String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self) }

    /// A copy of the bytes in front of a zero byte, `most` at the most: what C's `%.*s` prints.
    public func text(upTo most: Int) -> [UInt8] {
        Array(raw.prefix(max(most, 0)).prefix { $0 != 0 })
    }

    /// A copy that lives on its own.
    public var array: [UInt8] { Array(UnsafeBufferPointer(start: start, count: count)) }

    /// From `offset` on, `length` bytes; both within the bounds.
    @inlinable public func slice(_ offset: Int, _ length: Int) -> Bytes {
        Bytes(start + offset, length)
    }
}

extension [UInt8] {
    /// The array's bytes, for as long as `body` runs.
    @inlinable public func withBytes<Result>(_ body: (Bytes) throws -> Result) rethrows -> Result {
        try withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return try body(Bytes("")) }
            return try body(Bytes(start, buffer.count))
        }
    }
}
