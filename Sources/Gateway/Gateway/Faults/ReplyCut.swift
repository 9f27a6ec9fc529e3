import RESPWire

/// The reply to a command that has run, on its way to a client who is not to have all of it. What comes unasked between
/// (pushes, messages to a subscriber) is no reply, and passes.
struct ReplyCut {
    enum Effect: Equatable {
        /// So many bytes pass; then the connection is closed.
        case cut(Int)
        /// Nothing passes; then the connection is reset.
        case reset
        /// Nothing passes, ever.
        case drop
    }

    /// A message is not longer; what is, counts as the reply.
    private static let longestKept = 64 << 10

    let effect: Effect
    let id: FaultID
    private var left: Int
    private var framer = ReplyFramer()
    /// Messages look like replies (version 2, a subscriber): a unit is kept until it is known what it is.
    private let keeps: Bool
    private var kept: [UInt8] = []
    private var isPush = false
    /// As much as may has passed, or the reply is complete.
    private(set) var isOver = false

    init(_ effect: Effect, by id: FaultID, messagesLookLikeReplies: Bool) {
        self.effect = effect
        self.id = id
        keeps = messagesLookLikeReplies
        left = if case .cut(let bytes) = effect { bytes } else { 0 }
        if effect == .cut(0) { isOver = true }
    }

    /// Takes the next bytes for the client and returns those that pass.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var passed: [UInt8] = []
        var position = 0
        while position < bytes.count {
            if framer.isAtBoundary { isPush = bytes[position] == UInt8(ascii: ">") }
            let start = position
            let step = framer.next(bytes, from: start)
            var word: PushWord?
            position = bytes.count
            if case .unit(let unit, let end) = step {
                position = end
                word = unit.word
            }
            let part = bytes[start..<position]
            if isPush {
                passed += part
                continue
            }
            guard keeps else {
                pass(part, &passed)
                continue
            }
            kept += part
            guard framer.isAtBoundary || kept.count > Self.longestKept else { continue }
            if word?.isMessage == true { passed += kept } else { pass(kept, &passed) }
            kept = []
        }
        return passed
    }

    private mutating func pass(_ part: some Collection<UInt8>, _ passed: inout [UInt8]) {
        let some = min(left, part.count)
        passed += part.prefix(some)
        left -= some
        if case .cut = effect, left == 0 { isOver = true }
    }
}
