import RESPWire

/// A HyperLogLog as Redis keeps it in a string: 16 bytes of header, then 16,384 registers of 6 bits, or runs of them.
///
/// The header: `HYLL`, the form (0 dense, 1 sparse), 3 zeros, the last count in 8 bytes, whose highest bit says that it is out of
/// date. A dense one packs its registers from the lowest bits on. A sparse one has, in the order of the registers,
/// - `00nnnnnn`: n + 1 zeros,
/// - `01nnnnnn nnnnnnnn`: n + 1 zeros,
/// - `1vvvvvnn`: n + 1 times the value v + 1.
/// A register is the largest number of zeros, and one, that was seen at the end of a hash that begins with its index.
struct HyperLogLog {
    private(set) var bytes: [UInt8]

    static let registerCount = 16384
    private static let indexBits = 14
    private static let headerSize = 16
    private static let denseSize = headerSize + registerCount * 6 / 8
    /// Redis's default for hll-sparse-max-bytes.
    private static let largestSparse = 3000
    private static let largestSparseValue: UInt8 = 32
    /// Bits of the hash that are not the index.
    private static let hashBits = 64 - indexBits

    /// The runs do not make up the registers.
    struct Corrupt: Error {}

    /// An empty one: all registers zero, in one run.
    init() {
        bytes = Array("HYLL".utf8) + [1, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + [0x7f, 0xff]
    }

    /// Nil where a string is none.
    init?(_ string: Bytes) {
        guard string.count >= Self.headerSize, string.slice(0, 4) == Bytes("HYLL"), string[4] <= 1,
            string[4] == 1 || string.count == Self.denseSize
        else { return nil }
        bytes = string.array
    }

    var isSparse: Bool { bytes[4] == 1 }

    // MARK: counts

    /// The last count; nil when something has been added since.
    var lastCount: UInt64? {
        guard bytes[15] & 0x80 == 0 else { return nil }
        return bytes[8..<16].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func setCount(_ count: UInt64) {
        for index in 0..<8 { bytes[8 + index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
    }

    mutating func dropCount() {
        bytes[15] |= 0x80
    }

    func count() throws(Corrupt) -> UInt64 {
        var histogram = [Int](repeating: 0, count: 64)
        if isSparse {
            var registers = 0
            var place = Self.headerSize
            while place < bytes.count {
                let run = try run(at: place)
                histogram[Int(run.value)] += run.count
                registers += run.count
                place += run.size
            }
            guard registers == Self.registerCount else { throw Corrupt() }
        } else {
            for index in 0..<Self.registerCount { histogram[Int(dense(index))] += 1 }
        }
        return Self.estimate(histogram)
    }

    /// The count of the union of some, whose registers' largest values these are.
    static func count(_ registers: [UInt8]) -> UInt64 {
        var histogram = [Int](repeating: 0, count: 64)
        for value in registers { histogram[Int(value)] += 1 }
        return estimate(histogram)
    }

    /// Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (arXiv:1702.01284), algorithm 6, from
    /// how many registers have which value.
    private static func estimate(_ histogram: [Int]) -> UInt64 {
        let all = Double(registerCount)
        var sum = all * tau((all - Double(histogram[hashBits + 1])) / all)
        for value in stride(from: hashBits, through: 1, by: -1) {
            sum += Double(histogram[value])
            sum *= 0.5
        }
        sum += all * sigma(Double(histogram[0]) / all)
        let estimate = (0.721347520444481703680 * all * all / sum).rounded(.toNearestOrAwayFromZero)
        return estimate < 9e18 ? UInt64(estimate) : UInt64(Int64.max)
    }

    private static func sigma(_ start: Double) -> Double {
        if start == 1 { return .infinity }
        var (x, y, z) = (start, 1.0, start)
        while true {
            x *= x
            let before = z
            z += x * y
            y += y
            if z == before { return z }
        }
    }

    private static func tau(_ start: Double) -> Double {
        if start == 0 || start == 1 { return 0 }
        var (x, y, z) = (start, 1.0, 1 - start)
        while true {
            x = x.squareRoot()
            let before = z
            y *= 0.5
            z -= (1 - x) * (1 - x) * y
            if z == before { return z / 3 }
        }
    }

    // MARK: adding

    /// Adds an element; true when a register has changed.
    mutating func add(_ element: Bytes) throws(Corrupt) -> Bool {
        let hash = Self.murmur(element)
        // The bit behind the last makes every row of zeros end.
        let rest = hash >> UInt64(Self.indexBits) | 1 << UInt64(Self.hashBits)
        let value = UInt8(rest.trailingZeroBitCount + 1)
        return try raise(Int(hash & UInt64(Self.registerCount - 1)), to: value)
    }

    /// Makes a register at least `value`; true when it was less.
    mutating func raise(_ index: Int, to value: UInt8) throws(Corrupt) -> Bool {
        if isSparse { return try raiseSparse(index, to: value) }
        guard dense(index) < value else { return false }
        setDense(index, value)
        return true
    }

    private mutating func raiseSparse(_ index: Int, to value: UInt8) throws(Corrupt) -> Bool {
        if value > Self.largestSparseValue { return try raisePromoted(index, to: value) }
        var place = Self.headerSize
        var before: Int?
        var first = 0
        var found: Run?
        while place < bytes.count {
            let run = try run(at: place)
            if index < first + run.count {
                found = run
                break
            }
            before = place
            place += run.size
            first += run.count
        }
        guard let run = found else { throw Corrupt() }
        if run.value >= value { return false }

        var made: [UInt8] = []
        Self.append(run.value, index - first, to: &made)
        Self.append(value, 1, to: &made)
        Self.append(run.value, first + run.count - 1 - index, to: &made)
        let growth = made.count - run.size
        if growth > 0, bytes.count + growth > Self.largestSparse { return try raisePromoted(index, to: value) }
        bytes.replaceSubrange(place..<place + run.size, with: made)
        mergeRuns(from: before ?? Self.headerSize)
        dropCount()
        return true
    }

    /// Joins equal values that stand side by side: Redis looks at so many runs from there on.
    private mutating func mergeRuns(from start: Int) {
        var place = start
        var looks = 5
        while place < bytes.count, looks > 0 {
            looks -= 1
            guard bytes[place] & 0x80 != 0 else {
                place += bytes[place] & 0x40 != 0 ? 2 : 1
                continue
            }
            if place + 1 < bytes.count, bytes[place + 1] & 0x80 != 0, bytes[place] & 0x7c == bytes[place + 1] & 0x7c {
                let count = Int(bytes[place] & 3) + Int(bytes[place + 1] & 3) + 2
                if count <= 4 {
                    bytes[place] = bytes[place] & 0xfc | UInt8(count - 1)
                    bytes.remove(at: place + 1)
                    continue
                }
            }
            place += 1
        }
    }

    private mutating func raisePromoted(_ index: Int, to value: UInt8) throws(Corrupt) -> Bool {
        try becomeDense()
        return try raise(index, to: value)
    }

    mutating func becomeDense() throws(Corrupt) {
        guard isSparse else { return }
        var registers = [UInt8](repeating: 0, count: Self.registerCount)
        try raise(&registers)
        bytes = bytes[..<Self.headerSize] + [UInt8](repeating: 0, count: Self.denseSize - Self.headerSize)
        bytes[4] = 0
        for (index, value) in registers.enumerated() where value > 0 { setDense(index, value) }
    }

    /// Makes every one of `registers` at least what it is here.
    func raise(_ registers: inout [UInt8]) throws(Corrupt) {
        guard isSparse else {
            for index in 0..<Self.registerCount { registers[index] = max(registers[index], dense(index)) }
            return
        }
        var index = 0
        var place = Self.headerSize
        while place < bytes.count {
            let run = try run(at: place)
            guard index + run.count <= Self.registerCount else { throw Corrupt() }
            if run.value > 0 {
                for register in index..<index + run.count { registers[register] = max(registers[register], run.value) }
            }
            index += run.count
            place += run.size
        }
        guard index == Self.registerCount else { throw Corrupt() }
    }

    // MARK: forms

    private struct Run {
        var value: UInt8
        var count: Int
        /// In bytes.
        var size: Int
    }

    private func run(at place: Int) throws(Corrupt) -> Run {
        let byte = bytes[place]
        if byte & 0x80 != 0 { return Run(value: byte >> 2 & 0x1f + 1, count: Int(byte & 3) + 1, size: 1) }
        if byte & 0x40 == 0 { return Run(value: 0, count: Int(byte & 0x3f) + 1, size: 1) }
        guard place + 1 < bytes.count else { throw Corrupt() }
        return Run(value: 0, count: (Int(byte & 0x3f) << 8 | Int(bytes[place + 1])) + 1, size: 2)
    }

    private static func append(_ value: UInt8, _ count: Int, to bytes: inout [UInt8]) {
        guard count > 0 else { return }
        if value > 0 {
            bytes.append(0x80 | (value - 1) << 2 | UInt8(count - 1))
        } else if count <= 64 {
            bytes.append(UInt8(count - 1))
        } else {
            bytes.append(0x40 | UInt8((count - 1) >> 8))
            bytes.append(UInt8((count - 1) & 0xff))
        }
    }

    private func dense(_ index: Int) -> UInt8 {
        let bit = index * 6
        let place = Self.headerSize + bit / 8
        let next = place + 1 < bytes.count ? UInt16(bytes[place + 1]) : 0
        return UInt8((UInt16(bytes[place]) | next << 8) >> UInt16(bit & 7) & 0x3f)
    }

    private mutating func setDense(_ index: Int, _ value: UInt8) {
        let bit = index * 6
        let place = Self.headerSize + bit / 8
        let shift = UInt16(bit & 7)
        let mask = UInt16(0x3f) << shift
        let new = UInt16(value) << shift
        bytes[place] = bytes[place] & ~UInt8(mask & 0xff) | UInt8(new & 0xff)
        if mask > 0xff { bytes[place + 1] = bytes[place + 1] & ~UInt8(mask >> 8) | UInt8(new >> 8) }
    }

    /// MurmurHash64A (Austin Appleby's MurmurHash2, 64-bit version) with the seed that Redis has.
    static func murmur(_ bytes: Bytes) -> UInt64 {
        let factor: UInt64 = 0xc6a4_a793_5bd1_e995
        let raw = UnsafeRawPointer(bytes.start)
        var hash = 0xadc8_3b19 ^ UInt64(bytes.count) &* factor
        let whole = bytes.count & ~7
        for offset in stride(from: 0, to: whole, by: 8) {
            var word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* factor
            word ^= word >> 47
            hash = (hash ^ word &* factor) &* factor
        }
        if whole < bytes.count {
            for index in whole..<bytes.count { hash ^= UInt64(bytes[index]) << UInt64(8 * (index - whole)) }
            hash = hash &* factor
        }
        hash = (hash ^ hash >> 47) &* factor
        return hash ^ hash >> 47
    }
}
