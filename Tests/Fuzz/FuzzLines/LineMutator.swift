/// Makes new inputs of old ones for targets whose input is text: lines of words.
///
/// libFuzzer alone changes bytes, and nearly every change of a command's bytes is an unknown command. A program calls
/// this from `LLVMFuzzerCustomMutator`; one change in four is still libFuzzer's own.
public struct LineMutator: Sendable {
    private let beginnings: [[UInt8]]
    private let words: [[UInt8]]

    /// `beginnings`: what a line may begin with; `words`: what may stand behind it.
    public init(beginnings: [String], words: [String]) {
        self.beginnings = beginnings.map { Array($0.utf8) }
        self.words = words.map { Array($0.utf8) }
    }

    /// Changes the input in `place`, which has room for `capacity` bytes, and returns its new size.
    public func mutate(_ place: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int, seed: UInt32) -> Int {
        var random = SeededRandom(seed: UInt64(seed))
        if random.below(4) == 0 { return libFuzzerMutate(place, size, capacity) }
        let input = UnsafeBufferPointer(start: place, count: size)
        var lines = input.split(separator: newline, omittingEmptySubsequences: false).map { Array($0) }
        for _ in 0...random.below(4) { change(&lines, &random) }
        let output = Array(lines.joined(separator: [newline])).prefix(capacity)
        guard !output.isEmpty else { return libFuzzerMutate(place, size, capacity) }
        for (index, byte) in output.enumerated() { place[index] = byte }
        return output.count
    }

    private func change(_ lines: inout [[UInt8]], _ random: inout SeededRandom) {
        let index = random.below(lines.count)
        switch random.below(8) {
        case 0: lines.insert(line(&random), at: index)
        case 1: lines.insert(lines[random.below(lines.count)], at: index)
        case 2: if lines.count > 1 { lines.remove(at: index) }
        case 3: lines.swapAt(index, random.below(lines.count))
        case 4: lines[index] = line(&random)
        default: lines[index] = changed(lines[index], &random)
        }
    }

    private func line(_ random: inout SeededRandom) -> [UInt8] {
        let first = beginnings[random.below(beginnings.count)]
        let rest = (0..<random.below(6)).map { _ in words[random.below(words.count)] }
        return Array(([first] + rest).joined(separator: [space]))
    }

    private func changed(_ line: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var parts = line.split(separator: space).map { Array($0) }
        guard !parts.isEmpty else { return self.line(&random) }
        let index = random.below(parts.count)
        let list = index == 0 ? beginnings : words
        switch random.below(5) {
        case 0: parts.insert(words[random.below(words.count)], at: index + 1)
        case 1: if parts.count > 1 { parts.remove(at: index) }
        case 2: parts.swapAt(index, random.below(parts.count))
        default: parts[index] = list[random.below(list.count)]
        }
        return Array(parts.joined(separator: [space]))
    }
}

private let newline = UInt8(ascii: "\n")
private let space = UInt8(ascii: " ")

/// libFuzzer's own changes of bytes.
@_silgen_name("LLVMFuzzerMutate")
private func libFuzzerMutate(_ place: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int) -> Int
