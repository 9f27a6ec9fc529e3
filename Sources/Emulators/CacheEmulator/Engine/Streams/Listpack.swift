import RESPWire

/// The elements of Redis's listpacks, in memory that is known to hold them: an encoding byte with a length or a number,
/// bytes, and the length of both in groups of seven bits, for reading backwards.
enum Listpack {
    enum Element {
        case bytes(Bytes)
        case integer(Int64)

        /// The number, where it is one.
        @inline(__always) var integer: Int64 {
            if case .integer(let value) = self { value } else { 0 }
        }

        @inline(__always) static func == (element: Element, text: Bytes) -> Bool {
            switch element {
            case .bytes(let bytes): bytes == text
            case .integer(let value): text.integer == value
            }
        }

        var array: [UInt8] {
            switch self {
            case .bytes(let bytes): bytes.array
            case .integer(let value): Array("\(value)".utf8)
            }
        }
    }

    /// Of the whole listpack, besides its elements: the header in front, and the mark behind.
    static let frameSize = 7
    /// What a string's element takes at most besides its bytes.
    static let elementCost = 10
    /// What a number's element takes at most.
    static let integerSize = 10

    // MARK: reading

    /// The element at a place, and where the next one begins.
    @inline(__always)
    static func read(_ place: UnsafeMutableRawPointer) -> (Element, next: UnsafeMutableRawPointer) {
        let first = place.load(as: UInt8.self)
        switch first {
        case 0x00..<0x80: return (.integer(Int64(first)), place + 2)
        case 0x80..<0xc0:
            let count = Int(first & 0x3f)
            return (.bytes(Bytes(raw: place + 1, count)), place + (2 &+ count))
        case 0xc0..<0xe0:
            let bits = UInt16(first & 0x1f) << 8 | UInt16(place.load(fromByteOffset: 1, as: UInt8.self))
            return (.integer(Int64(Int16(bitPattern: bits << 3) >> 3)), place + 3)
        case 0xe0..<0xf0:
            let count = Int(first & 0x0f) << 8 | Int(place.load(fromByteOffset: 1, as: UInt8.self))
            return (.bytes(Bytes(raw: place + 2, count)), place + (2 &+ count &+ backLengthSize(2 &+ count)))
        case 0xf0:
            let count = Int(place.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
            return (.bytes(Bytes(raw: place + 5, count)), place + (5 &+ count &+ backLengthSize(5 &+ count)))
        case 0xf1: return (.integer(Int64(place.loadUnaligned(fromByteOffset: 1, as: Int16.self))), place + 4)
        case 0xf2:
            let low = UInt32(place.loadUnaligned(fromByteOffset: 1, as: UInt16.self))
            let bits = UInt32(place.load(fromByteOffset: 3, as: UInt8.self)) << 16 | low
            return (.integer(Int64(Int32(bitPattern: bits << 8) >> 8)), place + 5)
        case 0xf3: return (.integer(Int64(place.loadUnaligned(fromByteOffset: 1, as: Int32.self))), place + 6)
        default: return (.integer(place.loadUnaligned(fromByteOffset: 1, as: Int64.self)), place + 10)
        }
    }

    @inline(__always) static func integer(_ place: UnsafeMutableRawPointer) -> (Int64, next: UnsafeMutableRawPointer) {
        let (element, next) = read(place)
        return (element.integer, next)
    }

    /// Where the element that ends before a place begins.
    @inline(__always) static func start(before place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var at = place - 1
        var byte = at.load(as: UInt8.self)
        var length = Int(byte & 0x7f)
        var shift = 7
        while byte & 0x80 != 0, shift < 35 {
            at -= 1
            byte = at.load(as: UInt8.self)
            length |= Int(byte & 0x7f) << shift
            shift &+= 7
        }
        return at - length
    }

    // MARK: writing

    /// Writes a string's element, as a number where it is one in canonical form; returns what follows.
    @inline(__always) static func write(_ bytes: Bytes, to place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        if bytes.count <= 20, bytes.count > 0, bytes[0] <= UInt8(ascii: "9"), let value = bytes.integer {
            return write(value, to: place)
        }
        let count = bytes.count
        let front: Int
        if count < 64 {
            place.storeBytes(of: 0x80 | UInt8(truncatingIfNeeded: count), as: UInt8.self)
            front = 1
        } else if count < 4096 {
            place.storeBytes(of: 0xe0 | UInt8(truncatingIfNeeded: count >> 8), as: UInt8.self)
            place.storeBytes(of: UInt8(truncatingIfNeeded: count), toByteOffset: 1, as: UInt8.self)
            front = 2
        } else {
            place.storeBytes(of: 0xf0, as: UInt8.self)
            place.storeBytes(of: UInt32(truncatingIfNeeded: count), toByteOffset: 1, as: UInt32.self)
            front = 5
        }
        (place + front).copyMemory(from: bytes.start, byteCount: count)
        return writeBackLength(front &+ count, to: place + (front &+ count))
    }

    @inline(__always) static func write(_ value: Int64, to place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let length: Int
        switch value {
        case 0...127:
            place.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
            length = 1
        case -4096...4095:
            place.storeBytes(of: 0xc0 | UInt8(truncatingIfNeeded: value >> 8) & 0x1f, as: UInt8.self)
            place.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: 1, as: UInt8.self)
            length = 2
        case -32_768...32_767:
            place.storeBytes(of: 0xf1, as: UInt8.self)
            place.storeBytes(of: Int16(truncatingIfNeeded: value), toByteOffset: 1, as: Int16.self)
            length = 3
        case -8_388_608...8_388_607:
            place.storeBytes(of: 0xf2, as: UInt8.self)
            place.storeBytes(of: UInt16(truncatingIfNeeded: value), toByteOffset: 1, as: UInt16.self)
            place.storeBytes(of: UInt8(truncatingIfNeeded: value >> 16), toByteOffset: 3, as: UInt8.self)
            length = 4
        case -2_147_483_648...2_147_483_647:
            place.storeBytes(of: 0xf3, as: UInt8.self)
            place.storeBytes(of: Int32(truncatingIfNeeded: value), toByteOffset: 1, as: Int32.self)
            length = 5
        default:
            place.storeBytes(of: 0xf4, as: UInt8.self)
            place.storeBytes(of: value, toByteOffset: 1, as: Int64.self)
            length = 9
        }
        (place + length).storeBytes(of: UInt8(truncatingIfNeeded: length), as: UInt8.self)
        return place + (length &+ 1)
    }

    /// What a number's element takes.
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

    /// The bounds of 2, 3 and 4 bytes are one lower than they could be, as in Redis.
    @inline(__always) private static func backLengthSize(_ length: Int) -> Int {
        switch length {
        case ...127: 1
        case ..<16_383: 2
        case ..<2_097_151: 3
        case ..<268_435_455: 4
        default: 5
        }
    }

    @inline(__always)
    private static func writeBackLength(_ length: Int, to place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let size = backLengthSize(length)
        for index in 0..<size {
            let group = UInt8(truncatingIfNeeded: length >> (7 &* (size &- 1 &- index))) & 0x7f
            (place + index).storeBytes(of: index == 0 ? group : group | 0x80, as: UInt8.self)
        }
        return place + size
    }
}

extension ReplyWriter {
    @inline(__always) func bulk(_ element: Listpack.Element) {
        switch element {
        case .bytes(let bytes): bulk(bytes)
        case .integer(let value): bulkInteger(value)
        }
    }
}
