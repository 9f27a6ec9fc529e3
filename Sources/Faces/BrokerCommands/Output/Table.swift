/// Rows under a header, in aligned columns.
struct Table {
    let header: [String]
    private(set) var rows: [[String]] = []
    /// The column whose words are coloured by how good they are.
    let stateColumn: Int?

    init(_ header: String..., stateColumn: Int? = nil) {
        self.header = header
        self.stateColumn = stateColumn
    }

    mutating func add(_ cells: String...) {
        rows.append(cells.map { Self.onOneLine($0) })
    }

    /// The lines, header first, without spaces at their ends. On a terminal what does not fit in `width` is cut.
    func lines(width: Int?, hasColour: Bool) -> [String] {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.enumerated().map { number, cells in
            var line = ""
            var length = 0
            for (column, cell) in cells.enumerated() {
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
        // Spaces that pad a cell may go without a mark.
        let bare = text.prefix(max(0, width))
        return text.dropFirst(max(0, width)).allSatisfy { $0 == " " } ? String(bare) : String(bare.dropLast()) + "…"
    }

    /// A cell has no control characters: a value cannot draw on the terminal or break the table.
    static func onOneLine(_ text: String) -> String {
        String(text.map { $0.isNewline || ($0.asciiValue ?? 32) < 32 || $0.asciiValue == 127 ? " " : $0 })
    }
}
