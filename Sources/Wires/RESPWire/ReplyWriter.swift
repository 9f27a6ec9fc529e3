import CNumbers
public import EventLoop

/// Replies of the REdis Serialization Protocol, versions 2 and 3, appended to a connection's output.
///
/// What version 2 has no type for is written as it prescribes: maps and sets as arrays, doubles and big numbers as
/// bulk strings, null as the null bulk string.
@frozen
public struct ReplyWriter {
    public let output: ByteOutput
    /// 2 or 3.
    public let version: UInt8

    @inlinable public init(_ output: ByteOutput, version: UInt8) {
        self.output = output
        self.version = version
    }

    @inlinable public var isVersion3: Bool { version == 3 }

    /// `+OK`
    @inlinable public func ok() {
        output.append("+OK\r\n")
    }

    /// A simple string; `text` has no line break.
    @inlinable public func simple(_ text: StaticString) {
        output.append(UInt8(ascii: "+"))
        output.append(text)
        output.append("\r\n")
    }

    /// The same with a text made at run time.
    @_disfavoredOverload public func simple(_ text: String) {
        output.append(UInt8(ascii: "+"))
        output.append(text)
        output.append("\r\n")
    }

    /// An error whose text begins with its code: `ERR …`, `WRONGTYPE …`.
    public func error(_ text: StaticString) {
        output.append(UInt8(ascii: "-"))
        output.append(text)
        output.append("\r\n")
    }

    /// An error with a text made at run time; line breaks in it become spaces.
    @_disfavoredOverload public func error(_ text: String) {
        output.append(UInt8(ascii: "-"))
        for byte in text.utf8 {
            output.append(byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") ? UInt8(ascii: " ") : byte)
        }
        output.append("\r\n")
    }

    /// An error that repeats what a client sent, up to a zero byte, as C prints it; no line breaks are left at its end.
    public func error(_ text: StaticString, quoting bytes: Bytes) {
        var quoted = bytes.text(upTo: bytes.count)
        while quoted.last == UInt8(ascii: "\n") || quoted.last == UInt8(ascii: "\r") { quoted.removeLast() }
        error(Array(Bytes(text).raw) + quoted)
    }

    /// An error with a text that may be no UTF-8; line breaks in it become spaces.
    public func error(_ text: [UInt8]) {
        output.append(UInt8(ascii: "-"))
        for byte in text {
            output.append(byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") ? UInt8(ascii: " ") : byte)
        }
        output.append("\r\n")
    }

    @inlinable public func integer(_ value: Int64) {
        header(UInt8(ascii: ":"), value)
    }

    @inlinable public func integer(_ value: Int) {
        header(UInt8(ascii: ":"), Int64(value))
    }

    /// `:1` or `:0`.
    @inlinable public func flag(_ value: Bool) {
        output.append(value ? ":1\r\n" : ":0\r\n")
    }

    @inlinable public func bulk(_ bytes: Bytes) {
        bulk(UnsafeRawPointer(bytes.start), bytes.count)
    }

    @inlinable public func bulk(_ start: UnsafeRawPointer, _ count: Int) {
        let place = output.reserve(count &+ 25).assumingMemoryBound(to: UInt8.self)
        place[0] = UInt8(ascii: "$")
        var length = 1 &+ Decimal.write(UInt64(truncatingIfNeeded: count), to: place + 1)
        place[length] = UInt8(ascii: "\r")
        place[length &+ 1] = UInt8(ascii: "\n")
        length &+= 2
        UnsafeMutableRawPointer(place + length).copyMemory(from: start, byteCount: count)
        length &+= count
        place[length] = UInt8(ascii: "\r")
        place[length &+ 1] = UInt8(ascii: "\n")
        output.advance(by: length &+ 2)
    }

    @_disfavoredOverload public func bulk(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            guard let start = utf8.baseAddress else { return bulk(Bytes("")) }
            bulk(Bytes(start, utf8.count))
        }
    }

    public func bulk(_ text: StaticString) {
        bulk(Bytes(text))
    }

    /// A decimal in a bulk string.
    public func bulkInteger(_ value: Int64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Decimal.maxLength) { digits in
            let start = digits.baseAddress.unsafelyUnwrapped
            bulk(Bytes(UnsafePointer(start), Decimal.write(value, to: start)))
        }
    }

