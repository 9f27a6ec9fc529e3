/// Splits an inline request into arguments: white space separates; "…" knows \n \r \t \b \a \xHH \\ \", '…' knows \'.
package struct InlineSplitter {
    package enum Piece {
        /// A run of the line itself.
        case argument(Bytes)
        /// One that had quotes.
        case built([UInt8])
        case end
        case unbalanced
    }

    private let line: Bytes
    private var position = 0

    package init(_ line: Bytes) {
        self.line = line
    }

    package mutating func next() -> Piece {
        while position < line.count, isSpace(line[position]) { position += 1 }
        guard position < line.count else { return .end }
        let begin = position
        while position < line.count, !isSpace(line[position]) {
            if line[position] == UInt8(ascii: "\"") || line[position] == UInt8(ascii: "'") {
                position = begin
                return quoted()
            }
            position += 1
        }
        return .argument(line.slice(begin, position - begin))
    }

    private mutating func quoted() -> Piece {
        var built: [UInt8] = []
        while position < line.count, !isSpace(line[position]) {
            let byte = line[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): guard readDouble(into: &built) else { return .unbalanced }
            case UInt8(ascii: "'"): guard readSingle(into: &built) else { return .unbalanced }
            default: built.append(byte)
            }
        }
        return .built(built)
    }

    /// After the opening quote; false when it is not closed, or something follows the closing one.
    private mutating func readDouble(into built: inout [UInt8]) -> Bool {
        while position < line.count {
            let byte = line[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return atBoundary }
            guard byte == UInt8(ascii: "\\"), position < line.count else {
                built.append(byte)
                continue
            }
            let escape = line[position]
            position += 1
            switch escape {
            case UInt8(ascii: "n"): built.append(10)
            case UInt8(ascii: "r"): built.append(13)
            case UInt8(ascii: "t"): built.append(9)
            case UInt8(ascii: "b"): built.append(8)
            case UInt8(ascii: "a"): built.append(7)
            case UInt8(ascii: "x"):
                if position + 1 < line.count, let high = hex(line[position]), let low = hex(line[position + 1]) {
                    built.append(high << 4 | low)
                    position += 2
                } else {
                    built.append(escape)
                }
            default: built.append(escape)
            }
        }
        return false
    }

    private mutating func readSingle(into built: inout [UInt8]) -> Bool {
        while position < line.count {
            let byte = line[position]
            position += 1
            if byte == UInt8(ascii: "'") { return atBoundary }
            if byte == UInt8(ascii: "\\"), position < line.count, line[position] == UInt8(ascii: "'") {
                built.append(UInt8(ascii: "'"))
                position += 1
            } else {
                built.append(byte)
            }
        }
        return false
    }

    private var atBoundary: Bool { position == line.count || isSpace(line[position]) }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (byte >= 9 && byte <= 13) || byte == 0 }

    private func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
