import Foundation
import Synchronization

/// What the load has done and what it was told: the oracle of a soak.
final class SoakLedger: Sendable {
    struct Count: Sendable {
        var acknowledged = 0
        /// Asked, and the connection ended before the reply.
        var indeterminate = 0
    }

    struct State: Sendable {
        var counts: [String: Count] = [:]
        /// Elements that were acknowledged, and those whose push was not answered.
        var pushed: Set<String> = []
        var maybePushed: Set<String> = []
        var popped: Set<String> = []
        /// Pops that were not answered: each may have taken one element.
        var indeterminatePops = 0
        var registers: [String: RegisterHistory] = [:]
        /// Transactions that were refused for a conflict, as WATCH promises.
        var conflicts = 0
        var commands = 0
        var disconnected = 0
        var failures: [String] = []
        /// The longest gap that each client has seen.
        var gaps: [Duration] = []
    }

    private let state = Mutex(State())

    var now: State { state.withLock { $0 } }

    func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
    }

    func acknowledge(_ key: String, _ count: Int = 1) {
        change { $0.counts[key, default: Count()].acknowledged += count }
    }

    func doubt(_ key: String, _ count: Int = 1) {
        change { $0.counts[key, default: Count()].indeterminate += count }
    }

    func fail(_ what: String) {
        change { if $0.failures.count < 20 { $0.failures.append(what) } }
    }

    func pop(_ element: String) {
        change { state in
            if !state.popped.insert(element).inserted { state.failures.append("\(element) was handed out twice") }
        }
    }
}

extension [Duration] {
    /// By the nearest rank, in milliseconds; 0 of none.
    func percentile(_ share: Int) -> Double {
        guard !isEmpty else { return 0 }
        let sorted = sorted()
        return sorted[Swift.max((sorted.count * share + 99) / 100 - 1, 0)] / .milliseconds(1)
    }
}
