import RDBWire
import RESPWire

/// Streams of entries, to be read and to be written.
extension Database {
    @inline(__always) func stream(_ entry: Entry) -> StreamValue { StreamValue(block: entry.pointer) }

    /// The stream of an entry, to be written; the entry may have moved.
    @inline(__always) func ownedStream(_ entry: inout Entry, _ hash: UInt64) -> StreamValue {
        entry = owned(entry, hash)
        let stream = StreamValue(block: entry.pointer).owned(in: memory)
        entry.pointer = stream.block
        return stream
    }

    /// A detached entry with the stream of a payload, which is `payload` decoded.
    func makeEntry(
        _ key: Bytes, stream: RDBStream, payload: UnsafeRawBufferPointer
    ) throws(RDBError) -> Entry {
        let nodes = try RDBStream.nodes(of: payload)
        let entry = makeDetached(.stream, key)
        guard self.stream(entry).fill(stream, nodes, in: memory) else {
            discard(entry)
            throw .malformed("nodes of a stream")
        }
        return entry
    }
}
