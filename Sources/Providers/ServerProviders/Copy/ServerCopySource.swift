import BrokerModel
import ProviderKit
import RDBWire
import RESPWire
import Synchronization

/// Reads what a real server holds, and what changes from then on, as a replica of it does (PSYNC).
final class ServerCopySource: CopySource {
    private static let patience = Duration.seconds(60)
    /// How long `next` waits for changes.
    private static let wait = Duration.milliseconds(100)

    private let stream: ServerStream
    private let questions: ServerCopyQuestions
    private let name: String
    private let replica: Mutex<ReplicaStream?>

    /// - Parameter only: the one database of the server that is the resource's; nil where all are.
    init(
        _ login: RedisLogin, named name: String, only: Int?, contents: CopySourceRequest.Contents
    ) async throws(BrokerError) {
        self.name = name
        questions = ServerCopyQuestions(login, named: name, only: only)
        do throws(RedisProblem) {
            let stream = try await RedisAdmin.run { () throws(RedisProblem) in
                try ServerStream(login, timeout: .seconds(10))
            }
            self.stream = stream
            let replica = try await stream.run { stream throws(RedisProblem) in
                var replica = try ReplicaStream(stream, only: only)
                if contents == .changes { try replica.skipSnapshot(stream) }
                return replica
            }
            self.replica = Mutex(replica)
        } catch {
            throw Self.failure(error, name)
        }
    }

    func next() async throws(BrokerError) -> CopyBatch {
        do throws(RedisProblem) {
            let replica = replica.withLock { $0 }
            guard var replica else { throw .unreachable("the copy was ended") }
            let (batch, changed) = try await stream.run { [replica] stream throws(RedisProblem) in
                var replica = replica
                let batch = try replica.next(stream, until: .now + Self.wait)
                return (batch, replica)
            }
            replica = changed
            self.replica.withLock { $0 = replica }
            return batch
        } catch {
            throw Self.failure(error, name)
        }
    }

    func position() async throws(BrokerError) -> Int64 { try await questions.streamPosition() }
    func counts() async throws(BrokerError) -> [Int: Int] { try await questions.counts() }
    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys { try await questions.keys(from: cursor) }
    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] { try await questions.digests(of: keys) }

    func close() async {
        stream.interrupt()
        questions.close()
    }

    private static func failure(_ problem: RedisProblem, _ name: String) -> BrokerError {
        guard case .refused(let text) = problem else { return problem.brokerError(name, fix: nil) }
        return BrokerError(
            .unsupported, "the data of \"\(name)\" cannot be copied", why: "it says: \(text.prefix(200))",
            fix: "swap with --cold: connections are closed and no data is copied")
    }
}

/// Where a replica is in its master's stream.
struct ReplicaStream: Sendable {
    private enum Phase: Sendable {
        case snapshot(SnapshotReader)
        case changes
    }

    /// About so many bytes are handed out at once.
    private static let batchSize = 256 << 10
    private static let timeout = Duration.seconds(60)
    private static let ackInterval = Duration.seconds(1)

    private let only: Int?
    private var phase: Phase
    /// Bytes of the stream that were dealt with, as the master counts.
    private var offset: Int64
    /// The database that the stream has selected.
    private var database = 0
    private var acknowledged = ContinuousClock.now

    /// Asks for everything: a snapshot, and the stream behind it.
    init(_ stream: ServerStream, only: Int?) throws(RedisProblem) {
        self.only = only
        // Without the capability "eof" the server writes its snapshot to a file first. As it is made it would begin only
        // after a while in which it waits for other replicas, and the stream behind it with a second acknowledgement.
        _ = try Self.ask(["REPLCONF", "capa", "psync2"], stream)
        let answer = try Self.ask(["PSYNC", "?", "-1"], stream)
        let words = answer.split(separator: " ")
        guard words.first == "FULLRESYNC", words.count >= 3, let begin = Int64(words[2]) else {
            throw .otherProtocol("it answers PSYNC with \"\(answer.prefix(80))\"")
        }
        offset = begin
        phase = .snapshot(try SnapshotReader(stream, until: .now + Self.timeout))
    }

    /// The line that a command is answered with; newlines keep the connection alive meanwhile.
    private static func ask(_ words: [String], _ stream: ServerStream) throws(RedisProblem) -> String {
        try stream.send(RequestEncoding.bytes(words), within: timeout)
        while true {
            let line = try stream.line(until: .now + timeout)
            guard !line.isEmpty else { continue }
            guard line.first == "+" else {
                guard line.first == "-" else { throw .otherProtocol("it answers \(words[0]) with what is no reply") }
                throw .refused(String(line.dropFirst()))
            }
            return String(line.dropFirst())
        }
    }

