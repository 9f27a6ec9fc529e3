/// How a `reserve` ends, or that it has begun to wait.
enum ReserveOutcome {
    case job(Job)
    case deadlineSoon
    case timedOut
    case waiting
}

/// Reservations and the waits for them.
extension QueueEngine {
    /// Reserves the most urgent job of the client's tubes, or lets it wait: `seconds` long, or without end if nil.
    func reserve(by client: Client, seconds: UInt64?) -> ReserveOutcome {
        becomesWorker(client)
        let now = now
        let isDeadlineSoon = client.isDeadlineSoon(at: now)
        if isDeadlineSoon, !client.seesReadyJob { return .deadlineSoon }
        if let job = client.bestReadyJob {
            job.tube.waiting.servedAtOnce()
            _ = takeUnreserved(job)
            assign(job, to: client)
            return .job(job)
        }
        if isDeadlineSoon { return .deadlineSoon }
        if seconds == 0 { return .timedOut }
        client.isWaiting = true
        client.waitsUntil = seconds.map { now + $0 * Self.second }
        for index in client.watched.indices { client.watched[index].tube.waiting.append(client, watchIndex: index) }
        totals.waiting += 1
        settle(client)
        return .waiting
    }

    /// Reserves one certain job, whatever its state, unless it is reserved already.
    func reserveJob(_ id: UInt64, by client: Client) -> Job? {
        guard let job = jobs[id], takeUnreserved(job) else { return nil }
        becomesWorker(client)
        assign(job, to: client)
        return job
    }

    /// Ends the wait of `client`, if it waits, without an answer.
    func stopWaiting(_ client: Client) {
        guard client.isWaiting else { return }
        client.isWaiting = false
        client.waitsUntil = nil
        totals.waiting -= 1
        for watch in client.watched { watch.tube.waiting.remove(at: watch.waitingIndex) }
    }

    func setPause(of tube: Tube, seconds: UInt32) {
        tube.pauses += 1
        guard seconds > 0 else {
            tube.pause = 0
            return handOver(tube)
        }
        tube.pause = UInt64(seconds) * Self.second
        tube.pausedUntil = now + tube.pause
        settle(tube)
    }

    /// Gives ready jobs of `tube` to those who wait for them.
    func handOver(_ tube: Tube) {
        guard !tube.isPaused else { return }
        while let job = tube.ready.first, let client = tube.waiting.next() {
            _ = takeUnreserved(job)
            stopWaiting(client)
            assign(job, to: client)
            client.waiter?.reserved(job)
        }
    }

    /// The same for several tubes at once: the most urgent job of them all goes first.
    func handOver(_ tubes: [Tube]) {
        guard tubes.count > 1 else { return tubes.forEach(handOver) }
        while true {
            var best: Tube?
            var urgency: (UInt32, UInt64) = (.max, .max)
            for tube in tubes where !tube.isPaused && !tube.waiting.isEmpty {
                guard let job = tube.ready.first, best == nil || (job.priority, job.id) < urgency else { continue }
                best = tube
                urgency = (job.priority, job.id)
            }
            guard let tube = best, let job = tube.ready.first, let client = tube.waiting.next() else { return }
            _ = takeUnreserved(job)
            stopWaiting(client)
            assign(job, to: client)
            client.waiter?.reserved(job)
        }
    }

    private func assign(_ job: Job, to client: Client) {
        job.state = .reserved
        job.reserver = client.number
        job.reserves &+= 1
        job.deadline = now + UInt64(job.timeToRun) * Self.second
        job.tube.reserved += 1
        totals.reserved += 1
        client.reserved.append(job)
        client.deadlines.insert(job, key: job.deadline, tie: nextSequence())
        settle(client)
    }

    private func becomesWorker(_ client: Client) {
        guard !client.isWorker else { return }
        client.isWorker = true
        totals.workers += 1
    }
}
