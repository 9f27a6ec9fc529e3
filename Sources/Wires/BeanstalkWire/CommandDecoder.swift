/// Takes the bytes of one client apart: lines into commands, and the bodies of `put`.
///
/// It keeps no bytes. A line of at most 224 bytes is left in the input until it is whole; a body passes through in
/// the parts in which it arrives. What follows a stray CR is read as 1.12 reads it, in windows of 224 bytes.
public struct CommandDecoder: Sendable {
    /// Bytes of the longest line, CR LF included.
    public static let maximumLineLength = 224

    /// Where the next byte belongs.
    private enum State {
        /// To a command line.
        case line
        /// To a line that is too long: windows of 224 bytes are thrown away until one holds the line's end.
        case longLine
        /// To a body: bytes still to come, CR LF included, and the last byte that came.
        case body(remaining: Int, last: UInt8)
        /// To a body that nobody wants.
        case unwantedBody(remaining: Int)
    }

    private var state = State.line
    private let maximumBodySize: Int

    /// `maximumBodySize` is in bytes, without CR LF; the body of a larger `put` is thrown away.
    public init(maximumBodySize: Int) {
        self.maximumBodySize = maximumBodySize
    }

    /// Takes the next message from `bytes`, beginning at `offset`, and moves `offset` behind it.
    ///
    /// Nil means that more bytes are needed; those from `offset` on are to be presented again, with more after them.
    public mutating func next(in bytes: UnsafeRawBufferPointer, from offset: inout Int) -> ClientMessage? {
        while offset < bytes.count {
            let window = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            switch state {
            case .line:
                if let length = lineLength(window) {
                    offset += length
                    return message(UnsafeRawBufferPointer(rebasing: window[..<(length - 2)]))
                }
                guard window.count >= Self.maximumLineLength else { return nil }
                offset += Self.maximumLineLength
                state = .longLine
            case .longLine:
                if let length = lineLength(window) {
                    offset += length
                    state = .line
                    return .badFormat(counted: nil)
                }
                guard window.count >= Self.maximumLineLength else { return nil }
                offset += Self.maximumLineLength
            case .body(let remaining, let last):
                let part = UnsafeRawBufferPointer(rebasing: window.prefix(remaining))
                offset += part.count
                return .body(part, progress(part, remaining: remaining, last: last))
            case .unwantedBody(let remaining):
                let gone = min(remaining, window.count)
                offset += gone
                state = .unwantedBody(remaining: remaining - gone)
                guard gone == remaining else { return nil }
                state = .line
                return .bodyDiscarded
            }
        }
        return nil
    }

    /// Throws away the body of the `put` that was just returned; `bodyDiscarded` will tell its end.
    public mutating func discardBody() {
        guard case .body(let remaining, _) = state else { return }
        state = .unwantedBody(remaining: remaining)
    }

    /// The length of the line at the front, CR LF included. Only the first CR counts: one without LF behind it hides
    /// every line end until 224 bytes have gone by.
    private func lineLength(_ window: UnsafeRawBufferPointer) -> Int? {
        let scanned = min(window.count, Self.maximumLineLength) - 1
        for index in 0..<scanned where window[index] == 0x0d {
            return window[index + 1] == 0x0a ? index + 2 : nil
        }
        return nil
    }

    private mutating func progress(_ part: UnsafeRawBufferPointer, remaining: Int, last: UInt8) -> BodyProgress {
        let newest = part[part.count - 1]
        guard part.count == remaining else {
            state = .body(remaining: remaining - part.count, last: newest)
            return .partial
        }
        state = .line
        let beforeNewest = part.count > 1 ? part[part.count - 2] : last
        return beforeNewest == 0x0d && newest == 0x0a ? .complete : .unterminated
    }

    private mutating func message(_ line: UnsafeRawBufferPointer) -> ClientMessage {
        for byte in line where byte == 0 { return .badFormat(counted: nil) }
        guard let (name, length) = CommandName.leading(line) else {
            return .unknownCommand(UnsafeRawBufferPointer(rebasing: line.prefix { $0 != 0x20 }))
        }
        let arguments = LineArguments(line, from: length)
        if name == .put { return put(arguments) }
        guard let command = Command(name, arguments) else { return .badFormat(counted: nil) }
        if case .pauseTube(let tube, _) = command, !TubeName.isValid(tube) { return .badFormat(counted: .pauseTube) }
        return .command(command)
    }

    private mutating func put(_ header: LineArguments) -> ClientMessage {
        var arguments = header
        guard let priority = arguments.number32(), let delay = arguments.number32(),
            let timeToRun = arguments.number32(), let size = arguments.number32()
        else { return .badFormat(counted: nil) }
        let bodySize = Int(size)
        if bodySize > maximumBodySize {
            state = .unwantedBody(remaining: bodySize + 2)
            return .command(.oversizedPut)
        }
        guard arguments.isAtEnd else { return .badFormat(counted: .put) }
        state = .body(remaining: bodySize + 2, last: 0)
        return .command(
            .put(PutHeader(priority: priority, delay: delay, timeToRun: timeToRun, bodySize: bodySize)))
    }
}
