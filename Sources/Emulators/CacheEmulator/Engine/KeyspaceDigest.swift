import RDBWire
import RESPWire

/// What DEBUG DIGEST answers: 20 bytes that are equal for equal data, whatever the order in which a server keeps it.
///
/// What has an order is mixed in one after the other, what has none by exclusive or; both begin with SHA-1.
struct KeyspaceDigest {
    private var bytes = [UInt8](repeating: 0, count: 20)

    /// In hexadecimal digits.
    var text: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Adds something that may come in any order.
    mutating func add(_ data: [UInt8]) {
        let digest = Self.sha1(data)
        for index in bytes.indices { bytes[index] ^= digest[index] }
    }

    mutating func add(_ other: KeyspaceDigest) { add(other.bytes) }

    /// Adds something behind all that was there before.
    mutating func mix(_ data: [UInt8]) {
        add(data)
        bytes = Self.sha1(bytes)
    }

    /// The number of a database or a type.
    mutating func mix(_ number: Int) {
        mix((0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) })
    }

    /// A value, and whether its key has an end.
    mutating func mix(_ value: RDBValue, expires: Bool) {
        switch value {
        case .string(let bytes):
            mix(0)
            mix(bytes)
        case .list(let elements):
            mix(1)
            for element in elements { mix(element) }
        case .set(let members):
            mix(2)
            for member in members { add(member) }
        case .sortedSet(let members):
            mix(3)
            for member in members { addPair(member.member, Array(DoubleText.text(member.score).utf8)) }
        case .hash(let fields):
            mix(4)
            for field in fields { addPair(field.name, field.value) }
        case .stream(let stream):
            mix(6)
            for entry in stream.entries {
                mix(Array("\(entry.id.milliseconds).\(entry.id.sequence)".utf8))
                for field in entry.fields {
                    mix(field.name)
                    mix(field.value)
                }
            }
        }
        if expires { add(Array("!!expire!!".utf8)) }
    }

    private mutating func addPair(_ name: [UInt8], _ value: [UInt8]) {
        var pair = KeyspaceDigest()
        pair.mix(name)
        pair.mix(value)
        add(pair)
    }

    private static func sha1(_ data: [UInt8]) -> [UInt8] {
        let digits = data.withBytes { CachedScripts.digest(of: $0) }
        return stride(from: 0, to: digits.count, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
    }

    private static func value(_ digit: UInt8) -> UInt8 {
        digit < UInt8(ascii: "a") ? digit - UInt8(ascii: "0") : digit - UInt8(ascii: "a") + 10
    }
}
