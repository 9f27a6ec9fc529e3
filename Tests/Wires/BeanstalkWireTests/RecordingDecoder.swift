import BeanstalkWire

/// Feeds bytes to a decoder as a connection would, and remembers the messages as text.
///
/// The parts of a body are put together, so that the record does not depend on where the bytes were cut.
struct RecordingDecoder {
    private var decoder: CommandDecoder
    private var pending: [UInt8] = []
    private var body: [UInt8] = []
    private(set) var messages: [String] = []
    /// Bytes that the decoder left to be presented again.
    var leftOver: Int { pending.count }

    init(maximumBodySize: Int = 20) {
        decoder = CommandDecoder(maximumBodySize: maximumBodySize)
    }

    /// The record of `bytes`, cut at the given places.
    static func record(_ bytes: [UInt8], cutAt cuts: [Int], maximumBodySize: Int = 20) -> [String] {
        var recorder = RecordingDecoder(maximumBodySize: maximumBodySize)
        var start = 0
        for cut in cuts + [bytes.count] {
            recorder.feed(Array(bytes[start..<cut]))
            start = cut
        }
        return recorder.messages
    }

    mutating func feed(_ bytes: [UInt8]) {
        pending += bytes
        let input = pending
        let used = input.withUnsafeBytes { buffer in
            var offset = 0
            while let message = decoder.next(in: buffer, from: &offset) { note(message) }
            return offset
        }
        pending.removeFirst(used)
    }

    private mutating func note(_ message: ClientMessage) {
        switch message {
        case .command(let command): messages.append(Self.text(command))
        case .body(let part, let progress):
            body += Array(part)
            guard progress != .partial else { return }
            messages.append("body \(String(decoding: body, as: UTF8.self).debugDescription) \(progress)")
            body = []
        case .bodyDiscarded: messages.append("body discarded")
        case .badFormat(let counted): messages.append("bad format" + (counted.map { ", \($0) counted" } ?? ""))
        case .unknownCommand(let word): messages.append("unknown '\(String(decoding: word, as: UTF8.self))'")
        }
    }

    static func text(_ command: Command) -> String {
        switch command {
        case .put(let put): "put \(put.priority) \(put.delay) \(put.timeToRun) \(put.bodySize)"
        case .oversizedPut: "oversized put"
        case .use(let tube), .watch(let tube), .ignore(let tube), .statsTube(let tube):
            "\(command.name) '\(String(decoding: tube, as: UTF8.self))'"
        case .reserveWithTimeout(let seconds): "reserveWithTimeout \(seconds)"
        case .reserveJob(let id), .delete(let id), .touch(let id), .peek(let id), .kickJob(let id), .statsJob(let id):
            "\(command.name) \(id)"
        case .release(let id, let priority, let delay): "release \(id) \(priority) \(delay)"
        case .bury(let id, let priority): "bury \(id) \(priority)"
        case .kick(let bound): "kick \(bound)"
        case .pauseTube(let tube, let seconds): "pauseTube '\(String(decoding: tube, as: UTF8.self))' \(seconds)"
        case .reserve, .peekReady, .peekDelayed, .peekBuried, .stats, .listTubes, .listTubeUsed, .listTubesWatched,
            .quit:
            "\(command.name)"
        }
    }
}
