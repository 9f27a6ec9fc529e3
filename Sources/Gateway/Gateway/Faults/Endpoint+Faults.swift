import BrokerModel
import EventLoop

/// The faults of an endpoint, whoever serves it: they stay when the upstream is exchanged.
extension Endpoint {
    /// Its class by who serves it; where nobody does, by whether its clients have to say who they are.
    private var serviceClass: ServiceClass {
        switch upstream {
        case .queue: .beanstalk
        case .cache, .redisServer: .redis
        case nil: grants.isEmpty ? .beanstalk : .redis
        }
    }

    /// Sessions look at each command before it runs: for faults, or for who notes commands.
    var faultsMeetCommands: Bool { recorder != nil || faults.meetsCommands(now: loop.now) }

    /// Adds all of them, or none.
    func add(_ faults: [(id: FaultID, fault: Fault)]) -> BrokerError? {
        var added: [(id: FaultID, fault: Fault)] = []
        for (id, fault) in faults {
            do throws(BrokerError) {
                var checked = try fault.checked(for: serviceClass)
                checked.seed = fault.seed ?? .random(in: 0...UInt64(Int64.max))
                added.append((id, checked))
            } catch {
                return error
            }
        }
        guard self.faults.add(added, now: loop.now) else {
            return BrokerError(
                .unsupported, "an endpoint has \(FaultTable.most) faults at the most",
                why: "each command looks at all of them", fix: "remove some of its faults")
        }
        for (id, fault) in added {
            if fault.effect.isOfConnection { meetAll(id) }
            guard let duration = fault.duration else { continue }
            loop.schedule(after: UInt64(duration) * 1_000_000) { [weak self] in self?.release(id) }
        }
        lookAtFaults()
        return nil
    }

    func removeFault(_ id: FaultID) -> Bool {
        guard faults.remove(id) else { return false }
        release(id)
        return true
    }

    func removeFaults() -> Int {
        let all = faults.reports(now: loop.now).map(\.id)
        return all.count { removeFault($0) }
    }

    /// Lets go what a fault holds that is over, or was removed.
    private func release(_ id: FaultID) {
        for session in Array(redisSessions.values) { session.released(by: id) }
        for client in Array(queueClients.values) { client.faults?.released(by: id) }
        releaseConnections(by: id)
        lookAtFaults()
    }

    func decide(_ subject: some FaultSubject) -> FaultDecision {
        recorder?.note(subject.command, subject.keys, subject.client)
        return faults.decide(subject, now: loop.now)
    }

    /// Has the sessions look at faults, or not.
    func lookAtFaults() {
        let isMet = faultsMeetCommands
        for session in redisSessions.values { look(session, isMet) }
        for client in queueClients.values { client.look(isMet) }
    }

    private func look(_ session: RedisSession, _ isMet: Bool) {
        if isMet, session.faults == nil {
            session.faults = SessionFaults()
        } else if !isMet, session.faults?.isIdle == true {
            session.faults = nil
        }
    }

    func look(_ client: QueueClient) {
        if recorder != nil || !faults.isEmpty { client.look(faultsMeetCommands) }
    }

    /// A client has come.
    func look(_ session: RedisSession) {
        if recorder != nil || !faults.isEmpty { look(session, faultsMeetCommands) }
    }
}
