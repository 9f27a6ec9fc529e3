/// Compresses strings as liblzf does with its default settings, byte for byte where its table is clean.
///
/// Keeps a table of 256 KiB from string to string, so one compressor should serve many. What the table remembers of
/// former strings is told apart by its number, so a result depends on nothing but its string.
public struct LZFCompressor: ~Copyable {
    private static let tableBits = 16

    /// Where three bytes with this hash began last, plus `base`; below `base` it was in a former string.
    private var table: UnsafeMutablePointer<UInt32>?
    private var base: UInt32 = 1

    public init() {}

    deinit {
        table?.deallocate()
    }

    /// Appends the compressed form of `bytes` to `output`; nil, with nothing appended, when it has more than `most`.
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>, most: Int, to output: inout [UInt8]) -> Int? {
        guard let start = bytes.baseAddress, most > 0, bytes.count < Int(UInt32.max / 2) else { return nil }
        let table = preparedTable(for: bytes.count)
        let base = self.base
        self.base = base &+ UInt32(bytes.count) &+ 1
        // Nothing becomes longer than literals alone: one more byte for 32 of them. Writing stops at `most`, which it
        // passes by the control byte of a run at the most.
        let most = min(most, bytes.count &+ bytes.count / 16 &+ LZF.longestLiteral)
        let room = most &+ 8
        let packed = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { place -> Int? in
            guard let target = place.baseAddress else { return nil }
            let count = Self.pack(start, bytes.count, into: target, most: most, table: table, base: base)
            if let count { output.append(contentsOf: UnsafeBufferPointer(rebasing: place[..<count])) }
            return count
        }
        return packed
    }

    /// The compressed form; nil when it has more than `most` bytes.
    public mutating func compress(_ bytes: UnsafeRawBufferPointer, most: Int) -> [UInt8]? {
        var output: [UInt8] = []
        return append(bytes.bindMemory(to: UInt8.self), most: most, to: &output) == nil ? nil : output
    }

    private mutating func preparedTable(for count: Int) -> UnsafeMutablePointer<UInt32> {
        let size = 1 << Self.tableBits
        if let table {
            if UInt32.max - base <= UInt32(count) + 1 {
                table.update(repeating: 0, count: size)
                base = 1
            }
            return table
        }
        let fresh = UnsafeMutablePointer<UInt32>.allocate(capacity: size)
        fresh.initialize(repeating: 0, count: size)
        table = fresh
        return fresh
    }

    @inline(__always)
    private static func slot(_ first: UInt32, _ second: UInt32, _ third: UInt32) -> Int {
        let hash = first << 16 | second << 8 | third
        return Int((hash >> UInt32(24 - tableBits) &- hash &* 5) & (1 << UInt32(tableBits) - 1))
    }

    @inline(__always)
    private static func slot(at place: UnsafePointer<UInt8>) -> Int {
        slot(UInt32(place[0]), UInt32(place[1]), UInt32(place[2]))
    }

    /// The control byte of a run of literals stands at `output[to - literals - 1]`, reserved before the first one.
    private static func pack(
        _ input: UnsafePointer<UInt8>, _ count: Int, into output: UnsafeMutablePointer<UInt8>, most: Int,
        table: UnsafeMutablePointer<UInt32>, base: UInt32
    ) -> Int? {
        var from = 0
        var to = 1
        var literals = 0
        // A hash needs three bytes.
        let lastHashed = count &- 2
        while from < lastHashed {
            let slot = slot(at: input + from)
            let known = table[slot]
            table[slot] = base &+ UInt32(truncatingIfNeeded: from)
            // The first byte of all is never referred to.
            let candidate = known > base ? Int(known &- base) : from
            let distance = from &- candidate &- 1
            guard distance >= 0, distance < LZF.farthest, input[candidate] == input[from],
                input[candidate &+ 1] == input[from &+ 1], input[candidate &+ 2] == input[from &+ 2]
            else {
                guard to < most else { return nil }
                output[to] = input[from]
                from &+= 1
                to &+= 1
                literals &+= 1
                if literals == LZF.longestLiteral { closeRun(output, &to, &literals) }
                continue
            }
            guard to &- (literals == 0 ? 1 : 0) &+ 4 < most else { return nil }
            if literals == 0 { to &-= 1 } else { output[to &- literals &- 1] = UInt8(literals &- 1) }
            let length = referenceLength(input + candidate, input + from, left: count &- from)
            writeReference(distance, length, output, &to)
            literals = 0
            to &+= 1
            from &+= length
            guard from < lastHashed else { break }
            // The last two places of the reference may be referred to as well.
            table[Self.slot(at: input + (from &- 2))] = base &+ UInt32(truncatingIfNeeded: from &- 2)
            table[Self.slot(at: input + (from &- 1))] = base &+ UInt32(truncatingIfNeeded: from &- 1)
        }
        guard to &+ 3 <= most else { return nil }
        while from < count {
            output[to] = input[from]
            from &+= 1
            to &+= 1
            literals &+= 1
            if literals == LZF.longestLiteral { closeRun(output, &to, &literals) }
        }
        if literals == 0 { to &-= 1 } else { output[to &- literals &- 1] = UInt8(literals &- 1) }
        return to
    }

    /// How far the bytes at `known`, of which three are equal, and the `left` bytes at `place` are taken as equal.
    ///
    /// liblzf looks at the next sixteen without counting where at least 19 are left, and stops two bytes before the
    /// end otherwise.
    @inline(__always)
    private static func referenceLength(
        _ known: UnsafePointer<UInt8>, _ place: UnsafePointer<UInt8>, left: Int
    ) -> Int {
        let longest = min(left &- 2, LZF.longestReference)
        var length = 3
        if longest > 16 {
            while length < 19, known[length] == place[length] { length &+= 1 }
            if length < 19 { return length }
        }
        while length < longest, known[length] == place[length] { length &+= 1 }
        return length
    }

    @inline(__always)
    private static func closeRun(_ output: UnsafeMutablePointer<UInt8>, _ to: inout Int, _ literals: inout Int) {
        output[to &- literals &- 1] = UInt8(literals &- 1)
        literals = 0
        to &+= 1
    }

    /// `distance` and `length` as the format counts them, less 1 and less 2.
    @inline(__always)
    private static func writeReference(
        _ distance: Int, _ length: Int, _ output: UnsafeMutablePointer<UInt8>, _ to: inout Int
    ) {
        let high = UInt8(truncatingIfNeeded: distance >> 8)
        let extra = length &- 2
        if extra < 7 {
            output[to] = high &+ UInt8(extra) << 5
            to &+= 1
        } else {
            output[to] = high &+ 7 << 5
            output[to &+ 1] = UInt8(truncatingIfNeeded: extra &- 7)
            to &+= 2
        }
        output[to] = UInt8(truncatingIfNeeded: distance)
        to &+= 1
    }
}
