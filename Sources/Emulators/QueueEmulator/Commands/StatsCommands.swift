import BeanstalkWire

/// Statistics, with the keys of 1.12 in its order.
extension QueueSession {
    func statsJob(_ id: UInt64) {
        guard let job = engine.jobs[id] else { return replies.reply(.notFound) }
        let now = engine.now
        let isTimed = job.state == .reserved || job.state == .delayed
        var document = YAMLDocument()
        document.entry("id", job.id)
        job.tube.withName { document.entry("tube", name: $0) }
        document.entry("state", job.state.name)
        document.entry("pri", job.priority)
        document.entry("age", seconds(from: job.createdAt, to: now))
        document.entry("delay", job.delay)
        document.entry("ttr", job.timeToRun)
        document.entry("time-left", isTimed ? seconds(from: now, to: job.deadline) : 0)
        document.entry("file", 0)
        document.entry("reserves", job.reserves)
        document.entry("timeouts", job.timeouts)
        document.entry("releases", job.releases)
        document.entry("buries", job.buries)
        document.entry("kicks", job.kicks)
        replies.ok(document)
    }

    func statsTube(_ name: UnsafeRawBufferPointer) {
        guard let tube = engine.tubes.find(name) else { return replies.reply(.notFound) }
        var document = YAMLDocument()
        document.entry("name", name: name)
        document.entry("current-jobs-urgent", tube.urgent)
        document.entry("current-jobs-ready", tube.ready.count)
        document.entry("current-jobs-reserved", tube.reserved)
        document.entry("current-jobs-delayed", tube.delayed.count)
        document.entry("current-jobs-buried", tube.buried.count)
        document.entry("total-jobs", tube.totalJobs)
        document.entry("current-using", tube.using)
        document.entry("current-watching", tube.watching)
        document.entry("current-waiting", tube.waiting.count)
        document.entry("cmd-delete", tube.deletes)
        document.entry("cmd-pause-tube", tube.pauses)
        document.entry("pause", tube.pause / QueueEngine.second)
        document.entry("pause-time-left", tube.isPaused ? seconds(from: engine.now, to: tube.pausedUntil) : 0)
        replies.ok(document)
    }

    func stats() {
        var document = YAMLDocument()
        addJobs(to: &document)
        addCommands(to: &document)
        addConnections(to: &document)
        addProcess(to: &document)
        replies.ok(document)
    }

    private func addJobs(to document: inout YAMLDocument) {
        let totals = engine.totals
        document.entry("current-jobs-urgent", totals.urgent)
        document.entry("current-jobs-ready", totals.ready)
        document.entry("current-jobs-reserved", totals.reserved)
        document.entry("current-jobs-delayed", totals.delayed)
        document.entry("current-jobs-buried", totals.buried)
    }

    private func addCommands(to document: inout YAMLDocument) {
        let counts = emulator.commandCounts
        document.entry("cmd-put", counts[.put])
        document.entry("cmd-peek", counts[.peek])
        document.entry("cmd-peek-ready", counts[.peekReady])
        document.entry("cmd-peek-delayed", counts[.peekDelayed])
        document.entry("cmd-peek-buried", counts[.peekBuried])
        document.entry("cmd-reserve", counts[.reserve])
        document.entry("cmd-reserve-with-timeout", counts[.reserveWithTimeout])
        document.entry("cmd-delete", counts[.delete])
        document.entry("cmd-release", counts[.release])
        document.entry("cmd-use", counts[.use])
        document.entry("cmd-watch", counts[.watch])
        document.entry("cmd-ignore", counts[.ignore])
        document.entry("cmd-bury", counts[.bury])
        document.entry("cmd-kick", counts[.kick])
        document.entry("cmd-touch", counts[.touch])
        document.entry("cmd-stats", counts[.stats])
        document.entry("cmd-stats-job", counts[.statsJob])
        document.entry("cmd-stats-tube", counts[.statsTube])
        document.entry("cmd-list-tubes", counts[.listTubes])
        document.entry("cmd-list-tube-used", counts[.listTubeUsed])
        document.entry("cmd-list-tubes-watched", counts[.listTubesWatched])
        document.entry("cmd-pause-tube", counts[.pauseTube])
    }

    private func addConnections(to document: inout YAMLDocument) {
        let totals = engine.totals
        document.entry("job-timeouts", totals.timeouts)
        document.entry("total-jobs", totals.jobsEver)
        document.entry("max-job-size", engine.limits.jobSize)
        document.entry("current-tubes", engine.tubes.list.count)
        document.entry("current-connections", totals.connections)
        document.entry("current-producers", totals.producers)
        document.entry("current-workers", totals.workers)
        document.entry("current-waiting", totals.waiting)
        document.entry("total-connections", totals.connectionsEver)
    }

    /// There is no binlog: its figures are those of a server without `-b`.
    private func addProcess(to document: inout YAMLDocument) {
        let host = emulator.host
        let used = host.processorTime()
        document.entry("pid", host.processID)
        document.entry("version", "\"\(QueueEmulator.version)\"")
        document.entry("rusage-utime", decimal(used.user))
        document.entry("rusage-stime", decimal(used.system))
        document.entry("uptime", seconds(from: engine.startedAt, to: engine.now))
        document.entry("binlog-oldest-index", 0)
        document.entry("binlog-current-index", 0)
        document.entry("binlog-records-migrated", 0)
        document.entry("binlog-records-written", 0)
        document.entry("binlog-max-size", 10 << 20)
        document.entry("draining", engine.isDraining ? "true" : "false")
        document.entry("id", emulator.instanceID)
        document.entry("hostname", host.hostname)
        document.entry("os", host.system)
        document.entry("platform", host.platform)
    }

    /// Whole seconds between two times; 0 when the second is not later.
    private func seconds(from start: UInt64, to end: UInt64) -> UInt64 {
        end > start ? (end - start) / QueueEngine.second : 0
    }

    /// Microseconds as seconds with six decimals.
    private func decimal(_ microseconds: Int) -> String {
        let fraction = String(microseconds % 1_000_000)
        return "\(microseconds / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }
}
