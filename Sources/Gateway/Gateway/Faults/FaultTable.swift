import BrokerModel

/// A command as faults look at it.
protocol FaultSubject {
    /// It sets the connection up, or ends it: only faults that name it meet it.
    var isSetup: Bool { get }
    /// - Parameter subcommand: nil for any.
    func isNamed(_ name: [UInt8], _ subcommand: [UInt8]?) -> Bool
    func hasKey(like pattern: [UInt8]) -> Bool
    func isOfClient(like pattern: [UInt8]) -> Bool
    /// In lower case, for who notes commands; so are the following.
    var command: String { get }
    var keys: [String] { get }
    /// What the client calls itself.
    var client: String? { get }
}

/// What becomes of a command, and by which fault.
struct FaultDecision: Equatable {
    enum Action: Equatable {
        /// It runs.
        case pass
        case error(String)
        /// It waits for so many nanoseconds.
        case delay(UInt64)
        /// It runs, and its reply meets this.
        case reply(ReplyCut.Effect)
        case reset
        case drop
    }

    var id: FaultID?
    var action: Action

    static let pass = FaultDecision(id: nil, action: .pass)
}

/// The faults of one endpoint, in the order in which they were added: the first that hits a command decides, those behind
/// it do not see it.
struct FaultTable {
    private struct Entry {
        let id: FaultID
        let fault: Fault
        let commands: [(name: [UInt8], subcommand: [UInt8]?)]?
        let key: [UInt8]?
        let client: [UInt8]?
        let endsAt: UInt64?
        var random: FaultRandom
        var matched = 0
        var fired = 0

        init(_ id: FaultID, _ fault: Fault, now: UInt64) {
            self.id = id
            self.fault = fault
            commands = fault.commands?.map { name in
                let parts = name.split(separator: "|", maxSplits: 1).map { Array($0.utf8) }
                return (parts[0], parts.count > 1 ? parts[1] : nil)
            }
            key = fault.key.map { Array($0.utf8) }
            client = fault.client.map { Array($0.utf8) }
            endsAt = fault.duration.map { now + UInt64($0) * 1_000_000 }
            random = FaultRandom(seed: fault.seed ?? 0)
        }

        func isOver(_ now: UInt64) -> Bool {
            if let count = fault.count, fired >= count { return true }
            return endsAt.map { now >= $0 } ?? false
        }

        func meets(_ subject: some FaultSubject) -> Bool {
            if let commands {
                guard commands.contains(where: { subject.isNamed($0.name, $0.subcommand) }) else { return false }
            } else if subject.isSetup {
                return false
            }
            if let client, !subject.isOfClient(like: client) { return false }
            return key.map { subject.hasKey(like: $0) } ?? true
        }

        /// Counts one that it meets; true when it is hit.
        mutating func hits() -> Bool {
            matched += 1
            // Drawn for each: the decisions do not depend on what else is asked.
            let draw = random.fraction()
            if let nth = fault.nth, matched != nth { return false }
            if let first = fault.first, matched > first { return false }
            if let every = fault.every, matched % every != 0 { return false }
            guard draw < (fault.probability ?? fault.toxicity ?? 1) else { return false }
            fired += 1
            return true
        }

        /// With its jitter, in nanoseconds.
        mutating func time(_ milliseconds: Int, jitter: Int) -> UInt64 {
            guard jitter > 0 else { return UInt64(milliseconds) * 1_000_000 }
            let shift = (random.fraction() * 2 - 1) * Double(jitter)
            return UInt64(max(Double(milliseconds) + shift, 0) * 1_000_000)
        }
    }

