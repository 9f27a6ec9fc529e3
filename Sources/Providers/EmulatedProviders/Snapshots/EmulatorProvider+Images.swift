import BrokerModel
import CacheEmulator
import EventLoop
import ProviderKit
import QueueEmulator
import Synchronization

/// Images of several emulators, all of one instant.
extension EmulatorProvider {
    /// An emulator of which an image is wanted.
    private struct Wanted: Sendable {
        let id: SnapshotID
        /// Runs on the loop.
        let take: @Sendable () -> EmulatorShelf.Image
    }

    /// Those of one loop.
    private struct Group: Sendable {
        let loop: any EventLoop
        var wanted: [Wanted]
    }

    /// How often loops that were busy are asked again.
    private static let attempts = 50

    /// Takes the images that are not there yet and keeps them; returns which.
    func keepImages(_ request: SnapshotRequest) async throws(BrokerError) -> [SnapshotID] {
        var groups: [Group] = []
        var seated: [SnapshotID] = []
        do throws(BrokerError) {
            for part in request.parts where part.serviceClass != .sqlite && shelf.image(part.id) == nil {
                let (loop, wanted) = try seat(part)
                seated.append(part.id)
                if let place = groups.firstIndex(where: { $0.loop === loop }) {
                    groups[place].wanted.append(wanted)
                } else {
                    groups.append(Group(loop: loop, wanted: [wanted]))
                }
            }
            guard !groups.isEmpty else { return [] }
            let images = try await take(groups)
            for (group, images) in zip(groups, images) {
                for (wanted, image) in zip(group.wanted, images) { shelf.put(image, wanted.id, on: group.loop) }
            }
            return seated
        } catch {
            for id in seated { shelf.giveSeat(id) }
            throw error
        }
    }

    private func seat(_ part: SnapshotRequest.Part) throws(BrokerError) -> (any EventLoop, Wanted) {
        let id = part.backing.id
        if let cache = shelf.cache(id), let loop = shelf.seat(part.id, beside: cache.tenant) {
            return (loop, Wanted(id: part.id) { .cache(cache.emulator.value.image()) })
        }
        if let queue = shelf.queue(id), let loop = shelf.seat(part.id, beside: queue.tenant) {
            return (loop, Wanted(id: part.id) { .queue(queue.emulator.value.image()) })
        }
        throw .noEmulator(id)
    }

    /// By group and place in it.
    private func take(_ groups: [Group]) async throws(BrokerError) -> [[LoopBound<EmulatorShelf.Image>]] {
        for attempt in 0..<Self.attempts {
            // What takes long there now has ended before anybody is held.
            for group in groups {
                let _: Void = try await group.loop.answer { answer in answer.give(.success(())) }
            }
            if let images = await meet(groups) { return images }
            try? await ContinuousClock().sleep(for: .milliseconds(1 + attempt))
        }
        throw BrokerError(
            .timedOut, "the resources cannot be kept at one instant",
            why: "their event loops were busy: one of them runs something that takes long",
            fix: "try again, or make a snapshot of fewer resources at a time")
    }

    private func meet(_ groups: [Group]) async -> [[LoopBound<EmulatorShelf.Image>]]? {
        let taken = Taken(groups.count)
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            Rendezvous.post(to: groups.map(\.loop)) { place, isWhole in
                let loop = groups[place].loop
                let images = isWhole ? groups[place].wanted.map { LoopBound($0.take(), on: loop) } : nil
                if taken.put(images, place) { continuation.resume() }
            }
        }
        return taken.images
    }

    /// What a rendezvous has brought.
    private final class Taken: Sendable {
        private struct State {
            var images: [[LoopBound<EmulatorShelf.Image>]?]
            var missing: Int
        }

        private let state: Mutex<State>

        init(_ count: Int) {
            state = Mutex(State(images: Array(repeating: nil, count: count), missing: count))
        }

        /// Nil where the loops have not met. Whether it was the last place.
        func put(_ images: [LoopBound<EmulatorShelf.Image>]?, _ place: Int) -> Bool {
            state.withLock { state in
                state.images[place] = images
                state.missing -= 1
                return state.missing == 0
            }
        }

        /// Nil where one is missing.
        var images: [[LoopBound<EmulatorShelf.Image>]]? {
            state.withLock { state in
                let all = state.images.compactMap { $0 }
                return all.count == state.images.count ? all : nil
            }
        }
    }
}
