#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Has leases of emulators, which take next to no time, made and ended a few at a time, in the order in which they were
/// asked for; those that are to be made go before those that are to be ended. When many are asked for at once, all of
/// them would wait for the last one otherwise.
///
/// A turn that takes long, since a loop has no time, lapses: it holds up nobody then. Belongs to the control plane, which
/// alone touches it.
struct LeaseTurns {
    enum Kind {
        case making, ending
    }

    typealias Turn = UInt64
    typealias Waiter = CheckedContinuation<Turn, Never>

    /// As many as keep the processors busy while each waits for its loop.
    static let atOnce = 2 * max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    /// So many are made before one that waits to be ended has its turn.
    static let madeInARow = 4
    /// A turn takes about a millisecond of a processor.
    static let lapse = Duration.milliseconds(20)

    private var taken: [Turn: ContinuousClock.Instant] = [:]
    private var lastTurn: Turn = 0
    private var madeBeforeEnding = 0
    private var making: [Waiter] = []
    private var ending: [Waiter] = []

    var hasWaiters: Bool { !making.isEmpty || !ending.isEmpty }

    /// A turn where there is one at once; else `wait` for it.
    mutating func take(at now: ContinuousClock.Instant = .now) -> Turn? {
        guard taken.count < Self.atOnce else { return nil }
        lastTurn += 1
        taken[lastTurn] = now
        return lastTurn
    }

    mutating func wait(_ kind: Kind, _ waiter: Waiter) {
        switch kind {
        case .making: making.append(waiter)
        case .ending: ending.append(waiter)
        }
    }

    /// Gives a turn back, to the next one where there is one. One that has lapsed is the next one's already.
    mutating func give(_ turn: Turn, at now: ContinuousClock.Instant = .now) {
        guard taken.removeValue(forKey: turn) != nil, hasWaiters, let next = take(at: now) else { return }
        if making.isEmpty || (madeBeforeEnding >= Self.madeInARow && !ending.isEmpty) {
            madeBeforeEnding = 0
            ending.removeFirst().resume(returning: next)
        } else {
            madeBeforeEnding += 1
            making.removeFirst().resume(returning: next)
        }
    }

    /// Gives those back that have been taken for too long.
    mutating func lapse(at now: ContinuousClock.Instant = .now) {
        for (turn, since) in taken where since.duration(to: now) >= Self.lapse { give(turn, at: now) }
    }
}

extension ControlPlane {
    /// Waits for a turn. Whoever has it calls `leaseTurns.give` when it is done.
    func takeTurn(_ kind: LeaseTurns.Kind) async -> LeaseTurns.Turn {
        if let turn = leaseTurns.take() { return turn }
        return await withCheckedContinuation { waiter in
            leaseTurns.wait(kind, waiter)
            watchTurns()
        }
    }

    /// As long as somebody waits for a turn.
    private func watchTurns() {
        guard !watchesTurns else { return }
        watchesTurns = true
        Task {
            while leaseTurns.hasWaiters {
                try? await ContinuousClock().sleep(for: LeaseTurns.lapse)
                leaseTurns.lapse()
            }
            watchesTurns = false
        }
    }
}
