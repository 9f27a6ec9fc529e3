import EventLoop
import RESPWire

/// What reads from several streams at once: entries behind ids, and for consumers of groups new ones or their own.
let streamReadCommands: [Command] = [
    Command("xread", -4, [.readonly, .blocking, .movableKeys], .streams(from: 1), body: { StreamReads.read($0, nil) }),
    Command(
        "xreadgroup", -7, [.write, .blocking, .movableKeys], .streams(from: 4),
        body: { StreamReads.read($0, "xreadgroup") }),
]

/// The arguments of XREAD and XREADGROUP.
struct StreamRead {
    /// Entries of each stream; 0 is no limit.
    private(set) var count = 0
    /// Milliseconds to wait, 0 without end; nil where it does not wait.
    private(set) var timeout: Int64?
    /// What is delivered need not be acknowledged.
    private(set) var needsNoAcknowledgement = false
    /// Where the group's name stands, and behind it the consumer's; nil of XREAD.
    private(set) var group: Int?
    /// Where the first key stands.
    private(set) var keys = 0
    /// How many keys there are; behind the last are as many ids.
    private(set) var number = 0

    var most: Int { count == 0 ? .max : count }

    /// Nil after an error reply.
    init?(_ call: borrowing Call, ofGroup: Bool) {
        var index = 1
        while index < call.count, keys == 0 {
            let more = call.count - index - 1
            if call.isWord(index, "block"), more > 0 {
                guard !call.isOfScript else {
                    call.reply.error(ErrorText.blockInScript(call[0]))
                    return nil
                }
                guard let timeout = call.waitTime(milliseconds: index + 1) else { return nil }
                self.timeout = timeout
                index += 1
            } else if call.isWord(index, "count"), more > 0 {
                guard let count = call.integer(index + 1) else { return nil }
                self.count = Int(max(count, 0))
                index += 1
            } else if call.isWord(index, "streams"), more > 0 {
                guard more % 2 == 0 else {
                    call.reply.error(ErrorText.unbalancedStreams)
                    return nil
                }
                keys = index + 1
                number = more / 2
            } else if call.isWord(index, "group"), more > 1 {
                guard ofGroup else {
                    call.reply.error(ErrorText.groupOfRead)
                    return nil
                }
                group = index + 1
                index += 2
            } else if call.isWord(index, "noack") {
                guard ofGroup else {
                    call.reply.error(ErrorText.noAckOfRead)
                    return nil
                }
                needsNoAcknowledgement = true
            } else {
                call.reply.error(ErrorText.syntax)
                return nil
            }
            index += 1
        }
        guard keys > 0 else {
            call.reply.error(ErrorText.syntax)
            return nil
        }
        guard !ofGroup || group != nil else {
            call.reply.error(ErrorText.readWithoutGroup)
            return nil
        }
    }
}

private enum StreamReads {
    static func read(_ call: borrowing Call, _ groupCommand: StaticString?) {
        guard let read = StreamRead(call, ofGroup: groupCommand != nil), var ids = ids(read, call) else { return }
        call.tellNothing()
        if serve(read, &ids, call) { return }
        guard let timeout = read.timeout, call.mayWait else { return call.reply.nullArray() }

        // Whoever waits elsewhere, or later, means the same entries.
        var words: [[UInt8]]?
        if read.group == nil {
            words = (0..<call.count).map { call[$0].array }
            for index in 0..<read.number { words?[read.keys + read.number + index] = ids[index].array }
        }
        call.wait(
            for: read.keys..<read.keys + read.number, .stream, milliseconds: timeout, words: words,
            noticesLoss: read.group != nil
        ) { [ids] call, key in serve(read, ids, key, call) }
    }