    /// What the HELP subcommands answer: lines of text.
    public func help(_ lines: [StaticString]) {
        array(lines.count)
        for line in lines { simple(line) }
    }

    /// "There is nothing": `$-1`, in version 3 `_`.
    @inlinable public func null() {
        output.append(version == 3 ? "_\r\n" : "$-1\r\n")
    }

    /// "There is no array": `*-1`, in version 3 `_`.
    public func nullArray() {
        output.append(version == 3 ? "_\r\n" : "*-1\r\n")
    }

    @inlinable public func array(_ count: Int) {
        header(UInt8(ascii: "*"), Int64(count))
    }

    /// `count` pairs follow.
    public func map(_ count: Int) {
        if version == 3 { header(UInt8(ascii: "%"), Int64(count)) } else { array(count * 2) }
    }

    public func set(_ count: Int) {
        header(version == 3 ? UInt8(ascii: "~") : UInt8(ascii: "*"), Int64(count))
    }

    /// Out of band in version 3, an ordinary array in version 2.
    public func push(_ count: Int) {
        header(version == 3 ? UInt8(ascii: ">") : UInt8(ascii: "*"), Int64(count))
    }

    /// Boolean in version 3, `:1` or `:0` in version 2.
    public func boolean(_ value: Bool) {
        if version == 3 { output.append(value ? "#t\r\n" : "#f\r\n") } else { flag(value) }
    }

    /// A double with 17 significant digits, as Redis 7.0 prints it.
    public func double(_ value: Double) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: DoubleText.maxLength) { place in
            let text = DoubleText.write(value, to: place)
            if version == 3 {
                output.append(UInt8(ascii: ","))
                output.append(text.raw)
                output.append("\r\n")
            } else {
                bulk(text)
            }
        }
    }

    /// A double in fixed notation with the digits that it has, 17 at the most behind the point.
    public func fixed(_ value: Double) {
        let text = DoubleText.fixed(value, digits: 17, trimmed: true)
        guard version == 3 else { return bulk(text) }
        output.append(UInt8(ascii: ","))
        output.append(text)
        output.append("\r\n")
    }

    /// Text with a three-letter format, `txt` or `mkd`; an ordinary bulk string in version 2.
    public func verbatim(_ text: String, format: StaticString = "txt") {
        guard version == 3 else { return bulk(text) }
        header(UInt8(ascii: "="), Int64(text.utf8.count + 4))
        output.append(format)
        output.append(UInt8(ascii: ":"))
        output.append(text)
        output.append("\r\n")
    }

    @usableFromInline func header(_ type: UInt8, _ value: Int64) {
        let place = output.reserve(24).assumingMemoryBound(to: UInt8.self)
        place[0] = type
        let length = 1 &+ Decimal.write(value, to: place + 1)
        place[length] = UInt8(ascii: "\r")
        place[length &+ 1] = UInt8(ascii: "\n")
        output.advance(by: length &+ 2)
    }
}

/// Doubles as Redis 7.0 prints and reads them: `%.17g`, `inf`, `-inf`.
public enum DoubleText {
    public static let maxLength = 40

    /// Writes at the front of `place` (at least `maxLength` bytes) and returns what was written.
    public static func write(_ value: Double, to place: UnsafeMutableBufferPointer<UInt8>) -> Bytes {
        let start = place.baseAddress.unsafelyUnwrapped
        if value.isInfinite {
            let text: StaticString = value > 0 ? "inf" : "-inf"
            start.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
            return Bytes(UnsafePointer(start), text.utf8CodeUnitCount)
        }
        if value.magnitude < 1e15, value == value.rounded(.towardZero), !(value == 0 && value.sign == .minus) {
            return Bytes(UnsafePointer(start), Decimal.write(Int64(value), to: start))
        }
        let length = UnsafeMutableRawPointer(start).withMemoryRebound(to: CChar.self, capacity: maxLength) {
            cnumbers_format_double($0, value)
        }
        return Bytes(UnsafePointer(start), Int(length))
    }

