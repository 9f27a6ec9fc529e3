extension ValueDecoder {
    mutating func stream(_ type: RDBType) throws(RDBError) -> RDBStream {
        var entries: [RDBStream.Entry] = []
        for _ in 0..<(try count(ofSize: 2)) {
            let master = try cursor.withString(limits) { key throws(RDBError) in
                guard key.count == 16 else { throw .malformed("key of a stream node") }
                var key = ByteCursor(key)
                return try Self.rawID(&key)
            }
            let (limit, left) = (limits.elements, elementsLeft)
            elementsLeft = try cursor.withString(limits) { blob throws(RDBError) in
                var node = StreamNodeDecoder(master, try ListpackIterator(blob), limit: limit, left: left)
                try node.decode(into: &entries)
                return node.left
            }
        }
        guard try cursor.length() == UInt64(entries.count) else { throw .malformed("length of a stream") }
        var stream = RDBStream(entries: entries, lastID: try id(), entriesAdded: UInt64(entries.count))
        let isOriginal = type == .streamListpacks
        if !isOriginal {
            stream.firstID = try id()
            stream.maxDeletedID = try id()
            stream.entriesAdded = try cursor.length()
        }
        if let last = entries.last?.id, last > stream.lastID { throw .malformed("last id of a stream") }
        for _ in 0..<(try count(ofSize: 5)) { try stream.groups.append(group(type, of: stream)) }
        return stream
    }

    private mutating func id() throws(RDBError) -> RDBStream.ID {
        let milliseconds = try cursor.length()
        return RDBStream.ID(milliseconds, try cursor.length())
    }

    private static func rawID(_ cursor: inout ByteCursor) throws(RDBError) -> RDBStream.ID {
        let milliseconds = try cursor.big(UInt64.self)
        return RDBStream.ID(milliseconds, try cursor.big(UInt64.self))
    }

    private mutating func group(_ type: RDBType, of stream: RDBStream) throws(RDBError) -> RDBStream.Group {
        try admit()
        let name = try cursor.string(limits)
        let lastDelivered = try id()
        var group = RDBStream.Group(name: name, lastDelivered: lastDelivered, entriesRead: nil)
        if type == .streamListpacks {
            group.entriesRead = stream.entriesRead(upTo: lastDelivered)
        } else {
            // The counter is signed, and -1 where nobody can tell.
            let read = Int64(bitPattern: try cursor.length())
            group.entriesRead = read < 0 ? nil : read
        }
        let pendingCount = try count(ofSize: 25)
        try admit(pendingCount)
        group.pending.reserveCapacity(pendingCount)
        for _ in 0..<pendingCount {
            let id = try Self.rawID(&cursor)
            let deliveredAt = try cursor.little(Int64.self)
            let deliveries = try cursor.length()
            if let last = group.pending.last, last.id >= id { throw .malformed("order of pending entries") }
            group.pending.append(
                RDBStream.Pending(
                    id: id, consumer: RDBStream.Pending.nobody, deliveredAt: deliveredAt, deliveries: deliveries))
        }
        let consumerCount = try count(ofSize: 10)
        try admit(consumerCount)
        for _ in 0..<consumerCount { try consumer(type, of: &group) }
        if group.pending.contains(where: { $0.consumer == RDBStream.Pending.nobody }) {
            throw .malformed("pending entry without a consumer")
        }
        return group
    }

    private mutating func consumer(_ type: RDBType, of group: inout RDBStream.Group) throws(RDBError) {
        let name = try cursor.string(limits)
        let seenAt = try cursor.little(Int64.self)
        let activeAt = type == .streamListpacks3 ? try cursor.little(Int64.self) : nil
        group.consumers.append(RDBStream.Consumer(name: name, seenAt: seenAt, activeAt: activeAt))
        let index = group.consumers.count - 1
        for _ in 0..<(try count(ofSize: 16)) {
            let id = try Self.rawID(&cursor)
            let place = group.pending.firstIndex(from: id)
            guard place < group.pending.count, group.pending[place].id == id,
                group.pending[place].consumer == RDBStream.Pending.nobody
            else { throw .malformed("pending entry of a consumer") }
            group.pending[place].consumer = index
        }
    }
}

extension RDBStream.Pending {
    /// The consumer of an entry while none is known.
    fileprivate static let nobody = -1
}

extension [RDBStream.Pending] {
    /// Where the first one with this id or a later one stands.
    fileprivate func firstIndex(from id: RDBStream.ID) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension RDBStream {
    /// What data older than Redis 7.0 does not say: how many of the entries ever added a group has read whose last one
    /// is `id`. Nil where it lies within the stream, and gaps are possible.
    fileprivate func entriesRead(upTo id: ID) -> Int64? {
        guard entriesAdded > 0 else { return 0 }
        if entries.isEmpty && id <= lastID || id == lastID { return Int64(clamping: entriesAdded) }
        guard id < lastID, maxDeletedID == .zero || maxDeletedID < firstID else { return nil }
        let gone = entriesAdded - min(UInt64(entries.count), entriesAdded)
        if id < firstID { return Int64(clamping: gone) }
        return id == firstID ? Int64(clamping: gone) &+ 1 : nil
    }
}
