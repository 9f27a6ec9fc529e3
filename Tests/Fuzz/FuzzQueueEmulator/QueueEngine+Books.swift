@testable import QueueEmulator

extension QueueEngine {
    /// Every job there is, by id.
    var allJobs: [Job] {
        var found: [Job] = []
        var id: UInt64 = 1
        while found.count < jobs.count {
            if let job = jobs[id] { found.append(job) }
            id += 1
        }
        return found
    }

    /// Counts everything anew and compares it with what the engine has counted.
    func checkBooks() {
        let all = allJobs
        func count(_ state: Job.State) -> Int { all.count { $0.state == state } }
        precondition(totals.ready == count(.ready), "ready jobs")
        precondition(totals.reserved == count(.reserved), "reserved jobs")
        precondition(totals.delayed == count(.delayed), "delayed jobs")
        precondition(totals.buried == count(.buried), "buried jobs")
        precondition(totals.urgent == all.count { $0.state == .ready && $0.isUrgent }, "urgent jobs")
        precondition(totals.memory == all.reduce(0) { $0 + $1.body.size }, "memory")
        precondition(totals.waiting >= tubes.list.map(\.waiting.count).max() ?? 0, "waiting clients")
        for (index, tube) in tubes.list.enumerated() {
            let own = all.filter { $0.tube === tube }
            let isDefault = tube.name == Array("default".utf8)
            precondition(tube.listIndex == index, "a tube's place")
            precondition(tube.ready.count == own.count { $0.state == .ready }, "ready in a tube")
            precondition(tube.delayed.count == own.count { $0.state == .delayed }, "delayed in a tube")
            precondition(tube.buried.count == own.count { $0.state == .buried }, "buried in a tube")
            precondition(tube.reserved == own.count { $0.state == .reserved }, "reserved in a tube")
            precondition(tube.urgent == own.count { $0.state == .ready && $0.isUrgent }, "urgent in a tube")
            precondition(
                tube.references == tube.using + tube.watching + own.count + (isDefault ? 1 : 0), "a tube's references")
            precondition(tube.references > 0, "a tube that nobody needs")
            precondition(tube.isPaused || tube.ready.isEmpty || tube.waiting.isEmpty, "a job that nobody was given")
            precondition(tube.wakeTime == nil || tube.heapIndex >= 0, "a tube that nobody wakes")
        }
    }
}
