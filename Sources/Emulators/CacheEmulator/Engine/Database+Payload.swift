import RDBWire
import RESPWire

/// Values as DUMP hands them out and RESTORE takes them, without the footer.
extension Database {
    /// The payload of a value, in the encoding that Redis has for a value that is stored like this one.
    func payload(of entry: Entry, by maker: PayloadMaker) throws(RDBError) -> [UInt8] {
        switch entry.type {
        case .string: return withString(entry) { maker.encoder.encode(string: $0.raw) }
        case .list: return try maker.encode(value(of: entry), compact: true, memory.packing)
        case .set: return try maker.encode(value(of: entry), compact: set(entry).hasIntegers)
        case .hash: return try maker.encode(value(of: entry), compact: hashValue(entry).isPacked)
        case .sortedSet: return try maker.encode(value(of: entry), compact: sortedSet(entry).isPacked)
        case .stream:
            let stream = stream(entry)
            return try maker.encoder.encode(
                stream.copy(withEntries: false), in: stream.listpacks, length: stream.length)
        }
    }

    /// A copy of a value.
    func value(of entry: Entry) -> RDBValue {
        switch entry.type {
        case .string: return .string(withString(entry) { $0.array })
        case .list:
            var elements: [[UInt8]] = []
            let list = list(entry)
            elements.reserveCapacity(list.count)
            list.forEach(from: 0, to: list.count) { elements.append($0.array) }
            return .list(elements)
        case .set:
            let set = set(entry)
            var members: [[UInt8]] = []
            members.reserveCapacity(set.count)
            set.forEach { members.append($0.array) }
            return .set(members)
        case .hash:
            let hash = hashValue(entry)
            var fields: [RDBField] = []
            fields.reserveCapacity(hash.count)
            hash.forEach { fields.append(RDBField(name: $0.array, value: $1.array)) }
            return .hash(fields)
        case .sortedSet:
            let sorted = sortedSet(entry)
            var members: [RDBMember] = []
            members.reserveCapacity(sorted.count)
            sorted.forEach { members.append(RDBMember(member: $0.array, score: $1)) }
            return .sortedSet(members)
        case .stream: return .stream(stream(entry).copy(withEntries: true))
        }
    }

    /// A detached entry with a payload's value: for `put` or `discard`.
    ///
    /// Throws where the payload is none or has a member twice.
    func makeEntry(_ key: Bytes, payload: UnsafeRawBufferPointer) throws(RDBError) -> Entry {
        switch try RDBValue.decode(payload) {
        case .string(let bytes): return bytes.withBytes { makeString(key, $0, expiry: nil) }
        case .list(let elements):
            let entry = makeDetached(.list, key)
            let list = list(entry)
            for element in elements { element.withBytes { list.append($0, in: memory) } }
            return entry
        case .set(let members):
            let entry = makeDetached(.set, key)
            let set = SetValue(entry, memory)
            for member in members where !member.withBytes({ set.insert($0) }) { throw twice(entry, member) }
            return entry
        case .hash(let fields):
            let entry = makeDetached(.hash, key)
            let hash = HashValue(entry, memory)
            for field in fields
            where !field.name.withBytes({ name in field.value.withBytes { hash.set(name, $0) } }) {
                throw twice(entry, field.name)
            }
            return entry
        case .sortedSet(let members):
            let entry = makeDetached(.sortedSet, key)
            let sorted = SortedSet(entry, memory)
            for member in members {
                let isNew = member.member.withBytes { name in
                    guard sorted.score(of: name) == nil else { return false }
                    sorted.insert(name, score: member.score)
                    return true
                }
                guard isNew else { throw twice(entry, member.member) }
            }
            return entry
        case .stream(let stream): return try makeEntry(key, stream: stream, payload: payload)
        }
    }

    private func twice(_ entry: Entry, _ member: [UInt8]) -> RDBError {
        discard(entry)
        return .malformed("a member comes twice")
    }
}

/// Makes payloads; owns the tables of the compression, so that one serves a whole emulator.
final class PayloadMaker {
    var encoder = RDBEncoder()

    init() {}

    /// A value that is stored in the compact form gets the compact encoding, another one does not, however small it is.
    func encode(_ value: RDBValue, compact: Bool, _ limits: PackingLimits = .none) throws(RDBError) -> [UInt8] {
        encoder.thresholds = compact ? Self.compact : Self.expanded
        encoder.thresholds.listMaxListpackSize = limits.listNode
        encoder.thresholds.listPlainBytes = limits.listPlainBytes
        return try encoder.encode(value)
    }

    private static let compact: EncodingThresholds = {
        var thresholds = EncodingThresholds()
        thresholds.setMaxIntsetEntries = .max
        thresholds.hashMaxListpackEntries = .max
        thresholds.hashMaxListpackValue = .max
        thresholds.sortedSetMaxListpackEntries = .max
        thresholds.sortedSetMaxListpackValue = .max
        return thresholds
    }()

    private static let expanded: EncodingThresholds = {
        var thresholds = EncodingThresholds()
        thresholds.setMaxIntsetEntries = 0
        thresholds.hashMaxListpackEntries = 0
        thresholds.sortedSetMaxListpackEntries = 0
        return thresholds
    }()
}
