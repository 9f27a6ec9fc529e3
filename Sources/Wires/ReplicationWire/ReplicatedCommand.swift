/// A command of the stream: its bytes as they came, and where in them its arguments stand.
public struct ReplicatedCommand: Equatable, Sendable {
    public var bytes: [UInt8]
    /// The name is the first; there is at least one.
    public var arguments: [Range<Int>]

    init(bytes: [UInt8], arguments: [Range<Int>]) {
        self.bytes = bytes
        self.arguments = arguments
    }

    /// The command that has these words.
    public init(_ words: [[UInt8]]) {
        bytes = []
        arguments = []
        Self.append(header: UInt8(ascii: "*"), words.count, to: &bytes)
        for word in words {
            Self.append(header: UInt8(ascii: "$"), word.count, to: &bytes)
            arguments.append(bytes.count..<bytes.count + word.count)
            bytes += word
            bytes += Self.lineEnd
        }
    }

    public init(_ words: String...) {
        self.init(words.map { Array($0.utf8) })
    }

    /// The argument at `index`; nil where there are fewer.
    public func argument(_ index: Int) -> ArraySlice<UInt8>? {
        arguments.indices.contains(index) ? bytes[arguments[index]] : nil
    }

    /// For messages: in capitals, at most 32 characters of it.
    public var nameText: String {
        String(decoding: (argument(0) ?? []).prefix(32), as: UTF8.self).uppercased()
    }

    /// The same command with other words at some places.
    func replacing(_ changes: [Int: [UInt8]]) -> ReplicatedCommand {
        ReplicatedCommand(arguments.indices.map { changes[$0] ?? Array(bytes[arguments[$0]]) })
    }

    /// Appends `*3\r\n` or `$3\r\n`.
    public static func append(header: UInt8, _ count: Int, to bytes: inout [UInt8]) {
        bytes.append(header)
        bytes += Array("\(count)".utf8)
        bytes += lineEnd
    }

    public static let lineEnd: [UInt8] = [13, 10]
}

/// The name of a command in one word, for comparisons: letters folded, nothing for names of more than eight bytes.
struct CommandName: Equatable {
    private let packed: UInt64

    init(_ text: StaticString) {
        packed = Self.pack(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    init(of command: ReplicatedCommand) {
        self.init(command.argument(0) ?? [])
    }

    init(_ word: ArraySlice<UInt8>) {
        packed = Self.pack(word)
    }

    private static func pack(_ bytes: some Collection<UInt8>) -> UInt64 {
        guard bytes.count <= 8 else { return 0 }
        return bytes.reduce(0) { word, byte in
            word << 8 | UInt64(byte &- UInt8(ascii: "a") < 26 ? byte & 0xdf : byte)
        }
    }
}
