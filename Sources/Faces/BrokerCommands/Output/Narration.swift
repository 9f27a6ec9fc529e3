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

    static func swapped(_ outcome: SwapOutcome) -> [String] {
        let target = outcome.server.map { "\(outcome.to) (\($0))" } ?? outcome.to
        var lines = ["\(outcome.resource): \(outcome.from) → \(target)"]
        let pause = "pause \(milliseconds(outcome.pause)) ms"
        if outcome.cold {
            lines.append("  copy      cold: no data was copied, the target serves what it has")
            lines.append(column("cutover", "\(connections(outcome.closed)) closed at a reply boundary", pause))
        } else {
            if let copy = outcome.copy { lines += copied(copy, in: outcome.phases["copy"] ?? 0) }
            let held = outcome.held == 0 ? "" : ", \(outcome.held) held"
            lines.append(column("cutover", connections(outcome.moved) + held, "\(pause), \(outcome.closed) closed"))
            if let copy = outcome.copy {
                lines.append("  verify    \(compared(copy))")
            }
        }
        if let why = outcome.noWayBack { lines.append("  no way back that keeps what is written from now on: \(why)") }
        let apps = outcome.releases.keys.sorted()
        let keeps =
            switch apps.count {
            case 0: "no app is attached."
            case 1: "\(apps[0]) keeps its URL."
            default: "\(list(apps)) keep their URLs."
            }
        let undo = "undo: " + (outcome.undo ?? "broker swap \(outcome.resource) --to \(outcome.from)")
        let releases = apps.map { "\($0) v\(outcome.releases[$0] ?? 0)" }.joined(separator: ", ")
        lines.append("swapped. \(keeps)  \(undo)" + (apps.isEmpty ? "" : "   release \(releases)"))
        return lines
    }

    private static func connections(_ count: Int) -> String {
        count == 1 ? "1 connection" : "\(count) connections"
    }

    private static func copied(_ copy: CopyReceipt, in time: Double) -> [String] {
        let seconds = "\(Int(time) / 1000).\(String(Int(time) % 1000 / 10 + 100).dropFirst()) s"
        let keys = copy.keys == 1 ? "1 key" : "\(grouped(copy.keys)) keys"
        let writes = copy.changes == 1 ? "1 write" : "\(grouped(copy.changes)) writes"
        return [column("copy", keys, seconds), column("tail", "\(writes) while copying", "applied")]
    }

    private static func compared(_ copy: CopyReceipt) -> String {
        let count = grouped(copy.verified)
        if copy.verified == 0, copy.keys > 0 { return "not compared" }
        if copy.verified < copy.keys { return "a sample of \(count) keys, all equal (type, value, TTL)" }
        return "\(count)/\(count) keys equal (type, value, TTL)"
    }

    private static func column(_ phase: String, _ what: String, _ figure: String) -> String {
        padded("  " + phase, to: 12) + padded(what, to: 42) + "  " + figure
    }

    /// `4,212`
    private static func grouped(_ number: Int) -> String {
        let digits = Array(String(number))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
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

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }

    /// One digit after the point.
    private static func milliseconds(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
