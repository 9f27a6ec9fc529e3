import BrokerModel

/// The phases of a swap: one event per step that was done or has failed, one action to take next.
///
/// Until `commitSwitch` is done the former provider is the one that counts, and every failure leads back to it;
/// afterwards the target counts, and every failure is left behind on the way forward.
struct SwapMachine: Equatable {
    enum Kind: Equatable {
        /// The data is carried across and the clients are moved.
        case live
        /// No data is copied, and the clients are closed.
        case cold
        /// Back to the former provider, which has followed since the swap.
        case rollback
    }

    /// What to do next.
    enum Action: Equatable {
        /// Make the target, or find it again.
        case provisionTarget
        /// Put on disk that the target runs.
        case persistProvisioned
        /// Carry the snapshot across, and the changes since.
        case copy
        /// Compare both sides.
        case verify
        /// Give every client a connection to the target.
        case prepareClients
        /// Take no more requests, and await every reply.
        case pauseClients
        /// Carry across and compare what is left.
        case copyTail
        /// Set up at the target what the clients have set up.
        case restoreClients
        /// Close the clients at a reply boundary and hold those that come.
        case holdClients
        /// One transaction: the target counts, every app has its release.
        case commitSwitch
        /// Have the target serve the clients.
        case adoptClients
        /// Let the held clients in.
        case routeToTarget
        /// Have the former provider follow what is written from now on.
        case openWayBack
        /// Remove the former provider and its data.
        case removeFormer
        /// Put the receipt on disk.
        case commitOutcome
        /// Let the clients go on with the former provider.
        case resumeFormer
        /// Remove the target and its data.
        case removeTarget
        /// Have the target follow again, as it did before the rollback.
        case followAgain
        /// Put the failure on disk.
        case commitFailure(BrokerError)
        /// It is over: nil is success.
        case end(BrokerError?)
    }

    private enum State: Equatable {
        case planned
        /// Doing the action of this number in the kind's list.
        case doing(Int)
        case resuming(BrokerError)
        case aborting(BrokerError)
        case aborted(BrokerError)
        case ended
    }

    private let actions: [Action]
    private let kind: Kind
    private var state = State.planned

    init(_ kind: Kind) {
        self.kind = kind
        actions =
            switch kind {
            case .live:
                [
                    .provisionTarget, .persistProvisioned, .copy, .verify, .prepareClients, .pauseClients, .copyTail,
                    .restoreClients, .commitSwitch, .adoptClients, .openWayBack, .commitOutcome,
                ]
            case .cold:
                [
                    .provisionTarget, .persistProvisioned, .holdClients, .commitSwitch, .routeToTarget, .removeFormer,
                    .commitOutcome,
                ]
            case .rollback:
                [
                    .copy, .prepareClients, .pauseClients, .copyTail, .restoreClients, .commitSwitch, .adoptClients,
                    .removeFormer, .commitOutcome,
                ]
            }
    }

    /// Goes on from what a crash has left on disk; `begin` names the first action. Clients of the daemon that crashed
    /// are gone, and those of this one are routed to whoever counts; so is every copy that was under way.
    init(resumingFrom phase: Operation.Phase) {
        self.init(.cold)
        switch phase {
        case .switched: state = .doing(index(of: .removeFormer) - 1)
        case .succeeded: state = .doing(actions.count - 1)
        case .intended, .effected, .failed: state = .aborting(Self.interrupted)
        }
    }

    /// What a retry is told of a swap that a crash has cut short before the switch.
    static let interrupted = BrokerError(
        .rolledBack, "the swap was undone: the daemon ended before the switch",
        why: "the former provider serves, with its data", fix: "broker status")

    mutating func begin() -> Action {
        switch state {
        case .planned: go(to: 0)
        case .doing(let number): go(to: number + 1)
        case .aborting: .removeTarget
        case .resuming, .aborted, .ended: preconditionFailure("a swap begins once")
        }
    }

    /// The action was done.
    mutating func done() -> Action {
        switch state {
        case .doing(let number): return go(to: number + 1)
        case .resuming(let error): return abort(error)
        case .aborting(let error):
            state = .aborted(error)
            return .commitFailure(error)
        case .aborted(let error):
            state = .ended
            return .end(error)
        case .planned, .ended: preconditionFailure("no action was asked for")
        }
    }

    /// The action could not be done.
    mutating func failed(_ error: BrokerError) -> Action {
        switch state {
        case .doing(let number):
            guard number > index(of: .commitSwitch) else {
                guard hasTouchedClients(number) else { return abort(error) }
                state = .resuming(error)
                return .resumeFormer
            }
            // Behind the switch there is no way but forward: what is left over is removed at the next start, and an
            // outcome that is not on disk is put there by whoever resumes the operation.
            guard number < actions.count - 1 else {
                state = .ended
                return .end(error)
            }
            return go(to: number + 1)
        // The first cause is the one that counts.
        case .resuming(let cause): return abort(cause)
        case .aborting(let cause):
            state = .aborted(cause)
            return .commitFailure(cause)
        case .aborted(let cause):
            state = .ended
            return .end(cause)
        case .planned, .ended: preconditionFailure("no action was asked for")
        }
    }

    private mutating func abort(_ error: BrokerError) -> Action {
        state = .aborting(error)
        return kind == .rollback ? .followAgain : .removeTarget
    }

    private mutating func go(to number: Int) -> Action {
        guard number < actions.count else {
            state = .ended
            return .end(nil)
        }
        state = .doing(number)
        return actions[number]
    }

    private func hasTouchedClients(_ number: Int) -> Bool {
        number >= (actions.firstIndex(of: kind == .cold ? .holdClients : .prepareClients) ?? 0)
    }

    private func index(of action: Action) -> Int { actions.firstIndex(of: action) ?? 0 }
}
