/// Hashes and sets of entries, to be read and to be written.
extension Database {
    @inline(__always) func hashValue(_ entry: Entry) -> HashValue { HashValue(entry, memory) }

    /// The hash of an entry, to be written; its entry may be another one than before.
    @inline(__always) func ownedHash(_ entry: Entry, _ hash: UInt64) -> HashValue {
        HashValue(owned(entry, hash), memory)
    }

    @inline(__always) func set(_ entry: Entry) -> SetValue { SetValue(entry, memory) }

    /// The set of an entry, to be written; its entry may be another one than before.
    @inline(__always) func ownedSet(_ entry: Entry, _ hash: UInt64) -> SetValue {
        SetValue(owned(entry, hash), memory)
    }
}
