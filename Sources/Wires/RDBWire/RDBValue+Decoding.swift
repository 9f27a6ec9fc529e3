extension RDBValue {
    /// Takes a payload apart: a type byte and a body, without a DUMP's footer.
    public static func decode(_ payload: [UInt8], limits: RDBLimits = RDBLimits()) throws(RDBError) -> RDBValue {
        try payload.withUnsafeBufferPointer { bytes throws(RDBError) in try decode(bytes, limits) }
    }

    /// Takes a payload apart: a type byte and a body, without a DUMP's footer.
    public static func decode(
        _ payload: UnsafeRawBufferPointer, limits: RDBLimits = RDBLimits()
    ) throws(RDBError) -> RDBValue {
        try decode(payload.bindMemory(to: UInt8.self), limits)
    }

    private static func decode(
        _ payload: UnsafeBufferPointer<UInt8>, _ limits: RDBLimits
    ) throws(RDBError) -> RDBValue {
        var decoder = ValueDecoder(payload, limits)
        return try decoder.value()
    }
}

/// Takes one payload apart.
struct ValueDecoder {
    var cursor: ByteCursor
    let limits: RDBLimits
    /// Elements that may still come.
    var elementsLeft: Int

    init(_ payload: UnsafeBufferPointer<UInt8>, _ limits: RDBLimits) {
        cursor = ByteCursor(payload)
        self.limits = limits
        elementsLeft = limits.elements
    }

    mutating func value() throws(RDBError) -> RDBValue {
        let number = try cursor.byte()
        guard let type = RDBType(rawValue: number) else { throw .unknownType(number) }
        let value = try body(type)
        guard cursor.remaining == 0 else { throw .malformed("bytes behind a value") }
        return value
    }

    private mutating func body(_ type: RDBType) throws(RDBError) -> RDBValue {
        switch type {
        case .string: .string(try cursor.string(limits))
        case .list: .list(try plainStrings())
        case .set: .set(try plainStrings())
        case .listZiplist: .list(try blobElements(ZiplistIterator.self))
        case .setIntset: .set(try blobElements(IntsetIterator.self))
        case .setListpack: .set(try blobElements(ListpackIterator.self))
        case .listQuicklist: .list(try quicklist())
        case .listQuicklist2: .list(try quicklist2())
        case .sortedSet: .sortedSet(try plainMembers(scoresAreBinary: false))
        case .sortedSet2: .sortedSet(try plainMembers(scoresAreBinary: true))
        case .sortedSetZiplist: .sortedSet(try blobMembers(ZiplistIterator.self))
        case .sortedSetListpack: .sortedSet(try blobMembers(ListpackIterator.self))
        case .hash: .hash(try plainFields())
        case .hashZipmap: .hash(try blobFields(ZipmapIterator.self))
        case .hashZiplist: .hash(try blobFields(ZiplistIterator.self))
        case .hashListpack: .hash(try blobFields(ListpackIterator.self))
        case .streamListpacks, .streamListpacks2, .streamListpacks3: .stream(try stream(type))
        case .module, .module2: throw .unsupported("value of a module")
        }
    }

    /// The number of elements that follow, each of at least `size` bytes.
    mutating func count(ofSize size: Int) throws(RDBError) -> Int {
        let count = try cursor.count(limits)
        guard count <= cursor.remaining / size else { throw .truncated }
        return count
    }

    /// Counts `number` elements against the limit.
    mutating func admit(_ number: Int = 1) throws(RDBError) {
        elementsLeft &-= number
        guard elementsLeft >= 0 else { throw .tooLarge(limit: limits.elements) }
    }

    // MARK: - Elements one by one

    private mutating func plainStrings() throws(RDBError) -> [[UInt8]] {
        let count = try count(ofSize: 1)
        guard count > 0 else { throw .emptyValue }
        var strings: [[UInt8]] = []
        strings.reserveCapacity(count)
        for _ in 0..<count { strings.append(try cursor.string(limits)) }
        return strings
    }

    private mutating func plainFields() throws(RDBError) -> [RDBField] {
        let count = try count(ofSize: 2)
        guard count > 0 else { throw .emptyValue }
        var fields: [RDBField] = []
        fields.reserveCapacity(count)
        for _ in 0..<count {
            let name = try cursor.string(limits)
            fields.append(RDBField(name: name, value: try cursor.string(limits)))
        }
        return fields
    }

