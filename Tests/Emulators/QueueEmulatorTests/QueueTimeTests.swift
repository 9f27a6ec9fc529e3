import Testing

@testable import QueueEmulator

/// A queue whose time is moved: what lies between happens in its order, and nothing happens while it stands.
@Suite struct QueueTimeTests {
    @Test func `delays, times of workers and waits are over when the queue's time says so`() {
        let queue = FakeQueue()
        let client = queue.connect()
        let worker = queue.connect()
        queue.emulator.time.freeze()
        _ = queue.say("put 0 10 5 1\r\na\r\n", client)
        queue.pass(seconds: 60)
        #expect(queue.emulator.statistics.delayed == 1)
        queue.emulator.time.advance(by: 9_999)
        #expect(queue.emulator.statistics.delayed == 1)
        queue.emulator.time.advance(by: 1)
        #expect(queue.emulator.statistics.ready == 1)
        _ = queue.say("reserve\r\n", worker)
        #expect(queue.emulator.statistics.reserved == 1)
        queue.emulator.time.advance(by: 5_000)
        #expect(queue.emulator.statistics.ready == 1)
        #expect(queue.emulator.statistics.timeouts == 1)
    }

    @Test func `it goes on from where it was, and keeps its distance`() {
        let queue = FakeQueue()
        let client = queue.connect()
        queue.emulator.time.advance(by: 3_600_000)
        #expect(queue.emulator.time.shift == 3_600_000)
        _ = queue.say("put 0 2 5 1\r\na\r\n", client)
        queue.pass(seconds: 1)
        #expect(queue.emulator.statistics.delayed == 1)
        queue.pass(seconds: 1)
        #expect(queue.emulator.statistics.ready == 1)
        queue.emulator.time.freeze()
        queue.emulator.time.resume()
        #expect(!queue.emulator.time.isFrozen)
    }

    @Test func `while it stands it shows the same, though the clocks below do not tick together`() {
        let queue = FakeQueue()
        let time = queue.emulator.time
        time.freeze()
        let start = time.milliseconds(where: 1_000)
        // Less than a millisecond here is one more by the system's clock.
        queue.pass(seconds: 0.0004)
        #expect(time.milliseconds(where: 1_001) == start)
        time.advance(by: 5_000)
        queue.pass(seconds: 0.0019)
        #expect(time.milliseconds(where: 1_002) == start + 5_000)
        time.resume()
        queue.pass(seconds: 1)
        // Both are cut to whole milliseconds.
        #expect(abs(time.milliseconds(where: 2_002) - (start + 6_000)) <= 1)
    }

    @Test func `it can be moved to the end of all time, and no further`() {
        let queue = FakeQueue()
        let client = queue.connect()
        _ = queue.say("put 0 1000 5 1\r\na\r\n", client)
        for milliseconds in [UInt64.max, 1, .max / 2, .max] {
            let before = queue.emulator.time.now
            queue.emulator.time.advance(by: milliseconds)
            #expect(queue.emulator.time.now >= before)
        }
        #expect(queue.emulator.statistics.ready == 1)
        #expect(queue.say("stats\r\n", client).hasPrefix("OK "))
        #expect(queue.say("put 1 4294967295 4294967295 1\r\nb\r\n", client) == "INSERTED 2\r\n")
        #expect(queue.emulator.image().jobs == 2)
    }
}
