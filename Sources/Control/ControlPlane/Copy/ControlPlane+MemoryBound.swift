import BrokerModel
import ProviderKit

/// The limit of memory that apps have set goes along to servers of the broker's own. One at a URL has its owner's, which
/// goes nowhere: that is told.
extension ControlPlane {
    /// Looks at both sides before the pause: only at an emulator apps can set a limit meanwhile.
    func lookAtBounds(_ run: inout SwapRun) async throws(BrokerError) {
        guard let former = run.former, let bound = try await copier(for: former.provider).memoryBound(of: former)
        else { return }
        run.bound = bound
        run.targetBound = try await copier(for: run.target.provider).memoryBound(of: run.target)
        guard isElsewhere(former) || isElsewhere(run.target), bound.bytes > 0, bound != run.targetBound else { return }
        run.outcome.leftBehind = "maxmemory \(Bytes(bound.bytes)) (\(bound.policy)) of \(former.provider)"
    }

    /// To be called when everything is there: what is written from then on counts at the target.
    ///
    /// Throws where the limit is too little for what is there: keys would go, or writes be refused.
    func carryBound(_ run: SwapRun) async throws(BrokerError) {
        guard let former = run.former, !isElsewhere(former), !isElsewhere(run.target) else { return }
        let isEmulator = former.provider == .emulator
        let now = isEmulator ? try await copier(for: former.provider).memoryBound(of: former) : run.bound
        guard let now, now != run.targetBound,
            let used = try await copier(for: run.target.provider).setMemoryBound(now, of: run.target)
        else { return }
        throw BrokerError(
            .unsafe, "maxmemory of \(Bytes(now.bytes)) is too little at \"\(run.target.provider)\"",
            why: "what the copy has takes \(Bytes(used)) there; keys would go, or writes be refused",
            fix: isEmulator
                ? "CONFIG SET maxmemory \(used * 5 / 4) in the app, and then: \(run.command)"
                : "delete what is not needed, and then: \(run.command)")
    }

    private func isElsewhere(_ backing: Backing) -> Bool {
        if case .url = backing.provider { true } else { false }
    }
}
