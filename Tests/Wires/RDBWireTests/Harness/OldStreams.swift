import RDBWire

/// Writes streams as other versions than Redis 7.0 do.
enum OldStreams {
    /// One node from an id on, with entries some of which are deleted.
    struct Node {
        var master: RDBStream.ID
        var names: [[UInt8]]
        var entries: [(entry: RDBStream.Entry, isDeleted: Bool)]

        var bytes: [UInt8] {
            let deleted = entries.filter(\.isDeleted).count
            var builder = ListpackBuilder()
            builder.append(Int64(entries.count - deleted))
            builder.append(Int64(deleted))
            builder.append(Int64(names.count))
            for name in names { builder.append(name) }
            builder.append(0)
            for (entry, isDeleted) in entries {
                let isSame = entry.fields.map(\.name) == names
                builder.append((isDeleted ? 1 : 0) + (isSame ? 2 : 0))
                builder.append(Int64(entry.id.milliseconds) - Int64(master.milliseconds))
                builder.append(Int64(entry.id.sequence) - Int64(master.sequence))
                if !isSame { builder.append(Int64(entry.fields.count)) }
                for field in entry.fields {
                    if !isSame { builder.append(field.name) }
                    builder.append(field.value)
                }
                builder.append(Int64(isSame ? 3 + names.count : 4 + 2 * entry.fields.count))
            }
            return builder.finish()
        }
    }

    /// Of type 15 without, of type 21 with the time of a consumer's last activity.
    static func payload(_ type: RDBType, _ nodes: [Node], _ stream: RDBStream) -> [UInt8] {
        typealias Old = OldEncodings
        var body = Old.length(nodes.count)
        for node in nodes { body += Old.rawString(raw(node.master)) + Old.string(node.bytes) }
        body += Old.length(stream.entries.count) + id(stream.lastID)
        if type != .streamListpacks {
            body += id(stream.firstID) + id(stream.maxDeletedID) + Old.wideLength(stream.entriesAdded)
        }
        body += Old.length(stream.groups.count)
        for group in stream.groups {
            body += Old.string(group.name) + id(group.lastDelivered)
            if type != .streamListpacks { body += Old.wideLength(UInt64(bitPattern: group.entriesRead ?? -1)) }
            body += Old.length(group.pending.count)
            for pending in group.pending {
                body += raw(pending.id) + Old.little(pending.deliveredAt) + Old.wideLength(pending.deliveries)
            }
            body += Old.length(group.consumers.count)
            for (index, consumer) in group.consumers.enumerated() {
                body += Old.string(consumer.name) + Old.little(consumer.seenAt)
                if type == .streamListpacks3 { body += Old.little(consumer.activeAt ?? -1) }
                let own = group.pending.filter { $0.consumer == index }
                body += Old.length(own.count) + own.flatMap { raw($0.id) }
            }
        }
        return Old.payload(type, body)
    }

    private static func id(_ id: RDBStream.ID) -> [UInt8] {
        OldEncodings.wideLength(id.milliseconds) + OldEncodings.wideLength(id.sequence)
    }

    private static func raw(_ id: RDBStream.ID) -> [UInt8] {
        OldEncodings.big(id.milliseconds) + OldEncodings.big(id.sequence)
    }

    /// A stream with two nodes, deleted entries, groups and pending entries, and its nodes.
    static func sample(lastDelivered: RDBStream.ID? = nil) -> (nodes: [Node], stream: RDBStream) {
        func entry(_ time: UInt64, _ sequence: UInt64, _ words: [String]) -> RDBStream.Entry {
            RDBStream.Entry(
                id: RDBStream.ID(time, sequence),
                fields: stride(from: 0, to: words.count, by: 2).map {
                    RDBField(name: words[$0].bytes, value: words[$0 + 1].bytes)
                })
        }
        let first = Node(
            master: RDBStream.ID(1000, 5), names: ["a", "b"].map(\.bytes),
            entries: [
                (entry(1000, 5, ["a", "1", "b", "two"]), true),
                (entry(1000, 6, ["a", "-7000", "b", ""]), false),
                (entry(1001, 0, ["c", String(repeating: "long ", count: 20)]), false),
                (entry(1002, 0, ["c", "3", "d", "4"]), true),
            ])
        let second = Node(
            master: RDBStream.ID(2_000_000, 0), names: ["x".bytes],
            entries: [(entry(2_000_000, 0, ["x", "1"]), false), (entry(2_000_001, 9, ["x", "99999999999"]), false)])
        let entries = (first.entries + second.entries).filter { !$0.isDeleted }.map(\.entry)
        var stream = RDBStream(entries: entries, lastID: RDBStream.ID(2_000_001, 9), entriesAdded: 4)
        let pending = [(RDBStream.ID(1000, 5), 1), (RDBStream.ID(1000, 6), 0), (RDBStream.ID(1001, 0), 1)].map {
            RDBStream.Pending(id: $0, consumer: $1, deliveredAt: 1_700_000_000_000, deliveries: 3)
        }
        stream.groups = [
            RDBStream.Group(
                name: "readers".bytes, lastDelivered: lastDelivered ?? RDBStream.ID(1001, 0), entriesRead: nil,
                consumers: [
                    RDBStream.Consumer(name: "one".bytes, seenAt: 1_700_000_000_001),
                    RDBStream.Consumer(name: "two".bytes, seenAt: 1_700_000_000_002),
                ], pending: pending),
            RDBStream.Group(name: "sleepers".bytes, lastDelivered: .zero, entriesRead: 0),
        ]
        return ([first, second], stream)
    }
}
