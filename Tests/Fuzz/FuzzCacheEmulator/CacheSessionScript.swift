import FuzzClient
import RESPWire

@testable import CacheEmulator

/// Plays the lines of an input: what begins with `@` is for the script, the rest are requests; neighbours come in one read.
///
///     @client N   goes on as client N of 4      @pass N     lets N milliseconds pass
///     @gone       the client is gone            @snapshot   begins a snapshot
///                                               @drop       ends the oldest one
///
/// A word `~5000` stands for as many letters, `~w9` for nine members, `~p9` for nine numbers with members, `~n9` for nine
/// numbers: large values from short inputs.
final class CacheSessionScript {
    private let loop = ManualLoop()
    private let emulator: CacheEmulator
    private let front = ScriptFront()
    private let batch = RequestBatch()
    private let usedAtStart: Int
    private var clients: [Int: ClientAtHand] = [:]
    private var current = 0
    private var lastID: Int64 = 0
    private var snapshots: [UInt32] = []
    /// Nobody subscribes or looks on: every request has exactly one reply.
    private var countsReplies = true

    init() {
        emulator = CacheEmulator(loop: loop)
        usedAtStart = emulator.memory.arena.used
    }

    func play(_ input: [UInt8]) {
        countsReplies = !["ubscribe", "monitor"].contains { contains(input, $0) }
        var together: [UInt8] = []
        for line in input.split(separator: UInt8(ascii: "\n")) {
            if line.first == UInt8(ascii: "@") {
                send(together)
                together = []
                obey(String(decoding: line.dropFirst(), as: UTF8.self).split(separator: " ").map(String.init))
            } else if !asksForMuch(Array(line)) {
                together += expanded(line) + [10]
            }
        }
        send(together)
    }

    /// What must be so whatever has been asked for.
    func check() {
        for name in snapshots { emulator.memory.endSnapshot(name) }
        snapshots = []
        for client in clients.values { emulator.clientGone(client.client) }
        let client = connect()
        countsReplies = true
        // What is dumped has to have room again.
        _ = client.ask("CONFIG SET maxmemory 0", emulator)
        for database in emulator.databases {
            database.checkStructure()
            client.client.database = database.number
            checkScan(client, database)
            checkDumps(client, database)
        }
        precondition(client.ask("FLUSHALL", emulator) == [UInt8]("+OK\r\n".utf8))
        // What is large is freed a part at a time.
        _ = emulator.memory.freeDiscarded(.max)
        precondition(emulator.memory.arena.used == usedAtStart, "memory that nobody gives back")
        precondition(emulator.watchers.isEmpty, "watched keys of clients that are gone")
    }

    /// KEYS takes out what has expired; after it DBSIZE is the number of keys, and SCAN gives each of them.
    private func checkScan(_ client: ClientAtHand, _ database: Database) {
        _ = client.ask("KEYS *", emulator)
        precondition(client.ask("DBSIZE", emulator) == [UInt8](":\(database.count)\r\n".utf8))
        var seen: Set<[UInt8]> = []
        var cursor: UInt64 = 0
        repeat {
            cursor = database.table.scan(from: cursor, wanted: 7) { seen.insert($0.key.array) }
        } while cursor != 0
        precondition(seen.count == database.count, "SCAN gives \(seen.count) of \(database.count) keys")
    }

    /// What DUMP gives, RESTORE takes.
    private func checkDumps(_ client: ClientAtHand, _ database: Database) {
        var keys: [[UInt8]] = []
        database.table.forEach { if keys.count < 20 { keys.append($0.key.array) } }
        for key in keys {
            let reply = client.ask([Array("DUMP".utf8), key], emulator)
            guard let end = reply.firstIndex(of: 10), reply.first == UInt8(ascii: "$") else {
                preconditionFailure("DUMP gave \(String(decoding: reply, as: UTF8.self))")
            }
            let payload = Array(reply[(end + 1)...].dropLast(2))
            let answer = client.ask(["RESTORE", "\u{1}copy", "0"].map { Array($0.utf8) } + [payload], emulator)
            precondition(answer == [UInt8]("+OK\r\n".utf8), "RESTORE gave \(String(decoding: answer, as: UTF8.self))")
            _ = client.ask("DEL \u{1}copy", emulator)
        }
    }

    private func obey(_ words: [String]) {
        let number = words.count > 1 ? Int(words[1]) ?? 0 : 0
        switch words.first {
        case "client": current = number & 3
        case "gone": drop(current)
        case "pass": loop.advance(milliseconds: Int64(min(max(number, 0), 1_000_000_000)))
        case "snapshot": if snapshots.count < 4 { snapshots.append(emulator.memory.beginSnapshot()) }
        case "drop": if !snapshots.isEmpty { emulator.memory.endSnapshot(snapshots.removeFirst()) }
        default: break
        }
    }

    private func send(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        let client = clients[current] ?? connect()
        clients[current] = client
        let goesOn = client.run(bytes, emulator, countsReplies: countsReplies)
        for other in clients.values { other.takeReplies() }
        if !goesOn { drop(current) }
    }

    private func connect() -> ClientAtHand {
        lastID += 1
        return ClientAtHand(id: lastID, emulator, front, batch)
    }

    private func drop(_ number: Int) {
        if let client = clients.removeValue(forKey: number) { emulator.clientGone(client.client) }
    }

    // MARK: what inputs are spared

    /// Offsets and counts that Redis allows too and that cost hundreds of megabytes, and what is answered otherwise.
    private func asksForMuch(_ line: [UInt8]) -> Bool {
        // A replica is sent a file, which is no reply.
        if contains(line, "sync") { return true }
        let names = ["setrange", "setbit", "bitfield", "randmember", "randfield"]
        guard names.contains(where: { contains(line, $0) }) else { return false }
        var digits = 0
        for byte in line {
            digits = (48...57).contains(byte) ? digits + 1 : 0
            if digits > 3 { return true }
        }
        return false
    }

    /// Whether `bytes` hold a word, letters folded.
    private func contains(_ bytes: [UInt8], _ word: String) -> Bool {
        let word = Array(word.utf8)
        guard bytes.count >= word.count else { return false }
        return (0...bytes.count - word.count).contains { start in
            word.indices.allSatisfy { Bytes.folded(bytes[start + $0]) == word[$0] }
        }
    }

    private func expanded(_ line: ArraySlice<UInt8>) -> [UInt8] {
        guard line.contains(UInt8(ascii: "~")) else { return Array(line) }
        let words = line.split(separator: 32, omittingEmptySubsequences: false)
        return Array(words.map { expandedWord($0) }.joined(separator: [32]))
    }

    private func expandedWord(_ word: ArraySlice<UInt8>) -> [UInt8] {
        guard word.first == UInt8(ascii: "~"), word.count > 1 else { return Array(word) }
        let text = String(decoding: word.dropFirst(), as: UTF8.self)
        if let count = Int(text), count >= 0 { return [UInt8](repeating: 120, count: min(count, 9999)) }
        let count = min(max(Int(text.dropFirst()) ?? 0, 0), 999)
        switch text.first {
        case "w": return Array((0..<count).map { "w\($0)" }.joined(separator: " ").utf8)
        case "p": return Array((0..<count).map { "\($0) w\($0)" }.joined(separator: " ").utf8)
        case "n": return Array((0..<count).map { "\($0 * $0)" }.joined(separator: " ").utf8)
        default: return Array(word)
        }
    }
}
