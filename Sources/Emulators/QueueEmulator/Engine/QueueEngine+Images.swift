/// Taking everything out, and putting it in again.
extension QueueEngine {
    func image() -> QueueImage {
        let now = now
        var image = QueueImage()
        image.lastJobID = lastJobID
        for tube in tubes.list {
            image.tubes.append(
                QueueImage.KeptTube(
                    name: tube.name, pause: tube.pause, pauseLeft: tube.isPaused ? tube.pausedUntil - now : 0,
                    totalJobs: tube.totalJobs, deletes: tube.deletes, pauses: tube.pauses))
        }
        var buried: [QueueImage.Kept] = []
        var delayed: [(deadline: UInt64, job: QueueImage.Kept)] = []
        jobs.forEach { job in
            switch job.state {
            case .incoming, .buried: break
            case .ready, .reserved: image.kept.append(kept(job, .ready, at: now))
            case .delayed:
                let left = job.deadline > now ? job.deadline - now : 0
                delayed.append((job.deadline, kept(job, .delayed(left: left), at: now)))
            }
        }
        for tube in tubes.list {
            var next = tube.buried.first
            while let job = next {
                buried.append(kept(job, .buried, at: now))
                next = job.next
            }
        }
        image.kept.sort { $0.id < $1.id }
        image.kept += delayed.sorted { ($0.deadline, $0.job.id) < ($1.deadline, $1.job.id) }.map(\.job) + buried
        return image
    }

    private func kept(_ job: Job, _ place: QueueImage.Kept.Place, at now: UInt64) -> QueueImage.Kept {
        QueueImage.Kept(
            id: job.id, tube: job.tube.listIndex, place: place, age: now - job.createdAt, timeToRun: job.timeToRun,
            priority: job.priority, delay: job.delay, body: Array(job.body.bytes),
            counts: (job.reserves, job.timeouts, job.releases, job.buries, job.kicks))
    }

    /// Removes all jobs but those whose body is arriving, and all pauses.
    func removeAll() {
        for client in clients.values {
            while let job = client.reserved.first {
                takeReserved(job, of: client)
                forget(job)
            }
        }
        var rest: [Job] = []
        jobs.forEach { if $0.state != .incoming { rest.append($0) } }
        for job in rest where takeUnreserved(job) { forget(job) }
        for tube in tubes.list { tube.pause = 0 }
    }

    /// Adds what an image holds to an engine without jobs. Tubes that nobody uses, and that have no job, are no more.
    func fill(from image: QueueImage) {
        let now = now
        lastJobID = max(lastJobID, image.lastJobID)
        let made = image.tubes.map { kept in
            let tube = kept.name.withUnsafeBytes { tubes.findOrMake($0) }
            tube.references += 1
            (tube.totalJobs, tube.deletes, tube.pauses) = (kept.totalJobs, kept.deletes, kept.pauses)
            (tube.pause, tube.pausedUntil) = (kept.pause, now + kept.pauseLeft)
            return tube
        }
        // All are there before somebody who waits is served: the most urgent one goes first.
        for kept in image.kept { place(add(kept, to: made[kept.tube], at: now), kept.place, at: now) }
        handOver(made)
        for tube in made {
            settle(tube)
            release(tube)
        }
    }

    private func add(_ kept: QueueImage.Kept, to tube: Tube, at now: UInt64) -> Job {
        let job = Job(
            id: freshID(kept.id), tube: tube, priority: kept.priority, delay: kept.delay, timeToRun: kept.timeToRun,
            bodySize: kept.body.count - 2, createdAt: now - min(kept.age, now))
        kept.body.withUnsafeBytes { job.body.append($0) }
        (job.reserves, job.timeouts, job.releases, job.buries, job.kicks) = kept.counts
        tube.references += 1
        totals.memory += job.body.size
        jobs.insert(job)
        return job
    }

    /// The id that the job had, unless one whose body arrives now has it.
    private func freshID(_ id: UInt64) -> UInt64 {
        guard jobs[id] != nil else { return id }
        lastJobID += 1
        return lastJobID
    }

    private func place(_ job: Job, _ place: QueueImage.Kept.Place, at now: UInt64) {
        let tube = job.tube
        switch place {
        case .ready:
            job.state = .ready
            tube.ready.insert(job, key: UInt64(job.priority), tie: job.id)
            totals.ready += 1
            if job.isUrgent {
                totals.urgent += 1
                tube.urgent += 1
            }
        case .delayed(let left):
            job.state = .delayed
            job.deadline = now + left
            tube.delayed.insert(job, key: job.deadline, tie: nextSequence())
            totals.delayed += 1
        case .buried:
            job.state = .buried
            tube.buried.append(job)
            totals.buried += 1
        }
    }

    /// A job of nobody's connection.
    func put(_ body: [UInt8], into name: [UInt8], priority: UInt32, delay: UInt32, timeToRun: UInt32) -> UInt64 {
        let tube = name.withUnsafeBytes { tubes.findOrMake($0) }
        tube.references += 1
        let job = makeJob(tube, priority: priority, delay: delay, timeToRun: timeToRun, bodySize: body.count)
        (body + [13, 10]).withUnsafeBytes { job.body.append($0) }
        totals.jobsEver += 1
        tube.totalJobs += 1
        enqueue(job, after: delay)
        release(tube)
        return job.id
    }
}
