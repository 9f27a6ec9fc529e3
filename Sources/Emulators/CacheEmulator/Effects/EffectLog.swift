/// The effects that one listener has not taken yet, in the order in which they came about. Confined to the loop.
public final class EffectLog {
    /// Why a log has ended before its listener did.
    public enum Loss: Equatable, Sendable {
        /// More has waited than the log holds.
        case outgrown(limit: Int)
        /// A value could not be written down: the text says why.
        case notEncodable(String)
    }

    /// How many changes the emulator had told when the log was opened.
    public let start: Int64
    /// How many effects there were since the log was opened.
    public private(set) var position: Int64 = 0
    /// How many of them were taken.
    public private(set) var taken: Int64 = 0
    /// Set when the log has ended: what had waited is gone, and nothing comes any more.
    public private(set) var loss: Loss?
    /// Called when something comes into the empty log, and when the log is lost; within a command, so that it may only
    /// note it.
    public var wake: (() -> Void)?

    private let limit: Int
    private var segments: [CommandSegment] = []
    /// Segments in front of this one are taken.
    private var head = 0
    private var waiting = 0

    /// Where a segment is closed, in bytes.
    private static let segmentSize = 256 << 10
    /// What a segment is reckoned to take besides its bytes.
    private static let segmentCost = 64

    init(limit: Int, start: Int64) {
        self.limit = limit
        self.start = start
    }

    public var isEmpty: Bool { head == segments.count }

    /// The bytes that wait, about.
    public var size: Int { waiting }

    func append(_ bytes: [UInt8], in database: Int) {
        guard loss == nil else { return }
        let wasEmpty = isEmpty
        position += 1
        if wasEmpty || segments[segments.count - 1].database != database
            || segments[segments.count - 1].bytes.count >= Self.segmentSize
        {
            segments.append(CommandSegment(database: database))
            waiting += Self.segmentCost
        }
        segments[segments.count - 1].bytes += bytes
        segments[segments.count - 1].commands += 1
        waiting += bytes.count
        if waiting > limit { return lose(.outgrown(limit: limit)) }
        if wasEmpty { wake?() }
    }

    func lose(_ loss: Loss) {
        guard self.loss == nil else { return }
        self.loss = loss
        removeAll()
        wake?()
    }

    func removeAll() {
        segments = []
        head = 0
        waiting = 0
    }

    /// Takes the oldest effects, about `wanted` bytes of them.
    public func take(_ wanted: Int) -> [CommandSegment] {
        var size = 0
        let first = head
        while head < segments.count, size < wanted {
            size += segments[head].bytes.count + Self.segmentCost
            taken += Int64(segments[head].commands)
            head += 1
        }
        waiting -= size
        let part = Array(segments[first..<head])
        if head == segments.count {
            removeAll()
        } else if head * 2 > segments.count {
            segments.removeFirst(head)
            head = 0
        } else {
            for index in first..<head { segments[index].bytes = [] }
        }
        return part
    }
}