    /// Serves a client that has waited with one of its keys.
    private static func serve(
        _ read: StreamRead, _ ids: [StreamID], _ key: AwaitedKey, _ call: borrowing Call
    ) -> Bool {
        guard let entry = key.entry else {
            call.reply.error(ErrorText.streamGone)
            return true
        }
        // Of a key that comes twice the first id counts.
        guard let index = (0..<read.number).first(where: { call[read.keys + $0] == key.name }) else { return false }
        let stream = call.database.stream(entry)
        var id = ids[index]
        if let group = read.group {
            guard let place = stream.indexOfGroup(call[group]) else {
                call.reply.error(ErrorText.groupGone)
                return true
            }
            id = stream.group(place).lastID
        }
        // As in Redis the last id counts, though its entry may be gone again: then there is nothing in the reply.
        guard stream.lastID > id else { return false }
        writeCount(1, call)
        if !call.reply.isVersion3 { call.reply.array(2) }
        call.reply.bulk(key.name)
        if read.group == nil {
            call.reply.entries(of: stream, from: id.next ?? .zero, to: .largest, most: read.most)
        } else {
            StreamDelivery(read, call, key.name, key.hash, entry).run(nil)
        }
        return true
    }

    /// Behind which ids the streams are read: `.largest` for what no consumer of the group has got yet. Nil after an error
    /// reply.
    private static func ids(_ read: StreamRead, _ call: borrowing Call) -> [StreamID]? {
        var ids: [StreamID] = []
        for index in 0..<read.number {
            let (key, text) = (call[read.keys + index], call[read.keys + read.number + index])
            let entry = call.find(key)
            guard call.accepts(entry, .stream) else { return nil }
            if let group = read.group {
                guard let entry, call.database.stream(entry).indexOfGroup(call[group]) != nil else {
                    call.reply.error(ErrorText.noGroup(key, call[group], " in XREADGROUP with GROUP option"))
                    return nil
                }
            }
            if text == Bytes("$") {
                guard read.group == nil else {
                    call.reply.error(ErrorText.lastOfGroup)
                    return nil
                }
                ids.append(entry.map { call.database.stream($0).lastID } ?? .zero)
            } else if text == Bytes(">") {
                guard read.group != nil else {
                    call.reply.error(ErrorText.newOfRead)
                    return nil
                }
                ids.append(.largest)
            } else {
                guard let id = call.streamID(read.keys + read.number + index) else { return nil }
                ids.append(id)
            }
        }
        return ids
    }

    /// Replies with what there is; false, without a reply, when there is nothing.
    private static func serve(_ read: StreamRead, _ ids: inout [StreamID], _ call: borrowing Call) -> Bool {
        let output = call.client.connection.output
        let before = output.count
        var header = 0
        var served = 0
        for index in 0..<read.number {
            let key = call[read.keys + index]
            let hash = call.database.hash(key)
            // Redis looks it up again, as a read.
            guard let entry = call.find(key), entry.type == .stream else { continue }
            let stream = call.database.stream(entry)
            var isHistory = false
            if let group = read.group {
                guard let place = stream.indexOfGroup(call[group]) else { continue }
                isHistory = ids[index] != .largest
                if !isHistory {
                    guard stream.length > 0, let top = stream.edge(true), top > stream.group(place).lastID else {
                        continue
                    }
                }
            } else {
                guard stream.length > 0, let top = stream.edge(true), top > ids[index] else { continue }
            }
            if served == 0 {
                writeCount(read.number, call)
                header = output.count - before
            }
            served += 1
            if !call.reply.isVersion3 { call.reply.array(2) }
            call.reply.bulk(key)
            if read.group == nil {
                call.reply.entries(of: stream, from: ids[index].next ?? .zero, to: .largest, most: read.most)
            } else {
                StreamDelivery(read, call, key, hash, entry).run(isHistory ? ids[index] : nil)
            }
        }
        guard served > 0 else { return false }
        if served < read.number, !call.hasOverflowed {
            // The number of streams stands in front of what they have.
            let body = Array(output.readable[(before + header)...])
            output.truncate(to: before)
            writeCount(served, call)
            body.withUnsafeBytes { output.append($0) }
        }
        return true
    }

    private static func writeCount(_ count: Int, _ call: borrowing Call) {
        if call.reply.isVersion3 { call.reply.map(count) } else { call.reply.array(count) }
    }
}
