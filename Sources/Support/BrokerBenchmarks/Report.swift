import Foundation

/// What was measured: rows with a median, a spread and, where there is one, a gate.
struct Report: Codable {
    struct Row: Codable {
        var group: String
        var name: String
        /// `ms`, `MB`, `ratio`, …
        var unit: String
        var median: Double
        var lowest: Double
        var highest: Double
        /// At most this, or it is a failure.
        var must: Double?
        var ambitious: Double?

        var verdict: String {
            guard let must else { return "" }
            if let ambitious, median <= ambitious { return "ambitious" }
            return median <= must ? "must" : "MISSED"
        }
    }

    private(set) var rows: [Row] = []

    mutating func add(
        _ group: String, _ name: String, _ unit: String, _ samples: [Double], must: Double? = nil,
        ambitious: Double? = nil
    ) {
        let sorted = samples.sorted()
        guard let lowest = sorted.first, let highest = sorted.last else { return }
        rows.append(
            Row(
                group: group, name: name, unit: unit, median: Self.median(sorted), lowest: lowest, highest: highest,
                must: must, ambitious: ambitious))
    }

    /// The middle of sorted samples.
    static func median(_ sorted: [Double]) -> Double {
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    func show() {
        var groups: [String] = []
        for row in rows where !groups.contains(row.group) { groups.append(row.group) }
        for group in groups {
            print("\n\(group)")
            for row in rows where row.group == group { show(row) }
        }
    }

    private func show(_ row: Row) {
        let spread = "\(Self.text(row.lowest))…\(Self.text(row.highest))"
        let gate = row.must.map { "gate \(Self.text(row.ambitious ?? $0)) / \(Self.text($0))" } ?? ""
        print(
            "  " + Self.padded(row.name, 34) + Self.padded("\(Self.text(row.median)) \(row.unit)", 16)
                + Self.padded(spread, 18) + Self.padded(gate, 22) + row.verdict)
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(self).write(to: URL(filePath: path))
    }

    private static func text(_ value: Double) -> String {
        value >= 100 ? String(format: "%.0f", value) : String(format: value >= 10 ? "%.1f" : "%.2f", value)
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text.count >= width ? text + " " : text + String(repeating: " ", count: width - text.count)
    }
}
