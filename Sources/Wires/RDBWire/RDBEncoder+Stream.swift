extension RDBEncoder {
    mutating func encodeStream(_ stream: RDBStream) throws(RDBError) {
        var nodes: [(key: RDBStream.ID, bytes: [UInt8])] = []
        var node: StreamNodeBuilder?
        for entry in stream.entries {
            let size = entry.fields.reduce(0) { $0 + $1.name.count + $1.value.count }
            guard fitsListpack(entry.fields.count * 2, bytes: size) else {
                throw .notEncodable("entry of a stream above 1 GiB")
            }
            if let full = node, !full.admits(size, thresholds) {
                nodes.append((full.master, full.finish()))
                node = nil
            }
            var open = node ?? StreamNodeBuilder(first: entry)
            node = nil
            open.append(entry)
            node = open
        }
        if let node { nodes.append((node.master, node.finish())) }

        begin(.streamListpacks2)
        append(length: nodes.count)
        for node in nodes {
            append(length: 16)
            append(raw: node.key)
            append(node.bytes)
        }
        append(length: stream.entries.count)
        append(stream.lastID)
        append(stream.firstID)
        append(stream.maxDeletedID)
        append(length: stream.entriesAdded)
        append(length: stream.groups.count)
        for group in stream.groups.inOrder(\.name) { try append(group) }
    }

    private mutating func append(_ group: RDBStream.Group) throws(RDBError) {
        append(group.name)
        append(group.lastDelivered)
        append(length: UInt64(bitPattern: group.entriesRead ?? -1))
        append(length: group.pending.count)
        var idsByConsumer = [[RDBStream.ID]](repeating: [], count: group.consumers.count)
        for pending in group.pending {
            guard idsByConsumer.indices.contains(pending.consumer) else {
                throw .notEncodable("pending entry without a consumer")
            }
            idsByConsumer[pending.consumer].append(pending.id)
            append(raw: pending.id)
            append(littleEndian: pending.deliveredAt)
            append(length: pending.deliveries)
        }
        append(length: group.consumers.count)
        for (consumer, ids) in Array(zip(group.consumers, idsByConsumer)).inOrder(\.0.name) {
            append(consumer.name)
            append(littleEndian: consumer.seenAt)
            append(length: ids.count)
            for id in ids { append(raw: id) }
        }
    }

    /// As two lengths.
    private mutating func append(_ id: RDBStream.ID) {
        append(length: id.milliseconds)
        append(length: id.sequence)
    }

    /// As 16 bytes in whose order ids are ordered.
    private mutating func append(raw id: RDBStream.ID) {
        append(bigEndian: id.milliseconds)
        append(bigEndian: id.sequence)
    }
}

extension Array {
    /// Sorted by a name, as Redis keeps its trees.
    fileprivate func inOrder(_ name: (Element) -> [UInt8]) -> [Element] {
        sorted { name($0).isBefore(name($1)) }
    }
}
