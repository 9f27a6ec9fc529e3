import BeanstalkWire

/// What a worker does: reserve, finish, give back, and choose its tubes.
extension QueueSession {
    /// `seconds` nil waits without end.
    func reserve(seconds: UInt64?) {
        switch engine.reserve(by: client, seconds: seconds) {
        case .job(let job): replies.reserved(id: job.id, body: job.body.bytes)
        case .deadlineSoon: replies.reply(.deadlineSoon)
        case .timedOut: replies.reply(.timedOut)
        case .waiting: beginWait()
        }
    }

    func reserveJob(_ id: UInt64) {
        guard let job = engine.reserveJob(id, by: client) else { return replies.reply(.notFound) }
        replies.reserved(id: job.id, body: job.body.bytes)
    }

    func delete(_ id: UInt64) {
        replies.reply(engine.delete(id, by: client) ? .deleted : .notFound)
    }

    func release(_ id: UInt64, priority: UInt32, delay: UInt32) {
        replies.reply(engine.release(id, by: client, priority: priority, delay: delay) ? .released : .notFound)
    }

    func bury(_ id: UInt64, priority: UInt32) {
        replies.reply(engine.bury(id, by: client, priority: priority) ? .buried : .notFound)
    }

    func touch(_ id: UInt64) {
        replies.reply(engine.touch(id, by: client) ? .touched : .notFound)
    }

    func watch(_ tube: UnsafeRawBufferPointer) {
        engine.watch(tube, by: client)
        replies.watching(count: client.watched.count)
    }

    func ignore(_ tube: UnsafeRawBufferPointer) {
        guard engine.ignore(tube, by: client) else { return replies.reply(.notIgnored) }
        replies.watching(count: client.watched.count)
    }
}
