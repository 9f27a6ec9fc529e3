public import BrokerModel
import CacheEmulator
import EventLoop
public import ProviderKit
import QueueEmulator

extension EmulatorProvider: ControlsClock {
    public func move(_ request: ClockMove) async throws(BrokerError) -> ClockReading {
        let step = request.step
        switch request.serviceClass {
        case .redis:
            guard let cache = shelf.cache(request.backing.id) else { throw Self.notServed }
            return try await cache.loop.answer { answer in
                answer.give(.success(cache.emulator.value.move(step)))
            }
        case .beanstalk:
            guard let queue = shelf.queue(request.backing.id) else { throw Self.notServed }
            return try await queue.loop.answer { [loop = queue.loop] answer in
                do throws(BrokerError) {
                    answer.give(.success(try queue.emulator.value.move(step, wallClock: loop.wallClock)))
                } catch {
                    answer.give(.failure(error))
                }
            }
        case .sqlite:
            throw BrokerError(
                .unsupported, "a sqlite resource has no time of its own",
                why: "SQLite asks the system's clock in the app's process", fix: "name caches and queues only")
        }
    }

    static let notServed = BrokerError(
        .serverUnreachable, "the resource does not serve", why: "it is being started or removed", fix: "broker status")
}

extension CacheEmulator {
    fileprivate func move(_ step: ClockMove.Step) -> ClockReading {
        switch step {
        case .freeze: if !isTimeFrozen { freezeTime() }
        case .resume: resumeTime()
        case .set(let time): moveTime(to: time)
        case .advance(let milliseconds): advanceTime(by: milliseconds)
        case .look: break
        }
        return ClockReading(time: time, isFrozen: isTimeFrozen)
    }
}

extension QueueEmulator {
    fileprivate func move(_ step: ClockMove.Step, wallClock: Int64) throws(BrokerError) -> ClockReading {
        switch step {
        case .freeze: if !time.isFrozen { time.freeze() }
        case .resume: time.resume()
        case .set(let target): try advance(by: target &- time.milliseconds(where: wallClock))
        case .advance(let milliseconds): try advance(by: milliseconds)
        case .look: break
        }
        return ClockReading(time: time.milliseconds(where: wallClock), isFrozen: time.isFrozen)
    }

    private func advance(by milliseconds: Int64) throws(BrokerError) {
        guard let milliseconds = UInt64(exactly: milliseconds) else {
            throw BrokerError(
                .unsupported, "a queue's time does not go back", why: "ages and delays would become negative",
                fix: "choose a later time, or reset the queue")
        }
        time.advance(by: milliseconds)
    }
}
