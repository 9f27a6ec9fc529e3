import EventLoop

/// The last bytes of the stream that replicas read, in blocks: one copy for all of them, however far each has read.
///
/// Places are counted from the first byte that was ever told; a replica that has received `n` bytes goes on at place `n`.
struct ReplicationLog {
    private struct Block {
        var start: Int64
        var bytes: [UInt8]
    }

    /// The place of the oldest byte that is kept.
    private(set) var start: Int64
    /// Behind the newest byte.
    private(set) var end: Int64
    private var blocks: [Block] = []
    /// Blocks in front of this one are gone.
    private var head = 0

    private static let blockSize = 64 << 10

    init(at place: Int64) {
        start = place
        end = place
    }

    var size: Int { Int(end - start) }

    mutating func append(_ bytes: [UInt8]) {
        if head == blocks.count || blocks[blocks.count - 1].bytes.count + bytes.count > Self.blockSize {
            var block = Block(start: end, bytes: [])
            block.bytes.reserveCapacity(max(Self.blockSize, bytes.count))
            blocks.append(block)
        }
        blocks[blocks.count - 1].bytes.append(contentsOf: bytes)
        end += Int64(bytes.count)
    }

    /// Appends bytes from a place on to an output, one block's at most; returns how many.
    func copy(from place: Int64, to output: ByteOutput) -> Int {
        guard place >= start, place < end else { return 0 }
        let block = blocks[index(of: place)]
        let first = Int(place - block.start)
        let count = min(block.bytes.count - first, Self.blockSize)
        block.bytes.withUnsafeBytes { output.append(UnsafeRawBufferPointer(rebasing: $0[first..<first + count])) }
        return count
    }

    /// Frees the blocks all of whose bytes stand in front of a place.
    mutating func discard(before place: Int64) {
        while head < blocks.count, blocks[head].start + Int64(blocks[head].bytes.count) <= place {
            blocks[head].bytes = []
            head += 1
        }
        start = head < blocks.count ? blocks[head].start : end
        if head * 2 > blocks.count {
            blocks.removeFirst(head)
            head = 0
        }
    }

    /// The last block that begins at a place or in front of it.
    private func index(of place: Int64) -> Int {
        var (low, high) = (head, blocks.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if blocks[middle].start <= place { low = middle } else { high = middle }
        }
        return low
    }
}
