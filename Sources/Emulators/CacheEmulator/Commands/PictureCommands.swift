import RESPWire

/// LOLWUT: what Redis draws is its own; here are a version line and, for those who ask for a drawing, another drawing.
let pictureCommands: [Command] = [
    Command("lolwut", -1, [.readonly, .fast], body: Pictures.draw)
]

private enum Pictures {
    static let draw: CommandBody = { call in
        var index = 1
        var version: Int64 = 7
        if call.count > 2, call.isWord(1, "version") {
            guard let wanted = call.integer(2) else { return }
            version = wanted
            index = 3
        }
        var sizes: [Int64] = []
        // As many as the drawing has; what stands behind is not looked at.
        let most = version == 5 ? 3 : version == 6 ? 2 : 0
        while index < call.count, sizes.count < most {
            guard let size = call.integer(index) else { return }
            sizes.append(size)
            index += 1
        }

        let end = "Redis ver. \(CacheEmulator.redisVersion)\n"
        switch version {
        case 5: call.reply.verbatim(squares(sizes) + "\n" + end)
        case 6: call.reply.verbatim(skyline(sizes) + end)
        default: call.reply.verbatim(end)
        }
    }

    /// Squares in rows: columns of text, squares per row and per column, within the bounds of Redis.
    private static func squares(_ sizes: [Int64]) -> String {
        let columns = bounded(sizes, 0, 66, 1...1000)
        let (perRow, perColumn) = (bounded(sizes, 1, 8, 1...200), bounded(sizes, 2, 12, 1...200))
        let side = max(columns / perRow, 1)
        var text = ""
        for _ in 0..<perColumn {
            for row in 0..<max(side / 2, 1) {
                for column in 0..<columns { text += row == 0 || column % side == 0 ? "□" : " " }
                text += "\n"
            }
        }
        return text
    }

    /// Houses in front of the sky, without colours: columns and rows, within the bounds of Redis.
    private static func skyline(_ sizes: [Int64]) -> String {
        let (columns, rows) = (bounded(sizes, 0, 80, 1...1000), bounded(sizes, 1, 20, 1...1000))
        var text = ""
        for row in 0..<rows {
            for column in 0..<columns { text += (row + 1) * 7 > (column / 5 * 37 % 5 + 1) * rows ? "▓" : " " }
            text += "\n"
        }
        return text
    }

    private static func bounded(_ sizes: [Int64], _ place: Int, _ usual: Int, _ bounds: ClosedRange<Int64>) -> Int {
        guard place < sizes.count else { return usual }
        return Int(min(max(sizes[place], bounds.lowerBound), bounds.upperBound))
    }
}