    /// With so many digits behind the point (17 at the most); `trimmed` leaves out zeros at the end, and the point then.
    public static func fixed(_ value: Double, digits: Int, trimmed: Bool = false) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CNUMBERS_FIXED)) { place in
            var length = Int(cnumbers_format_fixed(place.baseAddress, value, Int32(digits)))
            if trimmed, digits > 0, value.isFinite {
                while place[length - 1] == CChar(UInt8(ascii: "0")) { length -= 1 }
                if place[length - 1] == CChar(UInt8(ascii: ".")) { length -= 1 }
            }
            return String(decoding: place.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// A distance with 4 digits behind the point, rounded as Redis does since 7.0.12: what lies between two goes to the
    /// even one, after the multiplication.
    public static func distance(_ value: Double) -> String {
        let scaled = (value * 10_000).rounded(.toNearestOrEven)
        guard abs(scaled) < 0x1p63 else { return fixed(value, digits: 4) }
        let number = Int64(scaled).magnitude
        let digits = String(number % 10_000)
        let zeros = String(repeating: "0", count: 4 - digits.utf8.count)
        return "\(scaled < 0 ? "-" : "")\(number / 10_000).\(zeros)\(digits)"
    }

    public static func text(_ value: Double) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: maxLength) { write(value, to: $0).text }
    }
}

extension Bytes {
    /// The bytes as a double in C's notation (`1e3`, `inf`, `0x1p3` too); nil for NaN and everything else.
    public var double: Double? {
        if let integer, integer.magnitude < 1 << 53 { return Double(integer) }
        var value = 0.0
        let read = start.withMemoryRebound(to: CChar.self, capacity: count) {
            cnumbers_parse_double($0, count, &value)
        }
        return read == 1 ? value : nil
    }

    /// The bytes as Redis reads the bound of a range of scores: more leniently than `double`, nothing is 0 and what is
    /// too large is infinite; nil for NaN and everything else.
    public var boundOfRange: Double? {
        if let integer, integer.magnitude < 1 << 53 { return Double(integer) }
        var value = 0.0
        let read = start.withMemoryRebound(to: CChar.self, capacity: count) {
            cnumbers_parse_bound($0, count, &value)
        }
        return read == 1 ? value : nil
    }

    /// The bytes as SORT reads a number, up to a zero byte: nothing is 0, what a double cannot hold is none.
    public var sortScore: Double? {
        if let integer, integer.magnitude < 1 << 53 { return Double(integer) }
        var value = 0.0
        let read = start.withMemoryRebound(to: CChar.self, capacity: count) {
            cnumbers_parse_score($0, count, &value)
        }
        return read == 1 ? value : nil
    }

    /// `self` plus `addend` in C's long doubles, printed as Redis prints them.
    public func adding(decimal addend: Bytes) -> DecimalSum {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CNUMBERS_TEXT)) { sum in
            let length = start.withMemoryRebound(to: CChar.self, capacity: count) { base in
                addend.start.withMemoryRebound(to: CChar.self, capacity: addend.count) { other in
                    cnumbers_add_decimal(base, count, other, addend.count, sum.baseAddress)
                }
            }
            switch length {
            case -1: return .baseIsNoNumber
            case -2: return .addendIsNoNumber
            case -3: return .notFinite
            default: return .sum(sum.prefix(Int(length)).map { UInt8(bitPattern: $0) })
            }
        }
    }
}

/// What became of a decimal addition.
public enum DecimalSum: Equatable, Sendable {
    case sum([UInt8])
    case baseIsNoNumber
    case addendIsNoNumber
    case notFinite
}
