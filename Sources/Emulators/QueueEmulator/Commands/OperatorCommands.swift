import BeanstalkWire

/// Looking into tubes, setting aside jobs going again, pausing.
extension QueueSession {
    func peek(_ job: Job?) {
        guard let job else { return replies.reply(.notFound) }
        replies.found(id: job.id, body: job.body.bytes, missing: job.body.missing)
    }

    func kick(_ bound: UInt32) {
        replies.kicked(count: engine.kick(client.used, bound: bound))
    }

    func kickJob(_ id: UInt64) {
        replies.reply(engine.kickJob(id) ? .kicked : .notFound)
    }

    func pauseTube(_ name: UnsafeRawBufferPointer, seconds: UInt32) {
        guard let tube = engine.tubes.find(name) else { return replies.reply(.notFound) }
        engine.setPause(of: tube, seconds: seconds)
        replies.reply(.paused)
    }
}
