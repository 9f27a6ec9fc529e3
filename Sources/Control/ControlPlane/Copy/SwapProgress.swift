import BrokerModel
import Synchronization

/// How far a swap is, for who asks while it runs.
final class SwapProgress: Sendable {
    private struct State {
        var phase = ResourceStatus.Swap.Phase.copying
        var began = ContinuousClock.now
        var done = 0
        var total: Int
    }

    private let to: String
    private let state: Mutex<State>

    /// - Parameter total: the keys that are to be copied, and then to be compared.
    init(to: String, total: Int) {
        self.to = to
        state = Mutex(State(total: total))
    }

    func enter(_ phase: ResourceStatus.Swap.Phase) {
        state.withLock { state in
            guard state.phase != phase else { return }
            (state.phase, state.began, state.done) = (phase, .now, 0)
        }
    }

    /// So many keys of the present phase are done.
    func reach(_ done: Int) {
        state.withLock { $0.done = done }
    }

    var status: ResourceStatus.Swap {
        let state = state.withLock { $0 }
        let seconds = state.began.duration(to: .now) / .seconds(1)
        let rate = seconds > 0 ? Double(state.done) / seconds : 0
        let isCounted = state.phase != .moving
        return ResourceStatus.Swap(
            to: to, phase: state.phase, done: isCounted ? min(state.done, state.total) : nil,
            total: isCounted ? state.total : nil, perSecond: isCounted ? Int(rate) : nil,
            secondsLeft: isCounted && rate > 0 ? Double(max(state.total - state.done, 0)) / rate : nil)
    }
}
