import BrokerModel

/// The phases of a cold swap: one event per step that was done or has failed, one action to take next.
///
/// Until `commitSwitch` is done the former provider is the one that counts, and every failure leads back to it;
/// afterwards the target counts, and every failure is left behind on the way forward.
struct SwapMachine: Equatable {
    /// What to do next.
    enum Action: Equatable {
        /// Make the target, or find it again.
        case provisionTarget
        /// Put on disk that the target runs.
        case persistProvisioned
        /// Close the clients at a reply boundary and hold those that come.
        case holdClients
        /// One transaction: the target counts, every app has its release.
        case commitSwitch
        /// Let the held clients in.
        case routeToTarget
        /// Remove the former provider and its data.
        case removeFormer
        /// Put the receipt on disk.
        case commitOutcome
        /// Let the held clients in to the former provider.
        case resumeFormer
        /// Remove the target and its data.
        case removeTarget
        /// Put the failure on disk.
        case commitFailure(BrokerError)
        /// It is over: nil is success.
        case end(BrokerError?)
    }

    private enum State: Equatable {
        case planned
        case provisioning
        /// The target runs; that is being put on disk.
        case provisioned
        case holding
        case switching
        /// The point of no return lies behind.
        case switched
        case cleaning
        case finalising
        case finalised
        case resuming(BrokerError)
        case aborting(BrokerError)
        case aborted(BrokerError)
        case ended(BrokerError)
    }

    private var state: State

    init() {
        state = .planned
    }

    /// Goes on from what a crash has left on disk; `begin` names the first action. Clients of the daemon that crashed
    /// are gone, and those of this one are routed to whoever counts.
    init(resumingFrom phase: Operation.Phase) {
        switch phase {
        case .switched: state = .cleaning
        case .succeeded: state = .finalised
        case .intended, .effected, .failed: state = .aborting(Self.interrupted)
        }
    }

    /// What a retry is told of a swap that a crash has cut short before the switch.
    static let interrupted = BrokerError(
        .rolledBack, "the swap was undone: the daemon ended before the switch",
        why: "the former provider serves, with its data", fix: "broker status")

    mutating func begin() -> Action {
        switch state {
        case .planned:
            state = .provisioning
            return .provisionTarget
        case .cleaning: return .removeFormer
        case .aborting: return .removeTarget
        case .finalised: return .end(nil)
        case .provisioning, .provisioned, .holding, .switching, .switched, .finalising, .resuming, .aborted, .ended:
            preconditionFailure("a swap begins once")
        }
    }

    /// The action was done.
    mutating func done() -> Action {
        switch state {
        case .provisioning: move(to: .provisioned, .persistProvisioned)
        case .provisioned: move(to: .holding, .holdClients)
        case .holding: move(to: .switching, .commitSwitch)
        case .switching: move(to: .switched, .routeToTarget)
        case .switched: move(to: .cleaning, .removeFormer)
        case .cleaning: move(to: .finalising, .commitOutcome)
        case .finalising: move(to: .finalised, .end(nil))
        case .resuming(let error): move(to: .aborting(error), .removeTarget)
        case .aborting(let error): move(to: .aborted(error), .commitFailure(error))
        case .aborted(let error): move(to: .ended(error), .end(error))
        case .planned, .finalised, .ended: preconditionFailure("no action was asked for")
        }
    }

    /// The action could not be done.
    mutating func failed(_ error: BrokerError) -> Action {
        switch state {
        case .provisioning, .provisioned: move(to: .aborting(error), .removeTarget)
        case .holding, .switching: move(to: .resuming(error), .resumeFormer)
        // What is left of the former provider is found and removed at the next start.
        case .switched: move(to: .cleaning, .removeFormer)
        case .cleaning: move(to: .finalising, .commitOutcome)
        // The next operation on the resource, or the next start, resumes it.
        case .finalising: move(to: .ended(error), .end(error))
        case .resuming(let cause): move(to: .aborting(cause), .removeTarget)
        case .aborting(let cause): move(to: .aborted(cause), .commitFailure(cause))
        case .aborted(let cause): move(to: .ended(cause), .end(cause))
        case .planned, .finalised, .ended: preconditionFailure("no action was asked for")
        }
    }

    private mutating func move(to state: State, _ action: Action) -> Action {
        self.state = state
        return action
    }
}
