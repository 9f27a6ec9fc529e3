import Synchronization

/// Gives every tenant a loop of its own, as long as there may be more: what one has to do holds up nobody else, whatever
/// it is. Behind that the loop with the fewest tenants gets the next one.
///
/// A tenant has its loop from its first `take` until its last `give`. A loop without tenants waits for the next one.
public final class LoopPool: Sendable {
    private struct Seat {
        let loop: any EventLoop
        var tenants = 0
    }

    private struct Tenant {
        var seat: Int
        var holds: Int
    }

    private struct State {
        var seats: [Seat]
        var tenants: [String: Tenant] = [:]
    }

    /// A loop has a thread, two descriptors and its buffers.
    public static let usual = 128

    private let most: Int
    private let make: @Sendable () throws -> any EventLoop
    private let state: Mutex<State>

    /// Begins with one loop; throws what `make` throws for that one. Later ones that cannot be made are done without.
    public init(most: Int = LoopPool.usual, make: @escaping @Sendable () throws -> any EventLoop) throws {
        self.most = most
        self.make = make
        state = Mutex(State(seats: [Seat(loop: try make())]))
    }

    /// All tenants share this loop.
    public init(of loop: any EventLoop) {
        most = 1
        make = { loop }
        state = Mutex(State(seats: [Seat(loop: loop)]))
    }

    /// The tenant's loop, for one holder more.
    public func take(for tenant: String) -> any EventLoop {
        state.withLock { state in
            if let known = state.tenants[tenant] {
                state.tenants[tenant]?.holds += 1
                return state.seats[known.seat].loop
            }
            let seat = choose(&state.seats)
            state.seats[seat].tenants += 1
            state.tenants[tenant] = Tenant(seat: seat, holds: 1)
            return state.seats[seat].loop
        }
    }

    /// The same for a tenant that has to share the loop of another one, as long as both have theirs. Nil where the tenant
    /// has another loop already, or the other one has none.
    public func take(for tenant: String, beside other: String) -> (any EventLoop)? {
        state.withLock { state in
            guard let seat = state.tenants[other]?.seat, state.tenants[tenant].map({ $0.seat == seat }) ?? true else {
                return nil
            }
            if state.tenants[tenant] == nil { state.seats[seat].tenants += 1 }
            state.tenants[tenant, default: Tenant(seat: seat, holds: 0)].holds += 1
            return state.seats[seat].loop
        }
    }

    /// One holder less.
    public func give(for tenant: String) {
        state.withLock { state in
            guard let known = state.tenants[tenant] else { return }
            guard known.holds == 1 else {
                state.tenants[tenant]?.holds -= 1
                return
            }
            state.tenants[tenant] = nil
            state.seats[known.seat].tenants -= 1
        }
    }

    /// Stops all loops at once; returns when they have ended.
    public func stop(grace: Duration) async {
        let loops = state.withLock { $0.seats.map(\.loop) }
        await withDiscardingTaskGroup { group in
            for loop in loops { group.addTask { await loop.stop(grace: grace) } }
        }
    }

    private func choose(_ seats: inout [Seat]) -> Int {
        var best = 0
        for place in seats.indices where seats[place].tenants < seats[best].tenants { best = place }
        guard seats[best].tenants > 0, seats.count < most, let loop = try? make() else { return best }
        seats.append(Seat(loop: loop))
        return seats.count - 1
    }
}