    /// Faults that are over are kept for their counts, as long as there are not more than these.
    static let most = 256
    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }

    /// False when there are too many that are not over.
    mutating func add(_ faults: [(id: FaultID, fault: Fault)], now: UInt64) -> Bool {
        var excess = entries.count + faults.count - Self.most
        if excess > 0 {
            guard entries.count(where: { $0.isOver(now) }) >= excess else { return false }
            entries.removeAll { entry in
                guard excess > 0, entry.isOver(now) else { return false }
                excess -= 1
                return true
            }
        }
        for (id, fault) in faults { entries.append(Entry(id, fault, now: now)) }
        return true
    }

    /// False when there is none of this name.
    mutating func remove(_ id: FaultID) -> Bool {
        let before = entries.count
        entries.removeAll { $0.id == id }
        return entries.count < before
    }

    /// Some fault that is not over is of commands.
    func meetsCommands(now: UInt64) -> Bool {
        entries.contains { !$0.fault.effect.isOfConnection && !$0.isOver(now) }
    }

    /// Those whose time is over, though they may still hold something.
    func ended(now: UInt64) -> [FaultID] {
        entries.filter { $0.endsAt.map { now >= $0 } ?? false }.map(\.id)
    }

    mutating func decide(_ subject: some FaultSubject, now: UInt64) -> FaultDecision {
        for index in entries.indices {
            guard !entries[index].fault.effect.isOfConnection, !entries[index].isOver(now),
                entries[index].meets(subject), entries[index].hits()
            else { continue }
            return FaultDecision(id: entries[index].id, action: action(index))
        }
        return .pass
    }

    private mutating func action(_ index: Int) -> FaultDecision.Action {
        switch entries[index].fault.effect {
        case .error(let text): .error(text)
        case .delay(let time, let jitter): .delay(entries[index].time(time, jitter: jitter))
        case .cut(let bytes): .reply(.cut(bytes))
        case .reset(.before): .reset
        case .reset(.after): .reply(.reset)
        case .drop(let isExecuted): isExecuted ? .reply(.drop) : .drop
        case .latency, .bandwidth, .timeout, .slowClose, .resetPeer, .slicer, .limitData, .down, .maxClients: .pass
        }
    }

    /// A fault that hits a connection, with a seed for what it draws.
    typealias Met = (id: FaultID, effect: FaultEffect, seed: UInt64)

    /// What hits a connection that comes, or, of one fault, a connection that is there. Faults that choose clients hit
    /// nobody who is not known.
    mutating func meet(_ only: FaultID? = nil, isNew: Bool, now: UInt64) -> [Met] {
        entries.indices.compactMap { index in
            guard only.map({ $0 == entries[index].id }) ?? true, entries[index].client == nil,
                isNew || entries[index].fault.effect != .maxClients
            else { return nil }
            return meet(index, now)
        }
    }

    /// Some fault of connections chooses clients.
    var chooseClients: Bool { entries.contains { $0.client != nil && $0.fault.effect.isOfConnection } }

    /// What hits the connection of a client that is known, of the faults that choose clients.
    ///
    /// - Parameter isFirst: whether a fault meets the client for the first time; it does so once, hit or not.
    mutating func meet(
        _ only: FaultID? = nil, now: UInt64, isOfClient: (_ pattern: [UInt8]) -> Bool, isFirst: (FaultID) -> Bool
    ) -> [Met] {
        entries.indices.compactMap { index in
            let entry = entries[index]
            guard only.map({ $0 == entry.id }) ?? true, entry.fault.effect.isOfConnection, !entry.isOver(now),
                let pattern = entry.client, isOfClient(pattern), isFirst(entry.id)
            else { return nil }
            return meet(index, now)
        }
    }

    private mutating func meet(_ index: Int, _ now: UInt64) -> Met? {
        guard entries[index].fault.effect.isOfConnection, !entries[index].isOver(now), entries[index].hits() else {
            return nil
        }
        return (entries[index].id, entries[index].fault.effect, entries[index].random.next())
    }

    func reports(now: UInt64) -> [FaultReport] {
        entries.map { entry in
            FaultReport(
                id: entry.id, fault: entry.fault, matched: entry.matched, fired: entry.fired,
                remaining: entry.fault.count.map { max($0 - entry.fired, 0) },
                endsIn: entry.endsAt.map { Int(($0 - min(now, $0)) / 1_000_000) }, isOver: entry.isOver(now))
        }
    }
}

/// The same numbers for the same seed (SplitMix64).
struct FaultRandom: RandomNumberGenerator, Equatable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// From 0 up to, and without, 1.
    mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