    mutating func skipSnapshot(_ stream: ServerStream) throws(RedisProblem) {
        while case .snapshot(let reader) = phase {
            if try reader.next() == nil { phase = .changes }
        }
        try acknowledge(stream, .now)
    }

    mutating func next(
        _ stream: ServerStream, until deadline: ContinuousClock.Instant
    ) throws(RedisProblem) -> CopyBatch {
        switch phase {
        case .snapshot(let reader): return try nextOfSnapshot(reader, stream)
        case .changes: return try nextChanges(stream, until: deadline)
        }
    }

    // MARK: the snapshot

    private mutating func nextOfSnapshot(
        _ reader: SnapshotReader, _ stream: ServerStream
    ) throws(RedisProblem) -> CopyBatch {
        var batch = CopyBatch()
        var size = 0
        while size < Self.batchSize {
            guard let part = try reader.next() else {
                phase = .changes
                batch.position = offset
                try acknowledge(stream, .now)
                break
            }
            guard part.isFunction || only == nil || only == part.database else { continue }
            size += part.command.count
            batch.add(part.command[...], to: only == nil ? part.database : 0)
            if !part.isFunction { batch.keys += 1 }
        }
        return batch
    }

    // MARK: the stream

    private mutating func nextChanges(
        _ stream: ServerStream, until deadline: ContinuousClock.Instant
    ) throws(RedisProblem) -> CopyBatch {
        var batch = CopyBatch()
        while true {
            var refusal: RedisProblem?
            let used = take(stream.unread, into: &batch, &refusal)
            stream.take(used)
            offset += Int64(used)
            if let refusal { throw refusal }
            if used > 0 { break }
            guard try stream.receive(until: deadline) else { break }
        }
        batch.position = offset
        let now = ContinuousClock.now
        if acknowledged.duration(to: now) >= Self.ackInterval { try acknowledge(stream, now) }
        return batch
    }

    /// Takes whole commands; returns how many bytes they had.
    private mutating func take(_ bytes: ArraySlice<UInt8>, into batch: inout CopyBatch, _ refusal: inout RedisProblem?)
        -> Int
    {
        let requests = RequestBatch()
        return bytes.withUnsafeBytes { bytes in
            var position = 0
            while position < bytes.count, refusal == nil, batch.size < Self.batchSize {
                var partial = PartialRequest()
                let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
                let end = requests.parse(rest, limits: .authenticated, partial: &partial)
                var start = requests.count == 0 ? requests.skipped : 0
                for index in 0..<requests.count where refusal == nil {
                    let request = requests[index]
                    let raw = UnsafeRawBufferPointer(rebasing: rest[start..<request.end])
                    refusal = take(requests.arguments + request.first, request.count, raw, into: &batch)
                    start = request.end
                }
                position += start
                if case .failed = end { refusal = .otherProtocol("its stream is no sequence of commands") }
                if end != .full { break }
            }
            return position
        }
    }

    /// What is to be said of a command that cannot be carried over.
    private mutating func take(
        _ words: UnsafeMutablePointer<Bytes>, _ count: Int, _ raw: UnsafeRawBufferPointer, into batch: inout CopyBatch
    ) -> RedisProblem? {
        let name = words[0]
        if name.isWord("select") {
            database = count > 1 ? Int(words[1].integer ?? 0) : 0
            return nil
        }
        // Not data; and of a transaction every command counts for itself.
        for word in ["ping", "replconf", "multi", "exec", "publish", "spublish"] as [StaticString]
        where name.isWord(word) {
            return nil
        }
        guard let only else {
            batch.add(Array(raw)[...], to: database)
            return nil
        }
        if name.isWord("flushall") {
            batch.add(RequestEncoding.bytes(["FLUSHDB"])[...], to: 0)
            return nil
        }
        let isAcross =
            name.isWord("swapdb") || name.isWord("move")
            || name.isWord("copy") && (3..<max(count, 3)).contains { words[$0].isWord("db") }
        if isAcross {
            let number = Array("\(only)".utf8)
            let isOurs = database == only || (1..<count).contains { words[$0].array == number }
            return isOurs ? .refused("ERR somebody moved data between databases: \(name.text.uppercased())") : nil
        }
        if database == only { batch.add(Array(raw)[...], to: 0) }
        return nil
    }

    private mutating func acknowledge(_ stream: ServerStream, _ now: ContinuousClock.Instant) throws(RedisProblem) {
        acknowledged = now
        try stream.send(RequestEncoding.bytes(["REPLCONF", "ACK", "\(offset)"]), within: Self.timeout)
    }
}

extension CopyBatch {
    mutating func add(_ command: ArraySlice<UInt8>, to database: Int) {
        if segments.last?.database != database { segments.append(Segment(database: database)) }
        segments[segments.count - 1].bytes += command
        segments[segments.count - 1].commands += 1
    }
}
