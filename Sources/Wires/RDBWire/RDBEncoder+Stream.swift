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
        for node in nodes { append(node.key, node.bytes) }
        try appendRest(of: stream, length: stream.entries.count)
    }

    /// The payload of a stream whose entries are in these nodes, `length` that are not deleted, and not in `stream`.
    public mutating func encode(
        _ stream: RDBStream, in nodes: [RDBStream.Node], length: Int
    ) throws(RDBError) -> [UInt8] {
        begin(.streamListpacks2)
        append(length: nodes.count)
        for node in nodes { append(node.master, node.listpack) }
        try appendRest(of: stream, length: length)
        return finish()
    }

    private mutating func append(_ master: RDBStream.ID, _ listpack: [UInt8]) {
        append(length: 16)
        append(raw: master)
        append(listpack)
    }

    private mutating func appendRest(of stream: RDBStream, length: Int) throws(RDBError) {
        append(length: length)
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
