import EventLoop
import TestKit
import Testing

@testable import CacheEmulator

/// The bytes that replicas read, against an array of all of them.
struct ReplicationLogTests {
    private func read(_ log: ReplicationLog, from place: Int64) -> [UInt8] {
        let output = ByteOutput(pool: BufferPool())
        var place = place
        while place < log.end {
            let count = log.copy(from: place, to: output)
            if count == 0 { break }
            place += Int64(count)
        }
        return Array(output.readable)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `from every place that is kept it hands out the same bytes`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var log = ReplicationLog(at: 100)
        var all: [UInt8] = []
        for round in 0..<400 {
            let count = random.oneIn(20) ? random.below(200_000) : random.below(3000)
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &+ round) }
            log.append(bytes)
            all += bytes
            if random.oneIn(10) { log.discard(before: log.start + Int64(random.below(log.size + 1))) }
            #expect(log.end == 100 + Int64(all.count))
            let place = log.start + Int64(random.below(log.size + 1))
            if random.oneIn(8) { #expect(read(log, from: place) == Array(all[Int(place - 100)...])) }
        }
        log.discard(before: log.end)
        #expect(log.start == log.end && log.size == 0)
        #expect(read(log, from: log.end) == [])
    }

    @Test func `nothing is handed out of what is gone or still to come`() {
        var log = ReplicationLog(at: 0)
        log.append(Array(repeating: 1, count: 100_000))
        log.append([2])
        log.discard(before: 100_000)
        let output = ByteOutput(pool: BufferPool())
        #expect(log.start == 100_000)
        #expect(log.copy(from: 99_999, to: output) == 0 && log.copy(from: 100_001, to: output) == 0)
        #expect(log.copy(from: 100_000, to: output) == 1 && Array(output.readable) == [2])
    }
}
