import RDBWire
import RESPWire

/// Streams as RDB data keeps them.
extension StreamValue {
    /// A copy; without its entries where they are handed out as `listpacks`.
    func copy(withEntries: Bool) -> RDBStream {
        var entries: [RDBStream.Entry] = []
        if withEntries {
            entries.reserveCapacity(length)
            visit { node, item in
                var fields: [RDBField] = []
                fields.reserveCapacity(item.fieldCount)
                node.forEachField(of: item) { fields.append(RDBField(name: $0.array, value: $1.array)) }
                entries.append(RDBStream.Entry(id: RDBStream.ID(item.id), fields: fields))
                return true
            }
        }
        return RDBStream(
            entries: entries, lastID: RDBStream.ID(lastID), firstID: RDBStream.ID(firstID),
            maxDeletedID: RDBStream.ID(maxDeletedID), entriesAdded: UInt64(bitPattern: entriesAdded),
            groups: (0..<groupCount).map { group($0).copy })
    }

    /// The nodes as Redis keeps them.
    var listpacks: [RDBStream.Node] {
        var nodes: [RDBStream.Node] = []
        nodes.reserveCapacity(nodeCount)
        forEachNode { node in
            nodes.append(
                RDBStream.Node(
                    master: RDBStream.ID(node.master), live: node.live, deleted: node.deleted,
                    elementCount: node.elementCount, elements: node.elements))
        }
        return nodes
    }

    /// Fills an empty stream, which is owned. False where the nodes are none that Redis writes.
    func fill(_ stream: RDBStream, _ listpacks: [RDBStream.Node], in memory: Memory) -> Bool {
        var last: StreamID?
        for listpack in listpacks {
            let made = listpack.withElements { elements, count in
                StreamNode.make(master: StreamID(listpack.master), elements: elements, count: count, in: memory)
            }
            guard let node = made else { return false }
            // The last entry of a node may be a deleted one, behind which the next node goes back.
            if let last, node.master <= last {
                node.free(in: memory)
                return false
            }
            last = node.lastLive ?? node.master
            length += node.live
            insert(node, in: memory)
        }
        lastID = StreamID(stream.lastID)
        firstID = StreamID(stream.firstID)
        maxDeletedID = StreamID(stream.maxDeletedID)
        entriesAdded = Int64(bitPattern: stream.entriesAdded)
        for group in stream.groups {
            guard group.name.withBytes({ indexOfGroup($0) }) == nil, let made = StreamGroup.make(group, in: memory)
            else { return false }
            insert(made, in: memory)
        }
        return length == stream.entries.count
    }
}

extension StreamGroup {
    fileprivate var copy: RDBStream.Group {
        var places: [Int: Int] = [:]
        var consumers: [RDBStream.Consumer] = []
        for index in 0..<consumerCount {
            let consumer = consumer(number(index))
            places[number(index)] = index
            consumers.append(RDBStream.Consumer(name: consumer.name.array, seenAt: consumer.seenAt))
        }
        var pending: [RDBStream.Pending] = []
        pending.reserveCapacity(pendingCount)
        visitPending { id, entry in
            pending.append(
                RDBStream.Pending(
                    id: RDBStream.ID(id), consumer: places[entry.consumer] ?? 0, deliveredAt: entry.deliveredAt,
                    deliveries: UInt64(bitPattern: entry.deliveries)))
            return true
        }
        return RDBStream.Group(
            name: name.array, lastDelivered: RDBStream.ID(lastID),
            entriesRead: entriesRead == Self.unknown ? nil : entriesRead, consumers: consumers, pending: pending)
    }

    /// Nil where a consumer comes twice.
    fileprivate static func make(_ group: RDBStream.Group, in memory: Memory) -> StreamGroup? {
        let made = group.name.withBytes {
            make($0, lastID: StreamID(group.lastDelivered), entriesRead: group.entriesRead ?? unknown, in: memory)
        }
        var numbers: [Int] = []
        for consumer in group.consumers {
            let number: Int? = consumer.name.withBytes { name in
                guard made.findConsumer(name) == nil else { return nil }
                return made.makeConsumer(name, seenAt: consumer.seenAt, in: memory)
            }
            guard let number else {
                made.free(in: memory)
                return nil
            }
            numbers.append(number)
        }
        for entry in group.pending {
            made.setPending(
                StreamID(entry.id),
                Pending(
                    deliveredAt: entry.deliveredAt, deliveries: Int64(bitPattern: entry.deliveries),
                    consumer: numbers[entry.consumer]), in: memory)
        }
        return made
    }
}

extension RDBStream.ID {
    fileprivate init(_ id: StreamID) {
        self.init(id.milliseconds, id.sequence)
    }
}

extension StreamID {
    fileprivate init(_ id: RDBStream.ID) {
        self.init(id.milliseconds, id.sequence)
    }
}
