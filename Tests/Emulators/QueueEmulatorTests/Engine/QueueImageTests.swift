import Testing

@testable import QueueEmulator

/// What a queue's image holds, and what begins with it.
struct QueueImageTests {
    /// The bodies of ready jobs in their order; the jobs are deleted.
    private func drain(_ queue: FakeQueue, _ tubes: [String] = ["default"]) -> [String] {
        let worker = queue.connect()
        for tube in tubes { _ = queue.say("watch \(tube)\r\n", worker) }
        var bodies: [String] = []
        while true {
            let lines = queue.say("reserve-with-timeout 0\r\n", worker).split(separator: "\r\n")
            guard lines.count == 2 else { return bodies }
            bodies.append(String(lines[1]))
            _ = queue.say("delete \(lines[0].split(separator: " ")[1])\r\n", worker)
        }
    }

    @Test func `jobs come back in their order and state, reserved ones as ready ones`() {
        let queue = FakeQueue()
        let client = queue.connect()
        for (number, priority) in [5, 1, 3, 2, 4].enumerated() {
            _ = queue.say("put \(priority) 0 10 1\r\n\(number)\r\n", client)
        }
        _ = queue.say("put 0 30 10 4\r\nlate\r\n", client)
        _ = queue.say("use other\r\nput 0 0 10 3\r\nbad\r\nwatch other\r\nreserve-job 7\r\nbury 7 9\r\n", client)
        #expect(queue.say("reserve-job 2\r\n", client).hasPrefix("RESERVED 2"))
        let image = queue.emulator.image()
        #expect(image.jobs == 7)
        // Whatever happens then.
        #expect(queue.say("delete 1\r\n", client) == "DELETED\r\n")

        queue.emulator.begin(from: image)
        let statistics = queue.emulator.statistics
        #expect(statistics.ready == 5 && statistics.reserved == 0)
        #expect(statistics.delayed == 1 && statistics.buried == 1)
        // It holds it no more.
        #expect(queue.say("release 2 0 0\r\n", client) == "NOT_FOUND\r\n")
        #expect(drain(queue) == ["1", "3", "2", "4", "0"])
        #expect(queue.say("kick-job 7\r\n", client) == "KICKED\r\n")
        queue.clock.advance(seconds: 31)
        #expect(drain(queue, ["other"]).sorted() == ["bad", "late"])
    }

    @Test func `who waits is served by what comes back, the most urgent first`() {
        let queue = FakeQueue()
        let producer = queue.connect()
        _ = queue.say("put 9 0 10 1\r\na\r\n", producer)
        _ = queue.say("put 1 0 10 1\r\nb\r\n", producer)
        let image = queue.emulator.image()
        queue.emulator.begin(from: nil)
        let worker = queue.connect()
        #expect(queue.say("reserve\r\n", worker) == "")
        queue.emulator.begin(from: image)
        #expect(queue.hear(worker) == "RESERVED 2 1\r\nb\r\n")
        #expect(queue.emulator.statistics.ready == 1)
        #expect(queue.say("delete 2\r\n", worker) == "DELETED\r\n")
    }

    @Test func `after a reset ids go on, tubes in use stay, and a put under way ends well`() {
        let queue = FakeQueue()
        let client = queue.connect()
        _ = queue.say("use mail\r\nput 0 0 10 1\r\na\r\n", client)
        _ = queue.say("pause-tube mail 100\r\n", client)
        queue.send(Array("put 0 0 10 4\r\nha".utf8), client)
        queue.emulator.begin(from: nil)
        #expect(queue.emulator.statistics.ready == 0)
        #expect(queue.say("lf\r\n", client) == "INSERTED 2\r\n")
        #expect(queue.say("put 0 0 10 1\r\nb\r\n", client) == "INSERTED 3\r\n")
        #expect(drain(queue, ["mail"]) == ["half", "b"])
        #expect(queue.emulator.statistics.memory == 0)
    }

    @Test func `a branch is a queue of its own`() {
        let queue = FakeQueue()
        let client = queue.connect()
        _ = queue.say("put 0 0 10 1\r\na\r\n", client)
        let image = queue.emulator.image()
        let branch = QueueEmulator(clock: queue.clock.queueClock, from: image)
        #expect(branch.statistics.ready == 1)
        _ = queue.say("delete 1\r\n", client)
        #expect(branch.statistics.ready == 1)
        #expect(branch.beginning?.jobs == 1)
        branch.begin(from: nil)
        #expect(branch.statistics.ready == 0 && branch.statistics.memory == 0)
        #expect(branch.statistics.tubes == 1)
        #expect(branch.put([98], into: Array("t".utf8), priority: 0, delay: 0, timeToRun: 1) == 2)
    }
}
