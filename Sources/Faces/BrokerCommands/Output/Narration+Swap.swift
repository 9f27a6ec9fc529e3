import BrokerModel

/// What a swap has done, or would do, as lines.
extension Narration {
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
            if let stall = outcome.stall {
                let clients = stall.clients == 1 ? "1 client waited" : "\(grouped(stall.clients)) clients waited"
                let figures = [stall.p50, stall.p99, stall.max].map(milliseconds).joined(separator: " / ")
                lines.append(column("stall", clients, "p50/p99/max \(figures) ms"))
            }
            if let copy = outcome.copy {
                lines.append("  verify    \(compared(copy))")
            }
        }
        if let why = outcome.noWayBack { lines.append("  no way back that keeps what is written from now on: \(why)") }
        if let left = outcome.leftBehind { lines.append("  settings  not carried along: \(left)") }
        let fenced = outcome.fenced ?? []
        for name in fenced { lines.append("  fenced    \(name): shut out; a restart of the app takes the new URL") }
        let apps = outcome.releases.keys.sorted()
        let keeping = apps.filter { app in !fenced.contains { $0.hasPrefix("\(app) as ") } }
        let keeps =
            switch keeping.count {
            case 0: apps.isEmpty ? "no app is attached." : "restart \(list(apps))."
            case 1: "\(keeping[0]) keeps its URL."
            default: "\(list(keeping)) keep their URLs."
            }
        let undo = "undo: " + (outcome.undo ?? "broker swap \(outcome.resource) --to \(outcome.from)")
        let releases = apps.map { "\($0) v\(outcome.releases[$0] ?? 0)" }.joined(separator: ", ")
        lines.append("swapped. \(keeps)  \(undo)" + (apps.isEmpty ? "" : "   release \(releases)"))
        return lines
    }

    /// How far a swap is: `copying 45,000 of 100,000 keys, 66,000/s, 1 s left`.
    static func progress(_ swap: ResourceStatus.Swap) -> String {
        guard let done = swap.done, let total = swap.total else { return "\(swap.phase) connections" }
        var text = "\(swap.phase) \(grouped(done)) of \(keys(total))"
        if let rate = swap.perSecond, rate > 0 { text += ", \(grouped(rate))/s" }
        if let left = swap.secondsLeft { text += ", \(Int(left.rounded(.up))) s left" }
        return text
    }

    /// What a swap would do, and what stands against it.
    static func planned(_ plan: SwapPlanDocument) -> [String] {
        let target = plan.server.map { "\(plan.to) (\($0))" } ?? plan.to
        var lines = ["\(plan.resource): \(plan.from) → \(target)"]
        let about = plan.isEstimated ? "about " : ""
        let time = plan.seconds.map { "about \(milliseconds($0)) s" } ?? ""
        let size = "\(keys(plan.keys)), \(about)\(megabytes(plan.bytes)) MB"
        switch plan.data {
        case "cold": lines.append("  data      cold: none is copied, the target serves what it has")
        case "adopt": lines.append("  data      none is copied, the target's own is used: \(keys(plan.targetKeys))")
        case "overwrite":
            lines.append(column("data", size, time))
            lines.append("  target    has \(keys(plan.targetKeys)), which are removed first")
        default: lines.append(column("data", size, time))
        }
        for share in plan.types where plan.data != "cold" && plan.data != "adopt" {
            lines.append(column("", "\(share.type)  \(about)\(keys(share.keys))", "\(megabytes(share.bytes)) MB"))
        }
        if plan.byKey == true {
            lines.append(
                "  method    key by key: the source hands its changes to nobody; what the apps change is read again")
            if plan.othersUnknown == true {
                lines.append("            writes of others are not seen; the source does not tell who is connected")
            }
            if let first = plan.strangers.first {
                let more = plan.strangers.count == 1 ? "" : " and \(plan.strangers.count - 1) more"
                lines.append("            writes of others are not seen: \(first)\(more)")
            }
        }
        let clients = plan.clients.values.reduce(0, +)
        let pause = plan.data == "cold" ? "they are closed" : "they wait \(plan.maxPause) ms at the most"
        lines.append(column("clients", connections(clients), pause))
        for (state, fate) in fates where plan.data != "cold" {
            if let count = plan.clients[state] { lines.append("            \(count) \(state): \(fate)") }
        }
        if plan.data != "cold", !plan.isTargetKnown {
            lines.append("  commands  compared with what the apps have used once the target runs")
        }
        for problem in plan.problems {
            lines.append("  against   \(problem.what)")
            lines.append("            \(problem.why)")
            if let fix = problem.fix { lines.append("            fix: \(fix)") }
        }
        lines.append(plan.problems.isEmpty ? "nothing was changed; nothing stands against it." : "nothing was changed.")
        return lines
    }

    /// What a move does to a client in each state.
    private static let fates = [
        ("blocked", "asked again at the target, with the time that is left"),
        ("in a transaction", "what is queued is queued at the target"),
        ("watching", "EXEC answers nil, as after a conflict"),
        ("subscribed", "subscribed at the target before anything is published there"),
    ]

    private static func keys(_ count: Int) -> String { count == 1 ? "1 key" : "\(grouped(count)) keys" }

    /// One digit after the point.
    private static func megabytes(_ bytes: Int) -> String { milliseconds(Double(bytes) / 1_000_000) }

    private static func connections(_ count: Int) -> String {
        count == 1 ? "1 connection" : "\(count) connections"
    }

    private static func copied(_ copy: CopyReceipt, in time: Double) -> [String] {
        let seconds = "\(Int(time) / 1000).\(String(Int(time) % 1000 / 10 + 100).dropFirst()) s"
        if copy.byKey == true {
            let again = "\(keys(copy.changes)) changed while copying"
            return [column("copy", "\(keys(copy.keys)), key by key", seconds), column("tail", again, "read again")]
        }
        let writes = copy.changes == 1 ? "1 write" : "\(grouped(copy.changes)) writes"
        return [column("copy", keys(copy.keys), seconds), column("tail", "\(writes) while copying", "applied")]
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

    /// One digit after the point.
    private static func milliseconds(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
