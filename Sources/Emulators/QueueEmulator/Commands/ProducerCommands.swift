import BeanstalkWire

/// `put` and `use`.
extension QueueSession {
    /// The job has its id from here on, even if it never becomes one: ids of failed puts are skipped, as in 1.12.
    func put(_ header: PutHeader) {
        let job = engine.beginPut(
            by: client, priority: header.priority, delay: header.delay, timeToRun: header.timeToRun,
            bodySize: header.bodySize)
        if job == nil { discardBody(thenReply: .outOfMemory) }
    }

    func putOversized() {
        discardBody(thenReply: .jobTooBig)
    }

    /// The next part of the body of the last `put`.
    func takeBody(_ part: UnsafeRawBufferPointer, _ progress: BodyProgress) {
        guard let job = client.incoming else { return }
        job.body.append(part)
        switch progress {
        case .partial: break
        case .unterminated:
            engine.abandonPut(by: client)
            replies.reply(.expectedCRLF)
        case .complete where engine.isDraining:
            engine.abandonPut(by: client)
            replies.reply(.draining)
        case .complete:
            engine.completePut(of: job, by: client)
            replies.inserted(id: job.id)
        }
    }

    func use(_ tube: UnsafeRawBufferPointer) {
        engine.use(tube, by: client)
        replies.using(tube: tube)
    }
}
