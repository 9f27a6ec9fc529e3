/// Writes a listpack as Redis does: whatever reads as an integer becomes one, in the smallest encoding.
public struct ListpackBuilder {
    /// The header, not filled in before the end, and the elements.
    private var bytes: [UInt8]
    public private(set) var count = 0

    public init() {
        bytes = [0, 0, 0, 0, 0, 0]
    }

    /// What `finish` will return, in bytes.
    public var byteCount: Int { bytes.count + 1 }

    public mutating func append(_ element: UnsafeBufferPointer<UInt8>) {
        if let value = Decimal.integer(element) { return append(value) }
        let begin = bytes.count
        let length = element.count
        switch length {
        case ..<64: bytes.append(0x80 | UInt8(truncatingIfNeeded: length))
        case ..<4096:
            bytes.append(0xe0 | UInt8(truncatingIfNeeded: length >> 8))
            bytes.append(UInt8(truncatingIfNeeded: length))
        default:
            bytes.append(0xf0)
            bytes.append(littleEndian: UInt32(truncatingIfNeeded: length))
        }
        bytes.append(contentsOf: element)
        appendBackLength(bytes.count - begin)
    }

    public mutating func append(_ element: [UInt8]) {
        element.withUnsafeBufferPointer { append($0) }
    }

    public mutating func append(_ value: Int64) {
        let begin = bytes.count
        switch value {
        case 0...127: bytes.append(UInt8(truncatingIfNeeded: value))
        case -4096...4095:
            bytes.append(0xc0 | UInt8(truncatingIfNeeded: value >> 8) & 0x1f)
            bytes.append(UInt8(truncatingIfNeeded: value))
        case -32_768...32_767:
            bytes.append(0xf1)
            bytes.append(littleEndian: Int16(truncatingIfNeeded: value))
        case -8_388_608...8_388_607:
            bytes.append(0xf2)
            bytes.append(littleEndian: UInt16(truncatingIfNeeded: value))
            bytes.append(UInt8(truncatingIfNeeded: value >> 16))
        case -2_147_483_648...2_147_483_647:
            bytes.append(0xf3)
            bytes.append(littleEndian: Int32(truncatingIfNeeded: value))
        default:
            bytes.append(0xf4)
            bytes.append(littleEndian: value)
        }
        appendBackLength(bytes.count - begin)
    }

    /// Takes over elements that another builder wrote.
    mutating func append(elementsOf other: ListpackBuilder) {
        bytes.append(contentsOf: other.bytes[ListpackIterator.headerSize...])
        count += other.count
    }

    /// Takes over `number` elements as they stand in a listpack.
    mutating func append(encoded elements: UnsafeRawBufferPointer, count number: Int) {
        bytes.append(contentsOf: elements)
        count += number
    }

    /// The listpack; the builder begins anew. The caller keeps the size below 4 GiB.
    public mutating func finish() -> [UInt8] {
        bytes.append(ListpackIterator.endMark)
        let size = UInt32(truncatingIfNeeded: bytes.count)
        let shownCount = UInt16(clamping: count)
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: size >> (8 * UInt32(index))) }
        for index in 0..<2 { bytes[4 + index] = UInt8(truncatingIfNeeded: shownCount >> (8 * UInt16(index))) }
        let finished = bytes
        self = ListpackBuilder()
        return finished
    }

    /// What an integer takes, its length included.
    static func size(_ value: Int64) -> Int {
        switch value {
        case 0...127: 2
        case -4096...4095: 3
        case -32_768...32_767: 4
        case -8_388_608...8_388_607: 5
        case -2_147_483_648...2_147_483_647: 6
        default: 10
        }
    }

    private mutating func appendBackLength(_ length: Int) {
        count += 1
        let size = ListpackIterator.backLengthSize(length)
        for index in 0..<size {
            let group = UInt8(truncatingIfNeeded: length >> (7 * (size - 1 - index))) & 0x7f
            bytes.append(index == 0 ? group : group | 0x80)
        }
    }
}

extension [UInt8] {
    /// Appends the bytes of `word`, the lowest first.
    mutating func append<Word: FixedWidthInteger>(littleEndian word: Word) {
        Swift.withUnsafeBytes(of: word.littleEndian) { append(contentsOf: $0) }
    }

    /// Appends the bytes of `word`, the highest first.
    mutating func append<Word: FixedWidthInteger>(bigEndian word: Word) {
        Swift.withUnsafeBytes(of: word.bigEndian) { append(contentsOf: $0) }
    }
}
