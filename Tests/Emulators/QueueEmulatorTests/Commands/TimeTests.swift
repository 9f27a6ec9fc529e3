import Testing

@testable import QueueEmulator

/// Everything that the passing of time does, on a manual clock.
@Suite struct TimeTests {
    private let queue = FakeQueue()
    private let producer: FakeConnection
    private let worker: FakeConnection

    init() {
        producer = queue.connect()
        worker = queue.connect()
    }

    private func put(delay: Int = 0, timeToRun: Int = 60, priority: Int = 0) {
        _ = queue.say("put \(priority) \(delay) \(timeToRun) 1\r\nx\r\n", producer)
    }

    @Test func `a delayed job becomes ready when its delay is over`() {
        put(delay: 5)
        #expect(queue.say("reserve\r\n", worker) == "")
        queue.pass(seconds: 4.999)
        #expect(queue.hear(worker) == "")
        queue.pass(seconds: 0.001)
        #expect(queue.hear(worker) == "RESERVED 1 1\r\nx\r\n")
    }

    @Test func `delayed jobs become ready in the order of their deadlines`() {
        put(delay: 5)
        put(delay: 3)
        put(delay: 4)
        #expect(queue.say("peek-delayed\r\n", producer) == "FOUND 2 1\r\nx\r\n")
        for (second, id) in [(3, 2), (1, 3), (1, 1)] {
            #expect(queue.say("reserve\r\n", worker) == "")
            queue.pass(seconds: Double(second))
            #expect(queue.hear(worker) == "RESERVED \(id) 1\r\nx\r\n")
        }
    }

    @Test func `a job that is not finished in its time is ready again`() {
        put(timeToRun: 10)
        _ = queue.say("reserve\r\n", worker)
        queue.pass(seconds: 9)
        #expect(queue.say("touch 1\r\n", worker) == "TOUCHED\r\n")
        queue.pass(seconds: 9.9)
        #expect(queue.emulator.statistics.ready == 0)
        queue.pass(seconds: 0.1)
        #expect(queue.emulator.statistics.ready == 1)
        #expect(queue.emulator.statistics.timeouts == 1)
        #expect(queue.say("delete 1\r\nstats-job 1\r\n", worker).hasPrefix("DELETED\r\nNOT_FOUND\r\n"))
    }

