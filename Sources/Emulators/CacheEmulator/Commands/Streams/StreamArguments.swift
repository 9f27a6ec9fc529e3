import RESPWire

/// Arguments that the commands of streams have in common.
extension Call {
    /// An argument as an id, or nil after the usual error.
    func streamID(_ index: Int) -> StreamID? {
        guard let text = StreamID.Text(arguments[index]) else {
            reply.error(ErrorText.streamID)
            return nil
        }
        return text.id
    }

    /// Arguments as ids, or nil after the usual error.
    func streamIDs(_ range: Range<Int>) -> [StreamID]? {
        var ids: [StreamID] = []
        ids.reserveCapacity(range.count)
        for index in range {
            guard let id = streamID(index) else { return nil }
            ids.append(id)
        }
        return ids
    }
}

/// Two ends of a range of ids, both in it.
struct StreamInterval {
    let first: StreamID
    let last: StreamID

    /// From arguments of the forms `id`, `(id`, `-` and `+`; nil after an error reply.
    init?(_ call: borrowing Call, from firstIndex: Int, to lastIndex: Int) {
        guard let first = Self.first(call, firstIndex) else { return nil }
        guard let (last, isOpen) = Self.end(call, lastIndex, missing: .max) else { return nil }
        guard let closed = isOpen ? last.previous : last else {
            call.reply.error(ErrorText.streamEnd)
            return nil
        }
        self.first = first
        self.last = closed
    }

    /// The first end alone.
    static func first(_ call: borrowing Call, _ index: Int) -> StreamID? {
        guard let (id, isOpen) = end(call, index, missing: 0) else { return nil }
        guard let closed = isOpen ? id.next : id else {
            call.reply.error(ErrorText.streamStart)
            return nil
        }
        return closed
    }

    private static func end(_ call: borrowing Call, _ index: Int, missing: UInt64) -> (StreamID, isOpen: Bool)? {
        let bytes = call[index]
        let isOpen = bytes.count > 1 && bytes[0] == UInt8(ascii: "(")
        let text = isOpen ? bytes.slice(1, bytes.count - 1) : bytes
        guard let parsed = StreamID.Text(text, missing: missing, allowsEnds: !isOpen) else {
            call.reply.error(ErrorText.streamID)
            return nil
        }
        return (parsed.id, isOpen)
    }
}

/// What XADD and XTRIM say about trimming, and the id of XADD.
struct StreamTrim {
    private var bound: StreamValue.Bound?
    private var isApproximate = false
    private var limit: Int64 = 0
    /// XADD makes no stream.
    private(set) var onlyIfPresent = false
    /// Nil for `*`.
    private(set) var id: StreamID.Text?
    /// Where parsing ended: at XADD's id.
    private(set) var next = 2

    /// What `~` takes out at the most where no LIMIT is given.
    private static let usualLimit = Int64(100 * StreamNode.mostEntries)

    /// Nil after an error reply.
    init?(_ call: borrowing Call, isAdding: Bool) {
        var givenLimit: Int64?
        while next < call.count {
            let hasMore = next + 1 < call.count
            let word = call[next]
            if isAdding, word.count == 1, word[0] == UInt8(ascii: "*") { break }
            if word.isWord("maxlen"), hasMore {
                guard parseBound(call, ofLength: true) else { return nil }
            } else if word.isWord("minid"), hasMore {
                guard parseBound(call, ofLength: false) else { return nil }
            } else if word.isWord("limit"), hasMore {
                guard let number = call.integer(next + 1) else { return nil }
                guard number >= 0 else {
                    call.reply.error(ErrorText.trimLimit)
                    return nil
                }
                givenLimit = number
                next += 1
            } else if isAdding, word.isWord("nomkstream") {
                onlyIfPresent = true
            } else if isAdding {
                id = StreamID.Text(word, allowsStar: true)
                if id == nil {
                    call.reply.error(ErrorText.streamID)
                    return nil
                }
                break
            } else {
                call.reply.error(ErrorText.syntax)
                return nil
            }
            next += 1
        }
        if (givenLimit ?? 0) != 0, bound == nil {
            call.reply.error(ErrorText.trimLimitAlone)
            return nil
        }
        if !isAdding, bound == nil {
            call.reply.error(ErrorText.trimWithoutBound)
            return nil
        }
        // A server hands on what it has trimmed exactly, and leaves the limit there.
        if givenLimit != nil, !isApproximate, call.client.mayWait {
            call.reply.error(ErrorText.trimLimitExact)
            return nil
        }
        if isApproximate { limit = givenLimit ?? Self.usualLimit }
    }

    /// MAXLEN or MINID with what follows; false after an error reply. Leaves `next` at the last argument.
    private mutating func parseBound(_ call: borrowing Call, ofLength: Bool) -> Bool {
        guard bound == nil else {
            call.reply.error(ErrorText.trimOptions)
            return false
        }
        isApproximate = false
        if next + 2 < call.count, call[next + 1].count == 1 {
            let sign = call[next + 1][0]
            isApproximate = sign == UInt8(ascii: "~")
            if isApproximate || sign == UInt8(ascii: "=") { next += 1 }
        }
        next += 1
        if ofLength {
            guard let length = call.integer(next) else { return false }
            guard length >= 0 else {
                call.reply.error(ErrorText.trimLength)
                return false
            }
            bound = .length(Int(length))
        } else {
            guard let id = call.streamID(next) else { return false }
            bound = .id(id)
        }
        return true
    }

    /// Trims an owned stream, where that is asked for; returns how many entries went.
    @inline(__always) func trim(_ stream: StreamValue, in memory: Memory) -> Int {
        guard let bound else { return 0 }
        return stream.trim(to: bound, byNodes: isApproximate, limit: Int(limit), in: memory)
    }
}

extension ReplyWriter {
    /// An entry: its id, its names and values.
    func entry(_ item: StreamNode.Item, of node: StreamNode) {
        array(2)
        id(item.id)
        array(item.fieldCount * 2)
        node.forEachField(of: item) { name, value in
            bulk(name)
            bulk(value)
        }
    }

    /// The entries of a range, `most` at the most.
    func entries(
        of stream: StreamValue, from first: StreamID, to last: StreamID, most: Int, reversed: Bool = false
    ) {
        var left = stream.count(from: first, to: last, most: most)
        array(left)
        guard left > 0 else { return }
        stream.visit(from: first, to: last, reversed: reversed) { node, item in
            entry(item, of: node)
            left -= 1
            return left > 0
        }
    }
}
