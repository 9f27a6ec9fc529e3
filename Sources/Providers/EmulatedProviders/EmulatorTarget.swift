import BrokerModel
import CacheEmulator
import EventLoop
import ProviderKit
import ReplicationWire

/// Lets an emulator take in what another backing held.
struct EmulatorTarget: CopyTarget, EmulatorEnd {
    let end: LoopBound<TargetOnLoop>
    let loop: any EventLoop
    let clock: ClockOffset

    /// - Parameter clock: nil takes times in as they come.
    init(_ end: LoopBound<TargetOnLoop>, on loop: any EventLoop, _ clock: ClockOffset? = nil) {
        self.end = end
        self.loop = loop
        self.clock = clock ?? .none
    }

    func hurry() async {
        // A loop that has ended takes in nothing.
        let _: Void? = try? await loop.answer { [end] answer in answer.give(.success(end.value.hurry())) }
    }

    func apply(_ batch: CopyBatch) async throws(BrokerError) {
        for segment in batch.segments {
            let segment = try segment.translated(by: clock, of: .ours)
            var place = 0
            while place < segment.bytes.count {
                let first = place
                let progress: CommandIntake.Progress = try await loop.answer { [end] answer in
                    answer.give(end.value.apply(segment, from: first))
                }
                switch progress {
                case .done: place = segment.bytes.count
                case .paused(let next): place = next
                case .refused(let command, let words):
                    throw .commandRefused(command, words)
                }
            }
        }
    }
}

/// The loop's side of a target.
final class TargetOnLoop: EndOnLoop {
    private(set) var emulator: CacheEmulator?
    private var intake: CommandIntake?
    private let loop: any EventLoop
    private(set) var slice = LoopSlice.writing
    /// Time stood still, and does again at the end.
    private let hadTimeFrozen: Bool

    /// - Parameter hasTimeGoOn: also where it stands still.
    init(_ emulator: CacheEmulator, on loop: any EventLoop, hasTimeGoOn: Bool = false) {
        self.emulator = emulator
        self.loop = loop
        hadTimeFrozen = hasTimeGoOn && emulator.isTimeFrozen
        if hadTimeFrozen { emulator.resumeTime() }
        intake = CommandIntake(into: emulator)
    }

    deinit {
        // Whoever has forgotten to close it may do so anywhere.
        guard let intake else { return }
        let held = LoopBound(intake, on: loop)
        loop.post { held.value.close() }
    }

    func close() {
        if hadTimeFrozen, intake != nil { emulator?.freezeTime() }
        intake?.close()
        intake = nil
        emulator = nil
    }

    func hurry() { slice = min(slice * 2, LoopSlice.longestWriting) }

    func apply(_ segment: CopyBatch.Segment, from place: Int) -> Result<CommandIntake.Progress, BrokerError> {
        guard let intake else { return .failure(.closedCopy) }
        let deadline = ContinuousClock.now + slice
        return .success(intake.apply(segment.bytes, from: place, in: segment.database, until: deadline))
    }
}