    @Test func `a job that timed out is no longer its client's`() {
        put(timeToRun: 1)
        _ = queue.say("reserve\r\n", worker)
        queue.pass(seconds: 1)
        #expect(
            queue.say("release 1 0 0\r\nbury 1 0\r\ntouch 1\r\n", worker) == "NOT_FOUND\r\nNOT_FOUND\r\nNOT_FOUND\r\n")
    }

    @Test func `a timed-out job goes to whoever waits`() {
        put(timeToRun: 2)
        _ = queue.say("reserve\r\n", worker)
        #expect(queue.say("reserve\r\n", producer) == "")
        queue.pass(seconds: 2)
        #expect(queue.hear(producer) == "RESERVED 1 1\r\nx\r\n")
    }

    @Test func `reserve times out after the seconds it named`() {
        #expect(queue.say("reserve-with-timeout 0\r\n", worker) == "TIMED_OUT\r\n")
        #expect(queue.say("reserve-with-timeout 3\r\n", worker) == "")
        queue.pass(seconds: 2.999)
        #expect(queue.hear(worker) == "")
        queue.pass(seconds: 0.001)
        #expect(queue.hear(worker) == "TIMED_OUT\r\n")
        put()
        #expect(queue.hear(worker) == "")
    }

    @Test func `a negative timeout waits without end`() {
        #expect(queue.say("reserve-with-timeout -1\r\n", worker) == "")
        queue.pass(seconds: 1_000_000)
        #expect(queue.hear(worker) == "")
        put()
        #expect(queue.hear(worker) == "RESERVED 1 1\r\nx\r\n")
    }

    @Test func `in the last second of a job its holder does not wait for another`() {
        put(timeToRun: 3)
        _ = queue.say("reserve\r\n", worker)
        #expect(queue.say("reserve\r\n", worker) == "")
        queue.pass(seconds: 1.999)
        #expect(queue.hear(worker) == "")
        queue.pass(seconds: 0.001)
        #expect(queue.hear(worker) == "DEADLINE_SOON\r\n")
        #expect(queue.say("reserve\r\n", worker) == "DEADLINE_SOON\r\n")
        #expect(queue.say("reserve-with-timeout 0\r\n", worker) == "DEADLINE_SOON\r\n")
        put()
        #expect(queue.say("reserve\r\n", worker) == "RESERVED 2 1\r\nx\r\n")
        #expect(queue.say("release 1 0 0\r\nreserve\r\n", worker) == "RELEASED\r\nRESERVED 1 1\r\nx\r\n")
    }

    @Test func `the nearest deadline of several counts`() {
        put(timeToRun: 30)
        put(timeToRun: 5)
        put(timeToRun: 20)
        _ = queue.say("reserve\r\nreserve\r\nreserve\r\n", worker)
        #expect(queue.say("reserve\r\n", worker) == "")
        queue.pass(seconds: 4)
        #expect(queue.hear(worker) == "DEADLINE_SOON\r\n")
        _ = queue.say("delete 2\r\n", worker)
        #expect(queue.say("reserve\r\n", worker) == "")
        queue.pass(seconds: 15)
        #expect(queue.hear(worker) == "DEADLINE_SOON\r\n")
    }

    @Test func `a ready job of a paused tube makes the holder wait for a moment only`() {
        put(timeToRun: 1)
        _ = queue.say("reserve\r\n", worker)
        put()
        _ = queue.say("pause-tube default 60\r\n", producer)
        #expect(queue.say("reserve\r\n", worker) == "DEADLINE_SOON\r\n")
    }

    @Test func `a paused tube gives nothing until its pause is over`() {
        #expect(queue.say("pause-tube default 5\r\n", producer) == "PAUSED\r\n")
        put()
        #expect(queue.say("reserve\r\n", worker) == "")
        #expect(queue.say("stats-tube default\r\n", producer).contains("\npause: 5\npause-time-left: 5\n"))
        queue.pass(seconds: 4.999)
        #expect(queue.hear(worker) == "")
        queue.pass(seconds: 0.001)
        #expect(queue.hear(worker) == "RESERVED 1 1\r\nx\r\n")
        #expect(queue.say("stats-tube default\r\n", producer).contains("\npause: 0\npause-time-left: 0\n"))
    }

    @Test func `a pause of nothing ends a pause`() {
        _ = queue.say("pause-tube default 500\r\n", producer)
        put()
        #expect(queue.say("reserve\r\n", worker) == "")
        #expect(queue.say("pause-tube default 0\r\n", producer) == "PAUSED\r\n")
        #expect(queue.hear(worker) == "RESERVED 1 1\r\nx\r\n")
    }

    @Test func `when several pauses end at once the most urgent job goes first`() {
        _ = queue.say("use a\r\nput 9 0 60 1\r\na\r\nuse b\r\nput 1 0 60 1\r\nb\r\n", producer)
        _ = queue.say("pause-tube a 5\r\npause-tube b 5\r\n", producer)
        #expect(queue.say("watch a\r\nwatch b\r\nreserve\r\n", worker) == "WATCHING 2\r\nWATCHING 3\r\n")
        queue.pass(seconds: 5)
        #expect(queue.hear(worker) == "RESERVED 2 1\r\nb\r\n")
    }

    @Test func `ages and remaining times are whole seconds`() {
        put(delay: 10, timeToRun: 20)
        queue.pass(seconds: 3.5)
        let delayed = queue.say("stats-job 1\r\n", producer)
        #expect(delayed.contains("\nstate: delayed\n"))
        #expect(delayed.contains("\nage: 3\ndelay: 10\nttr: 20\ntime-left: 6\n"))
        queue.pass(seconds: 6.5)
        #expect(queue.say("stats-job 1\r\n", producer).contains("\nstate: ready\npri: 0\nage: 10\n"))
        #expect(queue.say("stats\r\n", producer).contains("\nuptime: 10\n"))
        _ = queue.say("reserve\r\n", worker)
        queue.pass(seconds: 0.5)
        #expect(queue.say("stats-job 1\r\n", producer).contains("\ntime-left: 19\n"))
    }

    @Test func `a clock that jumps misses nothing`() {
        put(delay: 5, timeToRun: 3)
        put(delay: 2)
        _ = queue.say("pause-tube default 4\r\n", producer)
        #expect(queue.say("reserve\r\n", worker) == "")
        queue.pass(seconds: 1000)
        #expect(queue.hear(worker) == "RESERVED 2 1\r\nx\r\n")
        #expect(queue.emulator.statistics.ready == 2)
    }
}
