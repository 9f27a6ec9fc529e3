import RESPWire

extension CacheEmulator {
    /// From now on every change is told to the log, until it is closed or holds more than `limit` bytes.
    public func openEffects(limit: Int) -> EffectLog {
        let log = EffectLog(limit: limit, start: changesTold)
        let effects = effects ?? Effects()
        effects.add(log)
        self.effects = effects
        return log
    }

    /// Frees what waits in the log; nothing more comes into it.
    public func closeEffects(_ log: EffectLog) {
        log.wake = nil
        log.removeAll()
        effects?.remove(log)
        if effects?.isUnheard == true { stopTelling() }
    }

    /// How many changes were told to whoever has listened.
    var changesTold: Int64 { toldBefore + (effects?.told ?? 0) }

    /// Everything has changed, which was told to nobody; for who opens a log behind it.
    public func noteChange() {
        toldBefore += 1
    }

    private func stopTelling() {
        toldBefore = changesTold
        effects = nil
    }

    /// From now on every change is told to replicas, too, or no longer.
    func tellReplicas(_ isTold: Bool) {
        let effects = effects ?? Effects()
        effects.replication = isTold ? replication : nil
        self.effects = effects
        if effects.isUnheard { stopTelling() }
    }

    /// Runs a command while somebody listens, and tells its effect.
    @inline(never)
    func callHeard(_ command: Command, _ call: borrowing Call, _ effects: Effects) {
        guard command.flags.contains(.write) else { return command.body(call) }
        if let writeRefusal { return call.reply.error(writeRefusal) }
        let before = changesOfCommands
        let isByValue = command.flags.contains(.needsKeys) && hasKeyNearItsEnd(command, call)
        effects.isTold = false
        command.body(call)
        guard changesOfCommands != before, !effects.isTold else { return }

        let database = call.database
        if !isByValue { effects.emit(in: database.number, call.arguments, call.count) }
        for place in command.writtenKeys {
            if isByValue {
                effects.emitValue(of: call[place], in: database, by: payloadMaker)
            } else {
                effects.emitExpiry(of: call[place], in: database)
            }
        }
    }

    /// The changes but for keys whose time was found to be over.
    private var changesOfCommands: Int { statistics.changesOfCommands }

    private func hasKeyNearItsEnd(_ command: Command, _ call: borrowing Call) -> Bool {
        let database = call.database
        guard database.expiringCount > 0, let places = command.keys.places(call.arguments, call.count) else {
            return false
        }
        return places.contains { place in
            let key = call[place]
            guard let entry = database.table.find(key, database.hash(key)) else { return false }
            return entry.isNearItsEnd(now: database.now)
        }
    }
}

extension Entry {
    /// Lives here, and may be over where its effects arrive.
    func isNearItsEnd(now: Int64) -> Bool {
        hasExpiry && expiry > now && expiry &- now <= Effects.slack
    }
}

extension Command {
    /// The places of keys that the command may leave with an expiry: the first, or the first two. What writes more keys
    /// (DEL, MSET) leaves none of them with one.
    fileprivate var writtenKeys: Range<Int> {
        keys.first == 0 ? 0..<0 : keys.first..<keys.first + (keys.last == 2 ? 2 : 1)
    }
}
