/// Has leases of emulators, which take next to no time, made and ended a few at a time, in the order in which they were
/// asked for; those that are to be made go before those that are to be ended. When many are asked for at once, all of
/// them would wait for the last one otherwise.
///
/// Belongs to the control plane, which alone touches it.
struct LeaseTurns {
    enum Kind {
        case making, ending
    }

    /// As many as keep the processors busy while each waits for its loop.
    private static let atOnce = 4
    /// So many are made before one that waits to be ended has its turn.
    private static let madeInARow = 4

    private var taken = 0
    private var row = 0
    private var making: [CheckedContinuation<Void, Never>] = []
    private var ending: [CheckedContinuation<Void, Never>] = []

    /// Whether there is a turn at once; else `wait` for it.
    mutating func takeNow() -> Bool {
        guard taken < Self.atOnce else { return false }
        taken += 1
        return true
    }

    mutating func wait(_ kind: Kind, _ continuation: CheckedContinuation<Void, Never>) {
        switch kind {
        case .making: making.append(continuation)
        case .ending: ending.append(continuation)
        }
    }

    /// Gives the turn to the next one, where there is one.
    mutating func give() {
        let endsNext = making.isEmpty || row >= Self.madeInARow
        if endsNext, !ending.isEmpty {
            row = 0
            ending.removeFirst().resume()
        } else if !making.isEmpty {
            row += 1
            making.removeFirst().resume()
        } else {
            taken -= 1
        }
    }
}

extension ControlPlane {
    /// Waits for a turn. Whoever has it calls `leaseTurns.give()` when it is done.
    func takeTurn(_ kind: LeaseTurns.Kind) async {
        guard !leaseTurns.takeNow() else { return }
        await withCheckedContinuation { leaseTurns.wait(kind, $0) }
    }
}
