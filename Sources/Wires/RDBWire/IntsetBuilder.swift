/// Writes a set of integers as Redis does: in ascending order, all as wide as the widest.
enum IntsetBuilder {
    /// Nil when a member is no integer, or when there are more than `most`.
    static func build(_ members: [[UInt8]], most: Int) -> [UInt8]? {
        guard members.count <= most, members.count <= Int(UInt32.max) else { return nil }
        var values: [Int64] = []
        values.reserveCapacity(members.count)
        for member in members {
            guard let value = member.withUnsafeBufferPointer({ Decimal.integer($0) }) else { return nil }
            values.append(value)
        }
        values.sort()
        // The same member twice is nothing that an intset can hold.
        for index in values.indices.dropFirst() where values[index - 1] == values[index] { return nil }
        let width = values.reduce(2) { max($0, Self.width($1)) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + values.count * width)
        bytes.append(littleEndian: UInt32(truncatingIfNeeded: width))
        bytes.append(littleEndian: UInt32(truncatingIfNeeded: values.count))
        for value in values {
            switch width {
            case 2: bytes.append(littleEndian: Int16(truncatingIfNeeded: value))
            case 4: bytes.append(littleEndian: Int32(truncatingIfNeeded: value))
            default: bytes.append(littleEndian: value)
            }
        }
        return bytes
    }

    private static func width(_ value: Int64) -> Int {
        if Int16(exactly: value) != nil { return 2 }
        return Int32(exactly: value) != nil ? 4 : 8
    }
}
