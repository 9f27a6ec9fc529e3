import RESPWire

extension Database {
    /// Adds a copy of a value, in the same form, of this or another database of the keyspace, under a key that is not
    /// here.
    func insertCopy(of entry: Entry, as key: Bytes, _ hash: UInt64) {
        let expiry = entry.hasExpiry ? entry.expiry : nil
        if entry.type == .string {
            let made = entry.renamed(key, in: memory)
            made.setAccess(0)  // a copy has not been used
            return insert(made, hash)
        }
        if entry.type == .stream {
            let made = Entry.make(key: key, valueLength: 8, type: .stream, encoding: 0, expiry: expiry, in: memory)
            made.pointer = stream(entry).duplicated(in: memory).block
            return insert(made, hash)
        }
        let made = make(entry.type, key, hash)
        let limits = memory.packing
        memory.packing = .none
        defer { memory.packing = limits }
        switch entry.type {
        case .string, .stream: break
        case .list:
            let from = list(entry)
            let to = list(made)
            from.forEach(from: 0, to: from.count) { to.append($0, in: memory) }
        case .set:
            let to = SetValue(made, memory)
            let from = SetValue(entry, memory)
            if !from.hasIntegers { to.becomeTable() }
            from.forEach { _ = to.insert($0) }
        case .hash:
            let to = HashValue(made, memory)
            let from = HashValue(entry, memory)
            if !from.isPacked { to.becomeTable() }
            from.forEach { _ = to.set($0, $1) }
        case .sortedSet:
            let to = SortedSet(made, memory)
            let from = SortedSet(entry, memory)
            if !from.isPacked { to.becomeIndexed() }
            from.forEach { to.insert($0, score: $1) }
        }
        if let expiry { setExpiry(expiry, of: made, hash) }
    }
}
