/// Rows under a header, in aligned columns.
struct Table {
    let header: [String]
    private(set) var rows: [[String]] = []
    /// The column whose words are coloured by how good they are.
    let stateColumn: Int?
    /// The columns that are made narrower where a terminal is, the widest of them first.
    private let yielding: [Int]
    /// How wide some of those stay at least.
    private let keeping: [Int: Int]
    private static let narrowest = 8

    init(_ header: String..., stateColumn: Int? = nil, yielding: [Int] = [], keeping: [Int: Int] = [:]) {
        self.header = header
        self.stateColumn = stateColumn
        self.yielding = yielding
        self.keeping = keeping
    }

    mutating func add(_ cells: String...) {
        rows.append(cells.map { Self.onOneLine($0) })
    }

    /// The lines, header first, without spaces at their ends. On a terminal of `width` columns that give way are made
    /// narrower, and what does not fit even then is cut.
    func lines(width: Int?, hasColour: Bool) -> [String] {
        let all = [header] + rows
        let widths = widths(all, within: width)
        return all.enumerated().map { number, cells in
            var line = ""
            var length = 0
            for (column, whole) in cells.enumerated() {
                let cell = Self.shortened(whole, to: widths[column])
                let isLast = column == cells.count - 1
                var text = isLast ? cell : cell + String(repeating: " ", count: widths[column] + 2 - cell.count)
                if let width { text = Self.cut(text, to: max(0, width - length)) }
                length += text.count
                line += hasColour ? coloured(text, row: number, column: column) : text
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }

    private func widths(_ all: [[String]], within width: Int?) -> [Int] {
        var widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        guard let width else { return widths }
        let excess = widths.reduce(0) { $0 + $1 + 2 } - 2 - width
        guard excess > 0 else { return widths }
        for _ in 0..<excess {
            let wide = yielding.filter { widths[$0] > max(header[$0].count, keeping[$0] ?? Self.narrowest) }
            guard let widest = wide.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
        }
        return widths
    }

    /// The cell in `width` columns: a path loses its middle, since both ends tell it apart, everything else its end.
    static func shortened(_ cell: String, to width: Int) -> String {
        guard cell.count > width else { return cell }
        guard cell.contains("/"), !cell.contains(" ") else { return cut(cell, to: width) }
        let tail = (width - 1) * 2 / 3
        return cell.prefix(width - 1 - tail) + "…" + cell.suffix(tail)
    }

    private func coloured(_ text: String, row: Int, column: Int) -> String {
        if row == 0 { return Colour.bold.around(text) }
        guard column == stateColumn else { return text }
        switch text.prefix(while: { $0 != " " }) {
        case "ready": return Colour.green.around(text)
        case "failed", "port-taken": return Colour.red.around(text)
        default: return Colour.yellow.around(text)
        }
    }

    private static func cut(_ text: String, to width: Int) -> String {
        guard text.count > width else { return String(text) }
        guard width > 0 else { return "" }
        // Spaces that pad a cell may go without a mark.
        let bare = text.prefix(max(0, width))
        return text.dropFirst(max(0, width)).allSatisfy { $0 == " " } ? String(bare) : String(bare.dropLast()) + "…"
    }

    /// A cell has no control characters: a value cannot draw on the terminal or break the table.
    static func onOneLine(_ text: String) -> String {
        String(text.map { $0.isNewline || ($0.asciiValue ?? 32) < 32 || $0.asciiValue == 127 ? " " : $0 })
    }
}
