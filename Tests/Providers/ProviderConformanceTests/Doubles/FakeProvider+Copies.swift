import BrokerModel
import ProviderConformance
import ProviderKit
import Synchronization

extension FakeProvider: CopiesData {
    func openSource(_ request: CopySourceRequest) async throws(BrokerError) -> any CopySource {
        let (values, count) = try held(request.backing) { ($0.values, $0.journal.count) }
        let commands = values.sorted { $0.key < $1.key }.map { ["LOAD", $0.key, $0.value] }
        return FakeSource(self, request.backing, snapshot: commands, position: count)
    }

    func openTarget(_ request: CopyTargetRequest) async throws(BrokerError) -> any CopyTarget {
        FakeTarget(provider: self, backing: request.backing)
    }

    func survey(_ request: SurveyRequest) async throws(BrokerError) -> BackingSurvey {
        let count = (try? held(request.backing) { $0.values.count }) ?? 0
        var survey = BackingSurvey(keys: [0: breaks(.surveyCountsKeys) ? count + 1 : count])
        if request.sample > 0 { survey.drawn = ["string": .init(keys: 1, bytes: 1)] }
        return survey
    }

    func keyspaceEvents(of _: Backing) async throws(BrokerError) -> KeyspaceEventSet? { nil }

    func setKeyspaceEvents(_: KeyspaceEventSet, of backing: Backing) async throws(BrokerError) {
        throw BrokerError(
            .unsupported, "\(backing.provider) publishes no events", why: "it has none", fix: "broker status")
    }
}

/// What both ends are asked.
protocol FakeEnd: CopyEnd {
    var provider: FakeProvider { get }
    var backing: Backing { get }
}

extension FakeEnd {
    func counts() async throws(BrokerError) -> [Int: Int] {
        let count = try provider.held(backing) { $0.values.count }
        return count == 0 ? [:] : [0: count]
    }

    func keys(from _: CopyCursor?) async throws(BrokerError) -> CopyKeys {
        let names = try provider.held(backing) { $0.values.keys.sorted() }
        return CopyKeys(keys: names.map { CopyKey(database: 0, name: Array($0.utf8)) }, next: nil)
    }

    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] {
        try provider.held(backing) { held in
            keys.map { key in
                held.values[String(decoding: key.name, as: UTF8.self)].map { UInt64(bitPattern: Int64($0.hashValue)) }
            }
        }
    }

    func close() async {}
}

final class FakeSource: CopySource, FakeEnd {
    let provider: FakeProvider
    let backing: Backing
    /// Nil when it was handed out.
    private let snapshot: Mutex<[[String]]?>
    private let at: Mutex<Int>

    init(_ provider: FakeProvider, _ backing: Backing, snapshot: [[String]], position: Int) {
        self.provider = provider
        self.backing = backing
        self.snapshot = Mutex(snapshot)
        at = Mutex(position)
    }

    func position() async throws(BrokerError) -> Int64 {
        Int64(try provider.held(backing) { $0.journal.count })
    }

    func next() async throws(BrokerError) -> CopyBatch {
        let first = snapshot.withLock { snapshot in
            defer { snapshot = nil }
            return snapshot
        }
        if let first { return batch(first, keys: first.count) }
        let journal = try provider.held(backing) { $0.journal }
        let behind = at.withLock { at in
            defer { at = journal.count }
            return Array(journal[at...])
        }
        if behind.isEmpty {
            try? await Task.sleep(for: provider.breaks(.sourceDoesNotBlock) ? .seconds(3) : .milliseconds(1))
        }
        return batch(provider.breaks(.changesFollowTheCopy) ? [] : behind, keys: 0)
    }

    private func batch(_ commands: [[String]], keys: Int) -> CopyBatch {
        let bytes = commands.flatMap(FakeCommands.encoded)
        let segment = CopyBatch.Segment(database: 0, bytes: bytes, commands: commands.count)
        return CopyBatch(segments: [segment], keys: keys, position: at.withLock { Int64($0) })
    }
}

struct FakeTarget: CopyTarget, FakeEnd {
    let provider: FakeProvider
    let backing: Backing

    func apply(_ batch: CopyBatch) async throws(BrokerError) {
        let commands = batch.segments.flatMap { FakeCommands.read($0.bytes).commands }
        try provider.held(backing) { held in
            for command in commands {
                if provider.breaks(.copyArrivesAsItWas), command[0] == "LOAD", command[1].hasSuffix("7") { continue }
                FakeCommands.run(command, &held)
            }
        }
    }
}

/// So much of a redis server as the checks ask for: a value is what was done to it.
enum FakeCommands {
    static func encoded(_ words: [String]) -> [UInt8] {
        Array(("*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()).utf8)
    }

    /// The commands up to the first that cannot be read.
    static func read(_ bytes: [UInt8]) -> (commands: [[String]], isWhole: Bool) {
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)[
            ...]
        var commands: [[String]] = []
        while let line = lines.popFirst(), !line.isEmpty {
            guard line.hasPrefix("*"), let count = Int(line.dropFirst()), lines.count >= 2 * count else {
                return (commands, false)
            }
            commands.append((0..<count).map { lines[lines.startIndex + 2 * $0 + 1] }.map(String.init))
            lines = lines.dropFirst(2 * count)
        }
        return (commands, true)
    }

    static func run(_ words: [String], _ held: inout FakeProvider.Held) {
        held.journal.append(words)
        let rest = words.dropFirst(2).joined(separator: " ")
        switch words[0] {
        case "SET", "LOAD": held.values[words[1]] = rest
        case "DEL": held.values[words[1]] = nil
        default: held.values[words[1], default: ""] += "\(words[0]) \(rest);"
        }
    }
}
