import EventLoop
import Testing

@testable import QueueEmulator

@Suite struct QueueSessionTests {
    private let queue = FakeQueue()

    @Test func `commands in one piece are answered in order`() {
        let client = queue.connect()
        #expect(
            queue.say("put 0 0 60 1\r\na\r\nreserve\r\ndelete 1\r\nnonsense\r\n", client)
                == "INSERTED 1\r\nRESERVED 1 1\r\na\r\nDELETED\r\nUNKNOWN_COMMAND\r\n")
    }

    @Test func `a dialogue cut into single bytes is answered the same`() {
        let client = queue.connect()
        var heard = ""
        for byte in "put 0 0 60 3\r\na\r\n\r\nput 0 0 0 2\r\nabcdreserve\r\nuse x\r\n".utf8 {
            queue.send([byte], client)
            heard += queue.hear(client)
        }
        #expect(heard == "INSERTED 1\r\nEXPECTED_CRLF\r\nRESERVED 1 3\r\na\r\n\r\nUSING x\r\n")
    }

    @Test func `what follows a reserve waits until it is answered`() {
        let worker = queue.connect()
        let producer = queue.connect()
        #expect(queue.say("reserve\r\ndelete 1\r\nreserve\r\n", worker) == "")
        #expect(worker.waitingBytes > 0)
        #expect(queue.say("put 0 0 60 1\r\na\r\n", producer) == "INSERTED 1\r\n")
        #expect(queue.hear(worker) == "RESERVED 1 1\r\na\r\nDELETED\r\n")
        #expect(queue.say("put 0 0 60 1\r\nb\r\n", producer) == "INSERTED 2\r\n")
        #expect(queue.hear(worker) == "RESERVED 2 1\r\nb\r\n")
    }

    @Test func `a client that talks on while it waits is read no further than a limit`() {
        let worker = queue.connect()
        #expect(queue.say("reserve\r\n", worker) == "")
        queue.send(Array(String(repeating: "use a\r\n", count: 10_000).utf8), worker)
        #expect(worker.isReadingPaused)
        queue.send(Array("put 0 0 60 1\r\na\r\n".utf8), queue.connect())
        #expect(!worker.isReadingPaused)
        let heard = queue.hear(worker)
        #expect(heard.hasPrefix("RESERVED 1 1\r\na\r\nUSING a\r\n"))
        #expect(heard.utf8.count == 17 + 10_000 * 9)
        #expect(worker.waitingBytes == 0)
    }

    @Test func `a client that does not take its replies is not served until it does`() {
        let client = queue.connect()
        client.highWater = 100
        queue.send(Array(String(repeating: "use a\r\n", count: 1000).utf8), client)
        #expect(client.output.count < 120)
        var replies = 0
        for _ in 0..<1000 where replies < 1000 { replies += queue.hear(client).utf8.count / 9 }
        #expect(replies == 1000)
        #expect(client.waitingBytes == 0)
    }

    @Test func `FIN during a wait answers it and all that came before FIN`() {
        let worker = queue.connect()
        queue.send(Array("reserve\r\nlist-tube-used\r\nreserve\r\nlist-tube-used\r\nsta".utf8), worker)
        queue.end(worker)
        #expect(queue.hear(worker) == "TIMED_OUT\r\nUSING default\r\nTIMED_OUT\r\nUSING default\r\n")
        #expect(worker.isClosing)
        #expect(queue.emulator.connectionCount == 0)
        #expect(queue.emulator.statistics.waiting == 0)
    }

    @Test func `FIN gives back what the client holds, before the connection is closed`() {
        let worker = queue.connect()
        _ = queue.say("put 0 0 60 1\r\na\r\nreserve\r\n", worker)
        queue.end(worker)
        #expect(worker.isClosing)
        #expect(queue.emulator.statistics.ready == 1)
        worker.disappear()
        #expect(queue.emulator.connectionCount == 0)
        #expect(queue.emulator.statistics.ready == 1)
    }

    @Test func `quit ends the client and what it says after it`() {
        let client = queue.connect()
        #expect(queue.say("use a\r\nquit\r\nuse b\r\n", client) == "USING a\r\n")
        #expect(client.isClosing)
        #expect(queue.emulator.connectionCount == 0)
        #expect(queue.emulator.statistics.tubes == 1)
    }

    @Test func `a waiting client that disappears gets no job`() {
        let gone = queue.connect()
        let worker = queue.connect()
        #expect(queue.say("reserve\r\n", gone) == "")
        #expect(queue.say("reserve\r\n", worker) == "")
        queue.disappear(gone)
        queue.send(Array("put 0 0 60 1\r\na\r\n".utf8), queue.connect())
        #expect(queue.hear(worker) == "RESERVED 1 1\r\na\r\n")
    }

    @Test func `a client that disappears in the middle of a body leaves nothing`() {
        let client = queue.connect()
        _ = queue.say("use q\r\nput 0 0 60 10\r\nabc", client)
        #expect(queue.emulator.statistics.memory == 12)
        queue.disappear(client)
        #expect(queue.emulator.statistics == QueueStatistics(tubes: 1))
    }

    @Test func `a handler that is exchanged leaves the queue`() {
        let client = queue.connect()
        #expect(queue.say("reserve-with-timeout 5\r\n", client) == "")
        client.handler = nil
        #expect(queue.emulator.connectionCount == 0)
        queue.pass(seconds: 10)
        #expect(queue.emulator.statistics.waiting == 0)
    }
}

extension QueueStatistics {
    fileprivate init(tubes: Int) {
        self.init()
        self.tubes = tubes
    }
}
