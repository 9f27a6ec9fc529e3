import BrokerModel
import CacheEmulator
import EventLoop
import ProviderKit
import ReplicationWire

/// What an end of a copy has on the loop.
protocol EndOnLoop: AnyObject {
    /// Nil when the end is closed.
    var emulator: CacheEmulator? { get }
    func close()
}

/// What can be asked about the keys of either end. The loop is never held for long: what takes longer is asked in parts.
protocol EmulatorEnd: CopyEnd {
    associatedtype OnLoop: EndOnLoop
    var loop: any EventLoop { get }
    var end: LoopBound<OnLoop> { get }
    /// How far the cache's time is ahead of the system's: outside of it all times are the system's.
    var clock: ClockOffset { get }
}

/// How long the loop is held at a time.
enum LoopSlice {
    static let reading = Duration.microseconds(500)
    static let writing = Duration.milliseconds(1)
    /// At most, where those who are served write faster than that takes in.
    static let longestWriting = Duration.milliseconds(8)
    /// How many keys are handed out at a time.
    static let keys = 1000
    /// How many digests are made between two looks at the clock.
    static let digests = 8
}

extension EmulatorEnd {
    /// Runs `body` on the loop while the end is open.
    func withEmulator<Value: Sendable>(
        _ body: @escaping @Sendable (CacheEmulator) -> Value
    ) async throws(BrokerError) -> Value {
        try await loop.answer { [end] answer in
            guard let emulator = end.value.emulator else { return answer.give(.failure(.closedCopy)) }
            answer.give(.success(body(emulator)))
        }
    }

    func counts() async throws(BrokerError) -> [Int: Int] {
        try await withEmulator { $0.keyCounts }
    }

    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys {
        try await withEmulator { emulator in
            let databases = CacheEmulator.databaseNumbers
            var cursor = cursor ?? CopyCursor(database: databases.lowerBound, place: 0)
            var found: [CopyKey] = []
            while found.isEmpty, databases.contains(cursor.database) {
                let (keys, place) = emulator.keys(in: cursor.database, from: cursor.place, wanted: LoopSlice.keys)
                found = keys.map { CopyKey(database: cursor.database, name: $0) }
                cursor = CopyCursor(database: place == 0 ? cursor.database + 1 : cursor.database, place: place)
            }
            return CopyKeys(keys: found, next: databases.contains(cursor.database) ? cursor : nil)
        }
    }

    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?] {
        var digests: [UInt64?] = []
        while digests.count < keys.count {
            let first = digests.count
            digests += try await withEmulator { [clock] emulator in
                let deadline = ContinuousClock.now + LoopSlice.reading
                var part: [UInt64?] = []
                for key in keys[first...] {
                    let exists = CacheEmulator.databaseNumbers.contains(key.database)
                    part.append(
                        exists
                            ? emulator.digest(of: key.name, in: key.database) { clock.time($0, of: .theirs) } : nil)
                    if part.count % LoopSlice.digests == 0, ContinuousClock.now >= deadline { break }
                }
                return part
            }
        }
        return digests
    }

    func close() async {
        // A loop that has ended has nothing to give back.
        let _: Void? = try? await loop.answer { [end] answer in answer.give(.success(end.value.close())) }
    }
}

extension CacheEmulator {
    /// As it is now; of a time that stands still it is another one a moment later.
    var clockOffset: ClockOffset { ClockOffset(milliseconds: time &- loop.wallClock) }
}

extension BrokerError {
    static let closedCopy = BrokerError(
        .internalFailure, "the copy has no emulator any more", why: "this end of it was closed",
        fix: "swap again")
}

extension CopyBatch.Segment {
    init(_ segment: CommandSegment) {
        self.init(database: segment.database, bytes: segment.bytes, commands: segment.commands)
    }

    /// As the other side of a clock has it.
    func translated(by clock: ClockOffset, of side: ClockOffset.Side) throws(BrokerError) -> CopyBatch.Segment {
        guard clock != .none else { return self }
        var translated = self
        do throws(ReplicationError) {
            translated.bytes = try clock.translated(bytes, of: side)
            return translated
        } catch {
            throw BrokerError(
                .internalFailure, "what is copied cannot be read", why: "\(error)", fix: "broker logs")
        }
    }
}
