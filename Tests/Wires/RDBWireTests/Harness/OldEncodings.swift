import RDBWire

/// Writes what Redis 7.0 reads and does not write.
enum OldEncodings {
    // MARK: - Strings and lengths

    static func length(_ length: Int) -> [UInt8] {
        switch length {
        case ..<64: [UInt8(length)]
        case ..<16384: [0x40 | UInt8(length >> 8), UInt8(length & 0xff)]
        default: [0x80] + big(UInt32(length))
        }
    }

    static func wideLength(_ length: UInt64) -> [UInt8] { [0x81] + big(length) }

    static func string(_ bytes: [UInt8]) -> [UInt8] {
        let integer = Int32(String(decoding: bytes, as: UTF8.self)).flatMap { "\($0)".bytes == bytes ? $0 : nil }
        if let integer {
            if let small = Int8(exactly: integer) { return [0xc0, UInt8(bitPattern: small)] }
            if let medium = Int16(exactly: integer) { return [0xc1] + little(medium) }
            return [0xc2] + little(integer)
        }
        var compressor = LZFCompressor()
        if bytes.count > 20, let packed = bytes.withUnsafeBytes({ compressor.compress($0, most: $0.count - 4) }) {
            return [0xc3] + length(packed.count) + length(bytes.count) + packed
        }
        return rawString(bytes)
    }

    static func rawString(_ bytes: [UInt8]) -> [UInt8] { length(bytes.count) + bytes }

    static func little<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
        withUnsafeBytes(of: word.littleEndian) { Array($0) }
    }

    static func big<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
        withUnsafeBytes(of: word.bigEndian) { Array($0) }
    }

    // MARK: - Blobs

    static func ziplist(_ elements: [[UInt8]]) -> [UInt8] {
        var body: [UInt8] = []
        var lastLength = 0
        var tail = 10
        for element in elements {
            tail = 10 + body.count
            // One element in five hundred keeps the long form, as after a deletion.
            let isLong = lastLength >= 254 || element.count == 33
            let before = isLong ? [254] + little(UInt32(lastLength)) : [UInt8(lastLength)]
            let entry = before + ziplistContent(element)
            body += entry
            lastLength = entry.count
        }
        let size = UInt32(body.count + 11)
        return little(size) + little(UInt32(tail)) + little(UInt16(min(elements.count, 65535))) + body + [0xff]
    }

    private static func ziplistContent(_ element: [UInt8]) -> [UInt8] {
        let text = String(decoding: element, as: UTF8.self)
        if element.count <= 20, let value = Int64(text), "\(value)".bytes == element {
            if (0...12).contains(value) { return [0xf1 + UInt8(value)] }
            if let small = Int8(exactly: value) { return [0xfe, UInt8(bitPattern: small)] }
            if let medium = Int16(exactly: value) { return [0xc0] + little(medium) }
            if (-0x80_0000...0x7f_ffff).contains(value) { return [0xf0] + little(Int32(value)).prefix(3) }
            if let large = Int32(exactly: value) { return [0xd0] + little(large) }
            return [0xe0] + little(value)
        }
        switch element.count {
        case ..<64: return [UInt8(element.count)] + element
        case ..<16384: return [0x40 | UInt8(element.count >> 8), UInt8(element.count & 0xff)] + element
        default: return [0x80] + big(UInt32(element.count)) + element
        }
    }

    static func zipmap(_ fields: [RDBField], unused: Int = 0) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(min(fields.count, 254))]
        for field in fields {
            bytes += zipmapLength(field.name.count) + field.name
            bytes += zipmapLength(field.value.count) + [UInt8(unused)] + field.value
            bytes += [UInt8](repeating: 0xaa, count: unused)
        }
        return bytes + [0xff]
    }

    private static func zipmapLength(_ length: Int) -> [UInt8] {
        length < 254 ? [UInt8(length)] : [254] + little(UInt32(length))
    }

    static func intset(_ values: [Int64], width: Int) -> [UInt8] {
        little(UInt32(width)) + little(UInt32(values.count))
            + values.flatMap { width == 2 ? little(Int16($0)) : width == 4 ? little(Int32($0)) : little($0) }
    }

    static func listpack(_ elements: [[UInt8]]) -> [UInt8] {
        var builder = ListpackBuilder()
        for element in elements { builder.append(element) }
        return builder.finish()
    }

    // MARK: - Payloads

    static func payload(_ type: RDBType, _ body: [UInt8]) -> [UInt8] { [type.rawValue] + body }

    static func plain(_ type: RDBType, _ strings: [[UInt8]], counted: Int? = nil) -> [UInt8] {
        payload(type, length(counted ?? strings.count) + strings.flatMap { string($0) })
    }

    static func textScores(_ members: [RDBMember]) -> [UInt8] {
        let body = members.flatMap { member -> [UInt8] in
            let score: [UInt8]
            switch member.score {
            case .infinity: score = [254]
            case -.infinity: score = [255]
            default: score = ["\(member.score)".utf8.count].map { UInt8($0) } + "\(member.score)".bytes
            }
            return string(member.member) + score
        }
        return payload(.sortedSet, length(members.count) + body)
    }

    /// Nodes of at most `size` elements.
    static func quicklist(_ elements: [[UInt8]], size: Int) -> [UInt8] {
        let nodes = stride(from: 0, to: elements.count, by: size).map {
            ziplist(Array(elements[$0..<min($0 + size, elements.count)]))
        }
        return payload(.listQuicklist, length(nodes.count) + nodes.flatMap { string($0) })
    }
}
