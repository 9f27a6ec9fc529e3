import Testing

@testable import QueueEmulator

/// What the comparison with the real server cannot show: limits, drain mode as an API, what the daemon asks for.
@Suite struct CommandTests {
    @Test func `in drain mode puts are refused and the rest goes on`() {
        let queue = FakeQueue()
        let client = queue.connect()
        _ = queue.say("put 0 0 60 1\r\na\r\n", client)
        queue.emulator.isDraining = true
        #expect(queue.say("put 0 0 60 1\r\nb\r\nreserve\r\n", client) == "DRAINING\r\nRESERVED 1 1\r\na\r\n")
        #expect(queue.say("stats\r\n", client).contains("\ndraining: true\n"))
        queue.emulator.isDraining = false
        #expect(queue.say("put 0 0 60 1\r\nb\r\n", client) == "INSERTED 3\r\n")
    }

    @Test func `beyond its memory it says so, and lives on`() {
        var limits = QueueLimits()
        limits.memory = 10
        let queue = FakeQueue(limits: limits)
        let client = queue.connect()
        #expect(
            queue.say("put 0 0 60 4\r\nabcd\r\nput 0 0 60 3\r\nabc\r\n", client) == "INSERTED 1\r\nOUT_OF_MEMORY\r\n")
        #expect(queue.say("put 0 0 60 2\r\nab\r\n", client) == "INSERTED 2\r\n")
        #expect(queue.say("put 0 0 60 0\r\n\r\n", client) == "OUT_OF_MEMORY\r\n")
        #expect(queue.say("delete 1\r\nput 0 0 60 0\r\n\r\n", client) == "DELETED\r\nINSERTED 3\r\n")
    }

    @Test func `the largest body can be chosen`() {
        var limits = QueueLimits()
        limits.jobSize = 3
        let queue = FakeQueue(limits: limits)
        let client = queue.connect()
        #expect(queue.say("put 0 0 60 3\r\nabc\r\nput 0 0 60 4\r\nabcd\r\n", client) == "INSERTED 1\r\nJOB_TOO_BIG\r\n")
        #expect(queue.say("stats\r\n", client).contains("\nmax-job-size: 3\n"))
    }

    @Test func `a body of the largest size arrives whole, in pieces`() {
        let queue = FakeQueue()
        let client = queue.connect()
        let body = String((0..<65_535).map { _ in "abcdefg".randomElement() ?? "a" })
        queue.send(Array("put 0 0 60 65535\r\n".utf8), client)
        let bytes = Array((body + "\r\n").utf8)
        for start in stride(from: 0, to: bytes.count, by: 1000) {
            queue.send(Array(bytes[start..<min(start + 1000, bytes.count)]), client)
        }
        #expect(queue.hear(client) == "INSERTED 1\r\n")
        #expect(queue.say("peek 1\r\n", client) == "FOUND 1 65535\r\n\(body)\r\n")
    }

    @Test func `unknown commands are counted, and their words, which may be a job's, not kept`() {
        let queue = FakeQueue()
        let client = queue.connect()
        #expect(queue.emulator.unknownCommands == [:])
        _ = queue.say("truncate a\r\nput 0 0 1 1\r\nsecret-body\r\n\r\nuse -\r\n", client)
        #expect(queue.emulator.unknownCommands == ["…": 3])
    }

    @Test func `connections are counted while they last`() {
        let queue = FakeQueue()
        let (first, second) = (queue.connect(), queue.connect())
        #expect(queue.emulator.connectionCount == 2)
        queue.disappear(first)
        #expect(queue.emulator.connectionCount == 1)
        #expect(queue.say("stats\r\n", second).contains("\ncurrent-connections: 1\n"))
        #expect(queue.say("stats\r\n", second).contains("\ntotal-connections: 2\n"))
    }

    @Test func `stats tell of the process`() {
        let queue = FakeQueue()
        let text = queue.say("stats\r\n", queue.connect())
        #expect(text.contains("\npid: 42\nversion: \"1.12\"\nrusage-utime: 1.000002\nrusage-stime: 0.000030\n"))
        #expect(text.contains("\nid: \(queue.emulator.instanceID)\nhostname: box\nos: #1\nplatform: pdp11\n"))
        #expect(queue.emulator.instanceID.utf8.count == 16)
    }

    @Test func `the facts of this process are true`() {
        let facts = HostFacts.current()
        #expect(facts.processID > 0)
        #expect(!facts.hostname.isEmpty && !facts.system.isEmpty && !facts.platform.isEmpty)
        #expect(facts.processorTime().user > 0)
    }

    @Test func `an emulator can go before its sessions, and its timers with it`() {
        var queue: FakeQueue? = FakeQueue()
        weak let emulator = queue?.emulator
        let clock = queue?.clock
        if let queue {
            _ = queue.say("put 0 5 60 1\r\na\r\nreserve-with-timeout 9\r\n", queue.connect())
        }
        queue = nil
        #expect(emulator == nil)
        #expect(clock?.advanceToNextTimer() == false)
    }
}
