/// What the passing of time does.
extension QueueEngine {
    /// Does everything that is due. To be called before a command is looked at; costs a comparison when nothing is.
    ///
    /// Within one call, as in 1.12: pauses end and delayed jobs become ready before deadlines and waits run out.
    func advance() {
        let now = now
        guard let first = alarms.firstKey, first <= now else { return }
        var tubes: [Tube] = []
        var clients: [Client] = []
        while let time = alarms.firstKey, time <= now, let sleeper = alarms.first {
            alarms.remove(sleeper)
            if let tube = sleeper as? Tube { tubes.append(tube) }
            if let client = sleeper as? Client { clients.append(client) }
        }
        endPauses(of: tubes, at: now)
        endDelays(of: tubes, at: now)
        clients.sort { ($0.wakeTime ?? .max) < ($1.wakeTime ?? .max) }
        for client in clients { wake(client, at: now) }
        for tube in tubes { settle(tube) }
    }

    private func endPauses(of tubes: [Tube], at now: UInt64) {
        let ended = tubes.filter { $0.isPaused && $0.pausedUntil <= now }
        for tube in ended { tube.pause = 0 }
        handOver(ended)
    }

    private func endDelays(of tubes: [Tube], at now: UInt64) {
        var due: [Job] = []
        for tube in tubes {
            while let job = tube.delayed.first, job.deadline <= now {
                _ = takeUnreserved(job)
                due.append(job)
            }
        }
        // Jobs of one tube stay in the order in which they came out of its heap.
        for (_, job) in due.enumerated().sorted(by: { ($0.1.deadline, $0.0) < ($1.1.deadline, $1.0) }) {
            enqueue(job, after: 0)
        }
    }

    /// Times out the client's jobs, then tells it of a deadline or the end of its wait.
    private func wake(_ client: Client, at now: UInt64) {
        let isDeadlineSoon = client.isWaiting && client.isDeadlineSoon(at: now)
        while let job = client.deadlines.first, job.deadline <= now {
            totals.timeouts += 1
            job.timeouts &+= 1
            takeReserved(job, of: client)
            enqueue(job, after: 0)
        }
        if client.isWaiting, isDeadlineSoon {
            stopWaiting(client)
            client.waiter?.deadlineIsSoon()
        } else if client.isWaiting, let end = client.waitsUntil, end <= now {
            stopWaiting(client)
            client.waiter?.reservationTimedOut()
        }
        settle(client)
    }
}
