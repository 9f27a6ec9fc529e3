import BrokerModel
import CacheEmulator
import EventLoop
import ProviderKit
import ReplicationWire

/// Hands out what an emulator holds: its snapshot in slices, then its effects.
struct EmulatorSource: CopySource, EmulatorEnd {
    let end: LoopBound<SourceOnLoop>
    let loop: any EventLoop
    let clock: ClockOffset

    /// - Parameter clock: nil hands times out as the cache has them.
    init(_ end: LoopBound<SourceOnLoop>, on loop: any EventLoop, _ clock: ClockOffset? = nil) {
        self.end = end
        self.loop = loop
        self.clock = clock ?? .none
    }

    func next() async throws(BrokerError) -> CopyBatch {
        var batch = CopyBatch()
        while true {
            let part: SourceOnLoop.Part = try await loop.answer { [end] answer in end.value.next(answer) }
            for segment in part.segments {
                batch.segments.append(try CopyBatch.Segment(segment).translated(by: clock, of: .theirs))
            }
            batch.position = part.position
            batch.keys += part.keys
            if part.position != nil || batch.size >= SourceOnLoop.batchSize { return batch }
        }
    }

    func position() async throws(BrokerError) -> Int64 {
        try await loop.answer { [end] answer in answer.give(end.value.position) }
    }
}

/// The loop's side of a source.
final class SourceOnLoop: EndOnLoop {
    struct Part: Sendable {
        var segments: [CommandSegment] = []
        /// Of the snapshot.
        var keys = 0
        /// As of a batch.
        var position: Int64?
    }

    static let batchSize = 256 << 10
    /// What may wait until it is fetched.
    static let limit = 64 << 20
    /// How long `next` waits for effects, in nanoseconds.
    private static let patience: UInt64 = 100_000_000

    private(set) var emulator: CacheEmulator?
    private let loop: any EventLoop
    private let log: EffectLog
    private var snapshot: KeyspaceSnapshot?
    /// How often the cache's time had been moved when this began; nil where its times are handed out as they are.
    private let timeMoves: UInt64?

    /// Who waits for effects. The timer holds it: where the loop ends, it goes with the timer.
    private weak var waiting: LoopAnswer<Part>?
    private var timer: TimerToken?

    /// - Parameter translates: what is handed out has the system's times, which holds until the cache's time is moved.
    init(_ emulator: CacheEmulator, on loop: any EventLoop, readsSnapshot: Bool, translates: Bool = false) {
        self.emulator = emulator
        self.loop = loop
        timeMoves = translates ? emulator.timeMoves : nil
        log = emulator.openEffects(limit: Self.limit)
        if readsSnapshot { snapshot = emulator.snapshot() }
        log.wake = { [weak self] in self?.wake() }
    }

    /// Of what an image holds, and nothing that changes.
    init(of image: KeyspaceImage, by emulator: CacheEmulator, on loop: any EventLoop) {
        self.emulator = emulator
        self.loop = loop
        timeMoves = nil
        log = emulator.openEffects(limit: 0)
        emulator.closeEffects(log)
        snapshot = emulator.snapshot(of: image)
    }

    /// Has the emulator go back to an image. What this one has not handed out by now it never does: the source that is
    /// returned hands out what changes from here on.
    func restore(_ image: KeyspaceImage) -> Result<SourceOnLoop, BrokerError> {
        guard let emulator else { return .failure(.closedCopy) }
        do throws(CacheEmulator.BeginRefusal) {
            try emulator.restore(image, apartFrom: log)
        } catch {
            return .failure(.cannotBegin(error))
        }
        emulator.closeEffects(log)
        emulator.noteChange()
        return .success(SourceOnLoop(emulator, on: loop, readsSnapshot: false))
    }

    /// Whoever waits for effects is answered without.
    func stopPatience() {
        if let waiting { giveEffects(waiting) }
    }

    deinit {
        // Whoever has forgotten to close it may do so anywhere.
        guard let emulator else { return }
        let held = LoopBound((emulator: emulator, log: log, snapshot: snapshot), on: loop)
        loop.post {
            held.value.snapshot?.close()
            held.value.emulator.closeEffects(held.value.log)
        }
    }

    func close() {
        snapshot?.close()
        snapshot = nil
        emulator?.closeEffects(log)
        emulator = nil
        let answer = waiting
        stopWaiting()
        answer?.give(.failure(.closedCopy))
    }

    var position: Result<Int64, BrokerError> {
        if emulator == nil { return .failure(.closedCopy) }
        return failure.map { .failure($0) } ?? .success(log.position)
    }

    /// Effects up to a position are on disk.
    func committed(_ position: Int64) {
        emulator?.commits?.committed(log.start + position)
    }

    /// Gives the next part: at once while the snapshot is read, else when there are effects or the patience is over.
    func next(_ answer: LoopAnswer<Part>) {
        guard emulator != nil else { return answer.give(.failure(.closedCopy)) }
        if failure != nil || snapshot == nil && !log.isEmpty { return giveEffects(answer) }
        if let snapshot { return giveKeys(of: snapshot, answer) }
        waiting = answer
        timer = loop.schedule(after: Self.patience) { [weak self] in
            self?.timer = nil
            self?.giveEffects(answer)
        }
    }

    private func giveKeys(of snapshot: KeyspaceSnapshot, _ answer: LoopAnswer<Part>) {
        do throws(KeyspaceSnapshot.Unreadable) {
            var part = Part()
            let libraries = snapshot.librariesTaken
            part.segments = try snapshot.next(Self.batchSize, until: ContinuousClock.now + LoopSlice.reading)
            part.keys = part.segments.reduce(0) { $0 + $1.commands } - (snapshot.librariesTaken - libraries)
            if snapshot.isComplete {
                self.snapshot = nil
                part.position = log.taken
            }
            answer.give(.success(part))
        } catch {
            answer.give(.failure(Self.unreadable(error.reason)))
        }
    }

    private func giveEffects(_ answer: LoopAnswer<Part>) {
        stopWaiting()
        if let failure { return answer.give(.failure(failure)) }
        let segments = log.take(Self.batchSize)
        answer.give(.success(Part(segments: segments, position: log.taken)))
    }

    /// Something has come within a command. Who waits is woken after the turn: all effects of a turn go together.
    private func wake() {
        guard waiting != nil || log.loss != nil else { return }
        let bound = LoopBound(self, on: loop)
        loop.post { bound.value.wakeAfterTurn() }
    }

    private func wakeAfterTurn() {
        if log.loss != nil {
            snapshot?.close()
            snapshot = nil
        }
        if let waiting { giveEffects(waiting) }
    }

    private func stopWaiting() {
        if let timer { loop.cancel(timer) }
        timer = nil
        waiting = nil
    }

    // MARK: failures

    private var failure: BrokerError? {
        switch log.loss {
        case .none: timeMoves.map { $0 != emulator?.timeMoves } == true ? .clockMoved : nil
        case .outgrown(let limit):
            BrokerError(
                .timedOut, "the copy does not converge",
                why: "more than \(limit >> 20) MiB of changes wait, since more is written than is taken over",
                fix: "swap again when less is written")
        case .notEncodable(let reason): Self.unreadable(reason)
        }
    }

    private static func unreadable(_ reason: String) -> BrokerError {
        BrokerError(
            .internalFailure, "a value of the emulator cannot be copied", why: reason,
            fix: "delete the value, then swap again")
    }
}
