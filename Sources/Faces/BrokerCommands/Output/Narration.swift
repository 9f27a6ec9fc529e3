import BrokerModel

/// What the verbs that change something tell a person, as lines.
enum Narration {
    static func created(_ resource: ResourceStatus, isNew: Bool) -> [String] {
        let first = isNew ? "created" : "unchanged"
        var lines = rows([[first, resource.name, facts(resource)]])
        if let detail = resource.detail { lines.append("  \(resource.state): \(detail)") }
        return lines
    }

    static func attached(_ outcome: AttachOutcome) -> [String] {
        let edge = "\(outcome.resource.name) → \(outcome.app)"
        let variables = "as " + outcome.attachment.variables.joined(separator: ", ")
        let mode = outcome.attachment.mode == "endpoint" ? "" : " (\(outcome.attachment.mode))"
        let last = [outcome.attached ? "attached" : "unchanged", edge, variables + mode, "release v\(outcome.release)"]
        let created = ["created", outcome.resource.name, facts(outcome.resource, attachment: outcome.attachment)]
        let first = outcome.created ? [created] : []
        var lines = rows(first + [last])
        if let detail = outcome.resource.detail { lines.append("  \(outcome.resource.state): \(detail)") }
        return lines
    }

    static func detached(_ outcome: DetachOutcome) -> [String] {
        let closed = outcome.closed == 1 ? "1 connection closed" : "\(outcome.closed) connections closed"
        var lines = rows([
            [
                "detached", "\(outcome.resource) → \(outcome.app)",
                outcome.removed.isEmpty ? "" : "was \(list(outcome.removed))", "release v\(outcome.release)",
            ]
        ])
        lines.append("  \(closed)")
        if let promoted = outcome.promoted { lines.append("  the usual variable is now \(promoted)'s") }
        return lines
    }

    static func destroyed(_ outcome: DestroyOutcome) -> [String] {
        rows([
            ["destroyed", outcome.resource, outcome.detached.isEmpty ? "" : "detached from \(list(outcome.detached))"]
        ])
    }

    /// `redis   emulator   redis://127.0.0.1:21000`
    private static func facts(_ resource: ResourceStatus, attachment: AttachmentStatus? = nil) -> String {
        let own = attachment?.port.map { "\(resource.class)://127.0.0.1:\($0)" }
        return "\(resource.class)   \(resource.provider)   \(own ?? resource.url)"
    }

    /// Rows of verb, subject, text and release; the first two and the last are columns.
    private static func rows(_ rows: [[String]]) -> [String] {
        let subject = rows.map { $0[1].count }.max() ?? 0
        return rows.map { row in
            var line = padded(row[0], to: 10) + padded(row[1], to: subject + 2) + row[2]
            if row.count > 3 { line = padded(line, to: releaseColumn - 3) + "   " + row[3] }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }

    private static let releaseColumn = 58

    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