    private mutating func plainMembers(scoresAreBinary: Bool) throws(RDBError) -> [RDBMember] {
        let count = try count(ofSize: scoresAreBinary ? 9 : 2)
        guard count > 0 else { throw .emptyValue }
        var members: [RDBMember] = []
        members.reserveCapacity(count)
        for _ in 0..<count {
            let member = try cursor.string(limits)
            let score = scoresAreBinary ? Double(bitPattern: try cursor.little(UInt64.self)) : try textScore()
            guard !score.isNaN else { throw .malformed("score") }
            members.append(RDBMember(member: member, score: score))
        }
        // Redis writes from the highest score down.
        if RDBMember.isOrdered(members[count - 1], members[0]) { members.reverse() }
        return Self.ordered(members)
    }

    private mutating func textScore() throws(RDBError) -> Double {
        switch try cursor.byte() {
        case 253: throw .malformed("score")
        case 254: return .infinity
        case 255: return -.infinity
        case let length:
            guard let score = Decimal.double(try cursor.take(Int(length))) else { throw .malformed("score") }
            return score
        }
    }

    private static func ordered(_ members: [RDBMember]) -> [RDBMember] {
        for index in members.indices.dropFirst() where !RDBMember.isOrdered(members[index - 1], members[index]) {
            return members.sorted(by: RDBMember.isOrdered)
        }
        return members
    }

    // MARK: - Elements in a blob

    private mutating func blobElements<Iterator: CompactIterator>(
        _ type: Iterator.Type
    ) throws(RDBError) -> [[UInt8]] {
        var elements: [[UInt8]] = []
        try appendBlob(type, to: &elements)
        guard !elements.isEmpty else { throw .emptyValue }
        return elements
    }

    private mutating func appendBlob<Iterator: CompactIterator>(
        _ type: Iterator.Type, to elements: inout [[UInt8]]
    ) throws(RDBError) {
        let before = elements.count
        let most = elementsLeft
        try cursor.withString(limits) { blob throws(RDBError) in
            var iterator = try Iterator(blob)
            while let element = try iterator.next() {
                guard elements.count - before < most else { throw .tooLarge(limit: limits.elements) }
                elements.append(element.array)
            }
        }
        try admit(elements.count - before)
    }

    private mutating func blobFields<Iterator: CompactIterator>(
        _ type: Iterator.Type
    ) throws(RDBError) -> [RDBField] {
        let fields = try cursor.withString(limits) { blob throws(RDBError) in
            var fields: [RDBField] = []
            var iterator = try Iterator(blob)
            while let name = try iterator.next() {
                guard let value = try iterator.next() else { throw .malformed("field without a value") }
                guard fields.count < limits.elements else { throw .tooLarge(limit: limits.elements) }
                fields.append(RDBField(name: name.array, value: value.array))
            }
            return fields
        }
        guard !fields.isEmpty else { throw .emptyValue }
        return fields
    }

    private mutating func blobMembers<Iterator: CompactIterator>(
        _ type: Iterator.Type
    ) throws(RDBError) -> [RDBMember] {
        let members = try cursor.withString(limits) { blob throws(RDBError) in
            var members: [RDBMember] = []
            var iterator = try Iterator(blob)
            while let member = try iterator.next() {
                guard let score = try iterator.next()?.score, !score.isNaN else { throw .malformed("score") }
                guard members.count < limits.elements else { throw .tooLarge(limit: limits.elements) }
                members.append(RDBMember(member: member.array, score: score))
            }
            return members
        }
        guard !members.isEmpty else { throw .emptyValue }
        return Self.ordered(members)
    }

    // MARK: - Quicklists

    /// Nodes without elements are passed over, as Redis does.
    private mutating func quicklist() throws(RDBError) -> [[UInt8]] {
        var elements: [[UInt8]] = []
        for _ in 0..<(try count(ofSize: 1)) { try appendBlob(ZiplistIterator.self, to: &elements) }
        guard !elements.isEmpty else { throw .emptyValue }
        return elements
    }

    private mutating func quicklist2() throws(RDBError) -> [[UInt8]] {
        var elements: [[UInt8]] = []
        for _ in 0..<(try count(ofSize: 2)) {
            switch try cursor.length() {
            case RDBFormat.ListContainer.plain:
                try admit()
                elements.append(try cursor.string(limits))
            case RDBFormat.ListContainer.packed: try appendBlob(ListpackIterator.self, to: &elements)
            default: throw .malformed("node of a quicklist")
            }
        }
        guard !elements.isEmpty else { throw .emptyValue }
        return elements
    }
}
