import Processes

/// A server's process: started by this daemon, or by one before it and found again.
enum ServerProcess: Sendable {
    case child(ChildProcess)
    case adopted(ProcessIdentity)

    var identity: ProcessIdentity {
        switch self {
        case .child(let child): child.identity
        case .adopted(let identity): identity
        }
    }

    var isAlive: Bool {
        switch self {
        // The system knows of its end before it is waited for.
        case .child(let child): child.exitNow == nil && child.identity.isAlive
        case .adopted(let identity): identity.isAlive
        }
    }

    /// Waits for its end and says how it came; nil when the waiting task is cancelled first.
    func end() async -> String? {
        while !Task.isCancelled {
            switch self {
            case .child(let child):
                if let status = await child.exit(within: .seconds(3600)) { return "\(status)" }
            case .adopted(let identity):
                if await identity.end(within: .seconds(3600)) { return "it was not this daemon's child" }
            }
        }
        return nil
    }

    /// Asks it to end and waits; kills it after `grace`.
    func terminate(grace: Duration) async {
        switch self {
        case .child(let child): await child.terminate(grace: grace)
        case .adopted(let identity): await identity.terminate(grace: grace)
        }
    }
}

extension ProcessIdentity {
    /// What the ledger keeps of a process.
    var memory: [String: String] { ["pid": "\(pid)", "start": "\(startTime)"] }

    init?(memory: [String: String]) {
        guard let pid = memory["pid"].flatMap({ Int32($0) }), let start = memory["start"].flatMap({ UInt64($0) }) else {
            return nil
        }
        self.init(pid: pid, startTime: start)
    }
}
