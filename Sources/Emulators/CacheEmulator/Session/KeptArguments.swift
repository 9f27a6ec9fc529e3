import RESPWire

/// The arguments of a request that outlives its place in the input, the command's name in front.
struct KeptArguments {
    /// One behind the other.
    private let bytes: [UInt8]
    /// Where each of them ends.
    private let ends: [Int]

    init(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        ends.reserveCapacity(count)
        bytes.reserveCapacity((0..<count).reduce(0) { $0 + arguments[$1].count })
        for index in 0..<count {
            bytes.append(contentsOf: arguments[index].raw)
            ends.append(bytes.count)
        }
        self.bytes = bytes
        self.ends = ends
    }

    /// The first word must not be empty.
    init(_ words: [[UInt8]]) {
        var ends: [Int] = []
        for word in words { ends.append((ends.last ?? 0) + word.count) }
        bytes = Array(words.joined())
        self.ends = ends
    }

    var words: [[UInt8]] {
        withArguments { arguments, count in (0..<count).map { arguments[$0].array } }
    }

    /// Calls `body` with the arguments; they are valid meanwhile.
    func withArguments<Result>(_ body: (UnsafeMutablePointer<Bytes>, _ count: Int) -> Result) -> Result {
        bytes.withUnsafeBytes { raw in
            withUnsafeTemporaryAllocation(of: Bytes.self, capacity: ends.count) { slots in
                // There is always one argument, the command's name, and it is not empty.
                let start = raw.baseAddress.unsafelyUnwrapped
                let arguments = slots.baseAddress.unsafelyUnwrapped
                var begin = 0
                for (index, end) in ends.enumerated() {
                    (arguments + index).initialize(to: Bytes(raw: start + begin, end - begin))
                    begin = end
                }
                return body(arguments, ends.count)
            }
        }
    }
}
