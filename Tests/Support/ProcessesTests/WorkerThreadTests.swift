import Processes
import Synchronization
import TestKit
import Testing

@Suite struct WorkerThreadTests {
    private struct Refused: Error, Equatable {}

    @Test func `jobs run one after the other, and their values and errors come back`() async throws {
        let worker = WorkerThread()
        let order = Mutex<[Int]>([])
        for number in 0..<3 { worker.start { order.withLock { $0.append(number) } } }
        #expect(await worker.run { order.withLock { $0 } } == [0, 1, 2])
        await #expect(throws: Refused.self) {
            try await worker.run { () throws(Refused) in throw Refused() }
        }
        await worker.stop()
        await worker.stop()
        #expect(await worker.run { 7 } == 7, "a job for a thread that has ended is done all the same")
    }

    @Test func `who waits for a change is woken by it, or by the end of its time`() async {
        let monitor = Monitor(0)
        let worker = WorkerThread()
        #expect(await worker.run { monitor.wait(within: .milliseconds(5)) { $0 > 0 ? $0 : nil } } == nil)
        async let waiting = worker.run { monitor.wait { $0 > 1 ? $0 : nil } }
        monitor.change { $0 = 1 }
        monitor.change { $0 = 2 }
        #expect(await waiting == 2)
        await worker.stop()
    }
}
