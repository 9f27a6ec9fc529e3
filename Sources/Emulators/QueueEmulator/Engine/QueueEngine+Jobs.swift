/// The life of a job: put, delete, release, bury, kick, and the moves between the states that they are made of.
extension QueueEngine {
    // MARK: put

    /// Begins a job for `client`; nil when the memory for its body is not granted.
    func beginPut(
        by client: Client, priority: UInt32, delay: UInt32, timeToRun: UInt32, bodySize: Int
    ) -> Job? {
        if !client.isProducer {
            client.isProducer = true
            totals.producers += 1
        }
        guard bodySize + 2 <= limits.memory - min(totals.memory, limits.memory) else { return nil }
        let job = makeJob(client.used, priority: priority, delay: delay, timeToRun: timeToRun, bodySize: bodySize)
        client.incoming = job
        return job
    }

    /// Gives up the job whose body is arriving. Its id is not used again.
    func abandonPut(by client: Client) {
        guard let job = client.incoming else { return }
        client.incoming = nil
        forget(job)
    }

    /// The body has arrived: the job begins its life.
    func completePut(of job: Job, by client: Client) {
        client.incoming = nil
        totals.jobsEver += 1
        job.tube.totalJobs += 1
        enqueue(job, after: job.delay)
    }

    // MARK: what a client does with a job

    /// Deletes a job that `client` has reserved, or that nobody has.
    func delete(_ id: UInt64, by client: Client) -> Bool {
        guard let job = jobs[id], takeReserved(id, by: client) != nil || takeUnreserved(job) else { return false }
        job.tube.deletes += 1
        forget(job)
        return true
    }

    func release(_ id: UInt64, by client: Client, priority: UInt32, delay: UInt32) -> Bool {
        guard let job = takeReserved(id, by: client) else { return false }
        job.priority = priority
        job.delay = delay
        job.releases &+= 1
        enqueue(job, after: delay)
        return true
    }

    func bury(_ id: UInt64, by client: Client, priority: UInt32) -> Bool {
        guard let job = takeReserved(id, by: client) else { return false }
        job.priority = priority
        job.state = .buried
        job.buries &+= 1
        job.tube.buried.append(job)
        totals.buried += 1
        return true
    }

    /// Starts the time to run of a reserved job anew.
    func touch(_ id: UInt64, by client: Client) -> Bool {
        guard let job = jobs[id], job.state == .reserved, job.reserver == client.number else { return false }
        job.deadline = now + UInt64(job.timeToRun) * Self.second
        client.deadlines.move(job, key: job.deadline, tie: nextSequence())
        settle(client)
        return true
    }

    /// Makes at most `bound` jobs of a tube ready: its buried ones if there are any, else its delayed ones.
    func kick(_ tube: Tube, bound: UInt32) -> UInt32 {
        var count: UInt32 = 0
        if tube.buried.first != nil {
            while count < bound, let job = tube.buried.first {
                kick(job)
                count += 1
            }
        } else {
            while count < bound, let job = tube.delayed.first {
                kick(job)
                count += 1
            }
        }
        return count
    }

    func kickJob(_ id: UInt64) -> Bool {
        guard let job = jobs[id], job.state == .buried || job.state == .delayed else { return false }
        kick(job)
        return true
    }

    private func kick(_ job: Job) {
        _ = takeUnreserved(job)
        job.kicks &+= 1
        enqueue(job, after: 0)
    }

    // MARK: moves

    /// Puts a job that stands nowhere among the delayed or the ready ones; a ready one goes to who waits for it.
    func enqueue(_ job: Job, after delay: UInt32) {
        let tube = job.tube
        if delay > 0 {
            job.deadline = now + UInt64(delay) * Self.second
            job.state = .delayed
            tube.delayed.insert(job, key: job.deadline, tie: nextSequence())
            totals.delayed += 1
            settle(tube)
        } else {
            job.state = .ready
            tube.ready.insert(job, key: UInt64(job.priority), tie: job.id)
            totals.ready += 1
            if job.isUrgent {
                totals.urgent += 1
                tube.urgent += 1
            }
            handOver(tube)
        }
    }

    /// Takes a job that is ready, delayed or buried out of its place; false when it is none of these.
    func takeUnreserved(_ job: Job) -> Bool {
        let tube = job.tube
        switch job.state {
        case .ready:
            tube.ready.remove(job)
            totals.ready -= 1
            if job.isUrgent {
                totals.urgent -= 1
                tube.urgent -= 1
            }
        case .delayed:
            tube.delayed.remove(job)
            totals.delayed -= 1
        case .buried:
            tube.buried.remove(job)
            totals.buried -= 1
        case .incoming, .reserved: return false
        }
        return true
    }

    /// Takes a job out of the reservations of `client`; nil when it does not hold it.
    func takeReserved(_ id: UInt64, by client: Client) -> Job? {
        guard let job = jobs[id], job.state == .reserved, job.reserver == client.number else { return nil }
        takeReserved(job, of: client)
        return job
    }

    func takeReserved(_ job: Job, of client: Client) {
        client.reserved.remove(job)
        client.deadlines.remove(job)
        job.reserver = 0
        totals.reserved -= 1
        job.tube.reserved -= 1
    }
}
