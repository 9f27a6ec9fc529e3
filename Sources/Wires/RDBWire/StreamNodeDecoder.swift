/// Takes a node of a stream apart: a listpack whose entries are written as differences from a master entry.
///
/// The master entry is: number of entries, number of deleted ones, number of fields, field names, 0. An entry is:
/// flags, differences of both halves of the id, then values only where it has the master's fields, otherwise the
/// number of fields, names and values; at last the number of its elements so far, for reading backwards.
struct StreamNodeDecoder {
    static let isDeleted: Int64 = 1
    static let hasMasterFields: Int64 = 2

    private let master: RDBStream.ID
    private var elements: ListpackIterator
    private let limit: Int
    /// Fields and entries that may still come, of `limit`.
    private(set) var left: Int
    private var names: [[UInt8]] = []

    init(_ master: RDBStream.ID, _ elements: ListpackIterator, limit: Int, left: Int) {
        self.master = master
        self.elements = elements
        self.limit = limit
        self.left = left
    }

    /// Appends the entries that are not deleted.
    mutating func decode(into entries: inout [RDBStream.Entry]) throws(RDBError) {
        let live = try integer()
        let deleted = try integer()
        for _ in 0..<(try fieldCount()) {
            try admit()
            names.append(try element().array)
        }
        guard try integer() == 0 else { throw .malformed("master entry of a stream node") }
        var liveSeen: Int64 = 0
        var deletedSeen: Int64 = 0
        while let flags = try elements.next() {
            guard case .integer(let flags) = flags else { throw .malformed("flags of a stream entry") }
            let id = RDBStream.ID(
                master.milliseconds &+ UInt64(bitPattern: try integer()),
                master.sequence &+ UInt64(bitPattern: try integer()))
            if flags & Self.isDeleted != 0 {
                deletedSeen += 1
                try passEntry(flags)
                continue
            }
            liveSeen += 1
            try admit()
            if let last = entries.last?.id, last >= id { throw .malformed("order of stream entries") }
            entries.append(RDBStream.Entry(id: id, fields: try fields(flags)))
        }
        guard live == liveSeen, deleted == deletedSeen else { throw .malformed("count of a stream node") }
    }

    private mutating func fields(_ flags: Int64) throws(RDBError) -> [RDBField] {
        var fields: [RDBField] = []
        var elementCount = 3
        if flags & Self.hasMasterFields != 0 {
            fields.reserveCapacity(names.count)
            for name in names {
                try admit()
                fields.append(RDBField(name: name, value: try element().array))
            }
            elementCount += names.count
        } else {
            let count = try fieldCount()
            for _ in 0..<count {
                try admit()
                let name = try element().array
                fields.append(RDBField(name: name, value: try element().array))
            }
            elementCount += 1 + 2 * fields.count
        }
        guard try integer() == Int64(elementCount) else { throw .malformed("count of a stream entry") }
        return fields
    }

    /// Passes over the rest of a deleted entry.
    private mutating func passEntry(_ flags: Int64) throws(RDBError) {
        var elementCount = 3 + names.count
        if flags & Self.hasMasterFields != 0 {
            for _ in names { _ = try element() }
        } else {
            let count = try fieldCount()
            for _ in 0..<count {
                _ = try element()
                _ = try element()
            }
            elementCount = 4 + 2 * count
        }
        guard try integer() == Int64(elementCount) else { throw .malformed("count of a stream entry") }
    }

    /// At most what a listpack can hold, whose end comes earlier if it lies.
    private mutating func fieldCount() throws(RDBError) -> Int {
        let count = try integer()
        guard count >= 0, count <= Int64(UInt32.max) else { throw .malformed("fields of a stream entry") }
        return Int(count)
    }

    private mutating func admit() throws(RDBError) {
        left &-= 1
        guard left >= 0 else { throw .tooLarge(limit: limit) }
    }

    private mutating func element() throws(RDBError) -> CompactElement {
        guard let element = try elements.next() else { throw .malformed("end of a stream node") }
        return element
    }

    private mutating func integer() throws(RDBError) -> Int64 {
        guard case .integer(let value) = try element() else { throw .malformed("number in a stream node") }
        return value
    }
}
