import RESPWire

@testable import CacheEmulator

/// Any bytes as the value that RESTORE is given, behind its checksum: no crash, all memory comes back, and what was taken
/// can be dumped and taken again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDumpPayload(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let memory = Memory(seed: 1)
    let database = Database(number: 0, memory: memory, clock: KeyspaceClock())
    let usedAtStart = memory.arena.used
    if let entry = try? database.makeEntry(Bytes("key"), payload: UnsafeRawBufferPointer(start: start, count: count)) {
        let members = memberCount(of: entry, database)
        precondition(members > 0, "an empty \(entry.type.name)")
        guard let payload = try? database.payload(of: entry, by: PayloadMaker()),
            let again = try? payload.withUnsafeBytes({ try database.makeEntry(Bytes("key"), payload: $0) })
        else { preconditionFailure("a \(entry.type.name) that cannot be dumped and taken again") }
        precondition(again.type == entry.type && memberCount(of: again, database) == members)
        database.discard(entry)
        database.discard(again)
    }
    precondition(memory.arena.used == usedAtStart, "memory that nobody gives back")
    return 0
}

private func memberCount(of entry: Entry, _ database: Database) -> Int {
    var count = 0
    switch entry.type {
    case .string: count = 1
    case .list: count = database.list(entry).count
    case .set: SetValue(entry, database.memory).forEach { _ in count += 1 }
    case .hash: HashValue(entry, database.memory).forEach { _, _ in count += 1 }
    case .sortedSet:
        database.sortedSet(entry).forEach { _, score in
            precondition(!score.isNaN, "a score that is no number")
            count += 1
        }
    case .stream:
        // One without entries is a value all the same.
        count = database.stream(entry).length + 1
    }
    return count
}
