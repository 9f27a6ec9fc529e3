/// Fills a node of a stream as XADD does; see `StreamNodeDecoder` for its form.
struct StreamNodeBuilder {
    /// The id of the first entry, from which the others' are counted.
    let master: RDBStream.ID
    private let names: [[UInt8]]
    /// What follows the number of entries.
    private var rest = ListpackBuilder()
    private var count: Int64 = 0

    /// Takes nothing of `entry` but the id and the names; it is to be appended like the others.
    init(first entry: RDBStream.Entry) {
        master = entry.id
        names = entry.fields.map(\.name)
        rest.append(0)
        rest.append(Int64(names.count))
        for name in names { rest.append(name) }
        rest.append(0)
    }

    /// Whether an entry whose names and values have `size` bytes still belongs here.
    func admits(_ size: Int, _ thresholds: EncodingThresholds) -> Bool {
        let limit = thresholds.streamNodeMaxBytes
        let isLimited = limit > 0 && limit <= EncodingThresholds.listpackMaxBytes
        let byteCount = rest.byteCount + ListpackBuilder.size(count)
        guard byteCount + size < (isLimited ? limit : EncodingThresholds.listpackMaxBytes) else { return false }
        return thresholds.streamNodeMaxEntries <= 0 || count < Int64(thresholds.streamNodeMaxEntries)
    }

    mutating func append(_ entry: RDBStream.Entry) {
        count += 1
        let hasMasterFields = entry.fields.count == names.count && zip(entry.fields, names).allSatisfy { $0.name == $1 }
        rest.append(hasMasterFields ? StreamNodeDecoder.hasMasterFields : 0)
        rest.append(Int64(bitPattern: entry.id.milliseconds &- master.milliseconds))
        rest.append(Int64(bitPattern: entry.id.sequence &- master.sequence))
        var elementCount = 3 + entry.fields.count
        if !hasMasterFields {
            rest.append(Int64(entry.fields.count))
            elementCount += 1 + entry.fields.count
        }
        for field in entry.fields {
            if !hasMasterFields { rest.append(field.name) }
            rest.append(field.value)
        }
        rest.append(Int64(elementCount))
    }

    /// The listpack, with the number of entries in front.
    func finish() -> [UInt8] {
        var listpack = ListpackBuilder()
        listpack.append(count)
        listpack.append(elementsOf: rest)
        return listpack.finish()
    }
}
