/// The tubes that exist, by name and in the order that `list-tubes` shows.
struct TubeTable {
    /// A tube that vanishes leaves its place to the last one, as in 1.12.
    private(set) var list: [Tube] = []
    private var byHash: [Int: Tube] = [:]

    func find(_ name: UnsafeRawBufferPointer) -> Tube? {
        find(name, hash: Self.hash(name))
    }

    mutating func findOrMake(_ name: UnsafeRawBufferPointer) -> Tube {
        let hash = Self.hash(name)
        if let tube = find(name, hash: hash) { return tube }
        let tube = Tube(name: name, hash: hash)
        tube.listIndex = list.count
        list.append(tube)
        tube.sameHash = byHash[hash]
        byHash[hash] = tube
        return tube
    }

    mutating func remove(_ tube: Tube) {
        let last = list.removeLast()
        if last !== tube {
            list[tube.listIndex] = last
            last.listIndex = tube.listIndex
        }
        var previous: Tube?
        var candidate = byHash[tube.hash]
        while let current = candidate, current !== tube {
            previous = current
            candidate = current.sameHash
        }
        if let previous { previous.sameHash = tube.sameHash } else { byHash[tube.hash] = tube.sameHash }
        tube.sameHash = nil
    }

    private func find(_ name: UnsafeRawBufferPointer, hash: Int) -> Tube? {
        var candidate = byHash[hash]
        while let tube = candidate {
            if tube.name.count == name.count, tube.name.elementsEqual(name) { return tube }
            candidate = tube.sameHash
        }
        return nil
    }

    /// Seeded per process, so that names cannot be chosen to collide.
    private static func hash(_ name: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: name)
        return hasher.finalize()
    }
}
