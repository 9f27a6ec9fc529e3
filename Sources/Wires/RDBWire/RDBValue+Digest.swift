extension RDBValue {
    /// Tells whether two values are the same for whoever reads them: sets and hashes in whatever order their members
    /// stand, streams without what servers note on their own account: when a consumer was last seen, and how many entries a group
    /// has read, which Redis 7.0 does not tell its replicas.
    ///
    /// Equal only within one process: the function is keyed afresh by each.
    public func digest(expiry: Int64?) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(expiry)
        switch self {
        case .string(let bytes):
            hasher.combine(0)
            hasher.combine(bytes)
        case .list(let elements):
            hasher.combine(1)
            hasher.combine(elements)
        case .set(let members):
            hasher.combine(2)
            hasher.combine(Self.sum(members) { $1.combine($0) })
        case .sortedSet(let members):
            hasher.combine(3)
            hasher.combine(
                Self.sum(members) {
                    $1.combine($0.member)
                    $1.combine($0.score)
                })
        case .hash(let fields):
            hasher.combine(4)
            hasher.combine(Self.sum(fields) { $0.feed(&$1) })
        case .stream(let stream):
            hasher.combine(5)
            stream.feed(&hasher)
        }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// The same for every order of the elements.
    private static func sum<Element>(_ elements: [Element], _ feed: (Element, inout Hasher) -> Void) -> Int {
        var sum = elements.count
        for element in elements {
            var hasher = Hasher()
            feed(element, &hasher)
            sum &+= hasher.finalize()
        }
        return sum
    }
}

extension RDBField {
    fileprivate func feed(_ hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(value)
    }
}

extension RDBStream {
    fileprivate func feed(_ hasher: inout Hasher) {
        hasher.combine(entries.count)
        for entry in entries {
            hasher.combine(entry.id)
            hasher.combine(entry.fields.count)
            for field in entry.fields { field.feed(&hasher) }
        }
        hasher.combine(lastID)
        hasher.combine(maxDeletedID)
        hasher.combine(entriesAdded)
        hasher.combine(groups.count)
        for group in groups {
            hasher.combine(group.name)
            hasher.combine(group.lastDelivered)
            // Their order is the server's own.
            hasher.combine(Set(group.consumers.map(\.name)))
            hasher.combine(group.pending.count)
            for pending in group.pending {
                hasher.combine(pending.id)
                hasher.combine(group.consumers[pending.consumer].name)
                hasher.combine(pending.deliveries)
            }
        }
    }
}
