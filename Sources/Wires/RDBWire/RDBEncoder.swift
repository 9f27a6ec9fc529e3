/// Makes payloads of values, in the encodings in which Redis 7.0 writes them.
///
/// It owns the compressor's table, so one encoder should serve many values.
public struct RDBEncoder: ~Copyable {
    /// May be changed between two values; but for `compresses`, which the first setting decides.
    public var thresholds: EncodingThresholds
    private var strings: StringEncoder
    /// The payload that is being made.
    private var output: [UInt8] = []

    public init(_ thresholds: EncodingThresholds = EncodingThresholds()) {
        self.thresholds = thresholds
        strings = StringEncoder(compresses: thresholds.compresses)
    }

    /// The payload of a string whose bytes belong to somebody else.
    public mutating func encode(string: UnsafeRawBufferPointer) -> [UInt8] {
        begin(.string, reserving: string.count + 10)
        append(string.bindMemory(to: UInt8.self))
        return finish()
    }

    /// The payload: a type byte and a body, without a DUMP's footer.
    ///
    /// Fails for what Redis cannot have either: a collection without members, a score that is no number, an entry of a
    /// stream above 1 GiB, a pending entry whose consumer does not exist.
    public mutating func encode(_ value: RDBValue) throws(RDBError) -> [UInt8] {
        switch value {
        case .string(let bytes): return bytes.withUnsafeBytes { encode(string: $0) }
        case .list(let elements):
            guard !elements.isEmpty else { throw .emptyValue }
            encodeList(elements)
        case .set(let members):
            guard !members.isEmpty else { throw .emptyValue }
            encodeSet(members)
        case .sortedSet(let members):
            guard !members.isEmpty else { throw .emptyValue }
            guard !members.contains(where: \.score.isNaN) else { throw .notEncodable("score that is no number") }
            encodeSortedSet(members)
        case .hash(let fields):
            guard !fields.isEmpty else { throw .emptyValue }
            encodeHash(fields)
        case .stream(let stream): try encodeStream(stream)
        }
        return finish()
    }

    // MARK: - Parts

    mutating func begin(_ type: RDBType, reserving size: Int = 0) {
        output.reserveCapacity(size)
        output.append(type.rawValue)
    }

    mutating func append(length: Int) {
        StringEncoder.append(length: UInt64(length), to: &output)
    }

    mutating func append(length: UInt64) {
        StringEncoder.append(length: length, to: &output)
    }

    mutating func append(_ string: [UInt8]) {
        strings.append(string, to: &output)
    }

    mutating func append(_ string: UnsafeBufferPointer<UInt8>) {
        strings.append(string, to: &output)
    }

    mutating func append<Word: FixedWidthInteger>(littleEndian word: Word) {
        output.append(littleEndian: word)
    }

    mutating func append<Word: FixedWidthInteger>(bigEndian word: Word) {
        output.append(bigEndian: word)
    }

    mutating func finish() -> [UInt8] {
        let payload = output
        output = []
        return payload
    }

    // MARK: - Collections

    /// Nodes are filled as RPUSH fills them.
    private mutating func encodeList(_ elements: [[UInt8]]) {
        var nodes: [(container: UInt64, bytes: [UInt8])] = []
        var node = ListpackBuilder()
        for element in elements {
            let isPlain = element.count >= min(thresholds.listPlainBytes, EncodingThresholds.listpackMaxBytes)
            // Redis reckons with eight bytes for what an element takes besides itself.
            if node.count > 0,
                isPlain
                    || !thresholds.listNodeAdmits(count: node.count, newBytes: node.byteCount + element.count + 8)
            {
                nodes.append((RDBFormat.ListContainer.packed, node.finish()))
            }
            if isPlain {
                nodes.append((RDBFormat.ListContainer.plain, element))
            } else {
                node.append(element)
            }
        }
        if node.count > 0 { nodes.append((RDBFormat.ListContainer.packed, node.finish())) }
        begin(.listQuicklist2)
        append(length: nodes.count)
        for node in nodes {
            append(length: node.container)
            append(node.bytes)
        }
    }

    private mutating func encodeSet(_ members: [[UInt8]]) {
        if let intset = IntsetBuilder.build(members, most: thresholds.setMaxIntsetEntries) {
            begin(.setIntset)
            append(intset)
            return
        }
        begin(.set)
        append(length: members.count)
        for member in members { append(member) }
    }

    private mutating func encodeHash(_ fields: [RDBField]) {
        let longest = thresholds.hashMaxListpackValue
        let isCompact =
            fields.count <= thresholds.hashMaxListpackEntries
            && fields.allSatisfy { $0.name.count <= longest && $0.value.count <= longest }
            && fitsListpack(fields.count * 2, bytes: fields.reduce(0) { $0 + $1.name.count + $1.value.count })
        guard isCompact else {
            begin(.hash)
            append(length: fields.count)
            for field in fields {
                append(field.name)
                append(field.value)
            }
            return
        }
        var listpack = ListpackBuilder()
        for field in fields {
            listpack.append(field.name)
            listpack.append(field.value)
        }
        begin(.hashListpack)
        append(listpack.finish())
    }

    private mutating func encodeSortedSet(_ members: [RDBMember]) {
        var members = members
        for index in members.indices.dropFirst() where !RDBMember.isOrdered(members[index - 1], members[index]) {
            members.sort(by: RDBMember.isOrdered)
            break
        }
        let longest = thresholds.sortedSetMaxListpackValue
        let isCompact =
            members.count <= thresholds.sortedSetMaxListpackEntries
            && members.allSatisfy { $0.member.count <= longest }
            && fitsListpack(members.count * 2, bytes: members.reduce(0) { $0 + $1.member.count })
        guard isCompact else {
            begin(.sortedSet2)
            append(length: members.count)
            // From the highest score down, so that a server that loads them inserts at the front.
            for member in members.reversed() {
                append(member.member)
                append(littleEndian: member.score.bitPattern)
            }
            return
        }
        var listpack = ListpackBuilder()
        for member in members {
            listpack.append(member.member)
            listpack.append(Decimal.score(member.score))
        }
        begin(.sortedSetListpack)
        append(listpack.finish())
    }

    /// No element takes more than 32 bytes besides its own, so that the size of the listpack fits its header.
    func fitsListpack(_ count: Int, bytes: Int) -> Bool {
        bytes <= EncodingThresholds.listpackMaxBytes && count <= EncodingThresholds.listpackMaxBytes / 32
    }
}
