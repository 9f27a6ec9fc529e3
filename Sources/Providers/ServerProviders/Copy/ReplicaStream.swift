import BrokerModel
import Processes
import ProviderKit
import ReplicationWire
import Synchronization

/// A snapshot and the stream behind it, read into a queue by a thread of its own, as a replica reads them.
final class ReplicaStream: Sendable {
    private let interruption = Interruption()
    private let queue: BatchQueue
    private let thread = WorkerThread()
    private let reader: ReplicaReader

    /// `place` is numeric: a lost link is made again to the same server.
    init(
        _ server: CopyServer, at place: ProviderURL.Place, _ clock: ClockOffset, _ contents: CopySourceRequest.Contents,
        _ queue: BatchQueue
    ) {
        self.queue = queue
        reader = ReplicaReader(server, at: place, clock, contents, queue, interruption)
    }

    /// The name of the history that the stream is of; nil before it has begun.
    var historyID: String? { reader.historyID.withLock { $0 } }

    /// Returns when the master has set the place in its history from which everything comes.
    func start() async throws(BrokerError) {
        let result: Result<Void, BrokerError> = await withTaskCancellationHandler { [reader, thread] in
            do throws(BrokerError) {
                return .success(try await thread.run { () throws(BrokerError) in try reader.open() })
            } catch {
                return .failure(error)
            }
        } onCancel: {
            interruption.raise()
        }
        try result.get()
        thread.start { [reader] in reader.follow() }
    }

    func close() async {
        interruption.raise()
        queue.close()
        await thread.stop()
    }
}

/// What the thread of a `ReplicaStream` does.
///
/// Safe to share: only the jobs of that one thread touch it, one after the other; `historyID` has a lock of its own.
private final class ReplicaReader: @unchecked Sendable {
    private let server: CopyServer
    private let place: ProviderURL.Place
    private let clock: ClockOffset
    private let contents: CopySourceRequest.Contents
    private let queue: BatchQueue
    private let interruption: Interruption
    private var link: ReplicaLink?
    /// How the snapshot comes; nil before it was granted.
    private var form: SnapshotForm?
    /// Where the stream begins; nil before a master has announced a snapshot.
    private var begin: Int64?
    let historyID = Mutex<String?>(nil)

    init(
        _ server: CopyServer, at place: ProviderURL.Place, _ clock: ClockOffset, _ contents: CopySourceRequest.Contents,
        _ queue: BatchQueue, _ interruption: Interruption
    ) {
        self.server = server
        self.clock = clock
        self.place = place
        self.contents = contents
        self.queue = queue
        self.interruption = interruption
    }

    /// Asks for a snapshot and returns when its bytes are next. One that the master cannot write to a file is asked for
    /// without.
    func open() throws(BrokerError) {
        do throws(ReplicaLink.Failure) {
            do throws(ReplicaLink.Failure) {
                try open(isDiskless: false)
            } catch {
                guard begin != nil, error.mayBeTheDisk, !interruption.isRaised else { throw error }
                try open(isDiskless: true)
            }
        } catch {
            throw brokerError(error)
        }
    }

    private func open(isDiskless: Bool) throws(ReplicaLink.Failure) {
        let link = try ReplicaLink(server, at: place, from: .snapshot(isDiskless: isDiskless), queue, interruption)
        guard case .snapshot(let id, let offset) = try link.begin() else {
            throw .problem(.otherProtocol("it goes on with a stream that was not begun"))
        }
        begin = offset
        form = try link.snapshotForm()
        self.link = link
        historyID.withLock { $0 = id }
    }

    /// Reads until the source is lost or closed; the queue is told.
    func follow() {
        defer { link = nil }
        do throws(BrokerError) {
            guard let link, let form, let begin else { return }
            try SnapshotReader(link, server, clock, queue, contents).read(form)
            try readStream(from: begin)
        } catch {
            queue.fail(interruption.isRaised ? server.closed : error)
        }
    }

    private func readStream(from begin: Int64) throws(BrokerError) {
        var commands = CommandStream(offset: begin)
        var filter = StreamFilter(server.scope)
        queue.push(CopyBatch(), position: begin)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        // The first acknowledgement makes a master that sent the snapshot without a file begin the stream.
        var mustAcknowledge = true
        while true {
            do throws(RedisProblem) {
                guard let link else { throw .unreachable("the link is down") }
                if mustAcknowledge { try link.acknowledge(begin) }
                mustAcknowledge = false
                let count = try link.read(buffer)
                commands.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            } catch {
                link = nil
                if interruption.isRaised { throw server.closed }
                commands.restart()
                link = try linkAgain(behind: commands.offset, error)
                mustAcknowledge = true
            }
            let isAsked = try take(&commands, &filter)
            mustAcknowledge = mustAcknowledge || isAsked
        }
    }

    /// Hands on what has come; true when the master asks how far that is.
    private func take(_ commands: inout CommandStream, _ filter: inout StreamFilter) throws(BrokerError) -> Bool {
        var part = CopyBatch()
        var isAsked = false
        while let command = try whole(&commands) {
            switch filter.effect(of: clock.translated(command, of: .theirs) ?? command) {
            case .nothing: break
            case .acknowledge: isAsked = true
            case .apply(let database, let bytes): part.append(bytes, for: database)
            case .refused(let why): throw server.unsupported(why)
            }
        }
        queue.push(part, position: commands.offset)
        return isAsked
    }

    private func whole(_ commands: inout CommandStream) throws(BrokerError) -> ReplicatedCommand? {
        do throws(ReplicationError) {
            return try commands.next()
        } catch {
            throw server.error(.otherProtocol("\(error)"))
        }
    }

    /// Asks for the stream where it broke, until it is granted, refused for good, or the time is over.
    private func linkAgain(behind offset: Int64, _ problem: RedisProblem) throws(BrokerError) -> ReplicaLink {
        let clock = ContinuousClock()
        let deadline = clock.now + server.limits.reconnect
        var pause = Duration.milliseconds(5)
        while true {
            let id = historyID.withLock { $0 } ?? "?"
            do throws(ReplicaLink.Failure) {
                let start = ReplicationHandshake.Start.behind(id: id, offset: offset)
                let link = try ReplicaLink(server, at: place, from: start, queue, interruption)
                guard case .stream(let id) = try link.begin() else {
                    throw .problem(.otherProtocol("it begins with a snapshot that was not asked for"))
                }
                historyID.withLock { $0 = id }
                return link
            } catch {
                if interruption.isRaised { throw server.closed }
                switch error {
                case .problem(.unreachable(let why)):
                    if clock.now >= deadline { throw server.lost(why) }
                case .refused(let refusal) where refusal.reason == .notReady:
                    if clock.now >= deadline { throw server.lost(refusal.words) }
                case .problem, .refused: throw brokerError(error)
                }
            }
            queue.pause(pause)
            pause = min(pause * 2, .milliseconds(500))
        }
    }

    private func brokerError(_ failure: ReplicaLink.Failure) -> BrokerError {
        if interruption.isRaised { return server.closed }
        return switch failure {
        case .problem(let problem): server.error(problem)
        case .refused(let refusal): server.error(refusal)
        }
    }
}
