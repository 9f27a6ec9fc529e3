import Foundation
import Processes
import Synchronization
import TestKit

/// Watches the daemon from a thread of its own: asks PING as a client that minds its own business, one at a time, and
/// looks at the process's memory.
final class DaemonWatch: Sendable {
    struct Result {
        /// How long each PING took.
        var times: [Duration] = []
        /// The most memory that was seen, in bytes.
        var highest = 0
        /// Why it ended before it was told to.
        var failure: String?
    }

    private struct State {
        var result = Result()
        var isTold = false
        var hasEnded = false
    }

    /// So many PINGs at least, or one percent of them would mean nothing.
    private static let fewest = 500

    private let state = Mutex(State())

    /// Begins; `url` is the redis resource that is asked.
    init(_ url: String, daemon pid: Int32) {
        DetachedThread.run { [self] in
            let failure: String?
            do {
                try watch(url, pid)
                failure = nil
            } catch {
                failure = "\(error)"
            }
            state.withLock {
                $0.result.failure = failure
                $0.hasEnded = true
            }
        }
    }

    /// Ends it; what was seen.
    func end() async throws -> Result {
        state.withLock { $0.isTold = true }
        try await eventually("the watch ends") { state.withLock { $0.hasEnded } }
        return state.withLock { $0.result }
    }

    private func watch(_ url: String, _ pid: Int32) throws {
        let client = try redisClient(url)
        while true {
            let began = ContinuousClock.now
            try client.send("PING\r\n")
            _ = try client.receive(until: "\r\n")
            let took = began.duration(to: .now)
            let memory = try residentMemory(of: pid)
            let isTold = state.withLock {
                $0.result.times.append(took)
                $0.result.highest = max($0.result.highest, memory)
                return $0.isTold && $0.result.times.count >= Self.fewest
            }
            if isTold { return }
            // As often as a client would, without taking the time of those that are watched.
            usleep(1000)
        }
    }
}

/// The memory that a process holds now, in bytes (VmRSS of proc(5)).
func residentMemory(of pid: Int32) throws -> Int {
    #if os(Linux)
    let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    guard let words = line?.split(whereSeparator: \.isWhitespace), words.count > 1, let kilobytes = Int(words[1]) else {
        throw NeverHappened("the memory of \(pid) is told")
    }
    return kilobytes << 10
    #else
    return 0
    #endif
}
