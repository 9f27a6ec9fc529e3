import Testing

@testable import QueueEmulator

@Suite struct SessionPhasesTests {
    private let phases = Dialogue()

    @Test func `a client that does not wait is served`() {
        #expect(phases.bytesArrived(count: 5) == .process)
        #expect(phases.batchEnded(unused: 0, isOutputFull: false) == .nothing)
        #expect(phases.isServing)
    }

    @Test func `a wait keeps what comes behind it and has it delivered at its end`() {
        #expect(phases.bytesArrived(count: 9) == .process)
        phases.waitBegan()
        #expect(!phases.isServing)
        #expect(phases.batchEnded(unused: 4, isOutputFull: false) == .nothing)
        #expect(phases.waitEnded() == .deliverBacklog)
        #expect(phases.isServing)
        #expect(phases.waitEnded() == .nothing)
    }

    @Test func `a wait without anything behind it ends quietly`() {
        phases.waitBegan()
        #expect(phases.batchEnded(unused: 0, isOutputFull: false) == .nothing)
        #expect(phases.waitEnded() == .nothing)
    }

    @Test func `bytes that come during a wait are kept, and from a limit on not read`() {
        phases.waitBegan()
        #expect(phases.bytesArrived(count: 1) == .keep)
        #expect(phases.bytesArrived(count: SessionPhases.backlogLimit) == .keepAndPauseReading)
        #expect(phases.bytesArrived(count: SessionPhases.backlogLimit) == .keepAndPauseReading)
        #expect(phases.waitEnded() == .deliverBacklog)
    }

    @Test func `FIN ends a client that is served`() {
        #expect(phases.inputEnded() == .end)
        #expect(phases.end())
        #expect(phases.bytesArrived(count: 3) == .discard)
        #expect(phases.inputEnded() == .nothing)
        #expect(!phases.end())
    }

    @Test func `FIN ends a wait, then the client`() {
        phases.waitBegan()
        #expect(phases.batchEnded(unused: 0, isOutputFull: false) == .nothing)
        #expect(phases.inputEnded() == .timeOutWait)
        #expect(phases.waitEnded() == .end)
    }

    @Test func `after FIN the rest is answered, and no later wait lasts`() {
        phases.waitBegan()
        #expect(phases.batchEnded(unused: 20, isOutputFull: false) == .nothing)
        #expect(phases.inputEnded() == .timeOutWait)
        #expect(phases.waitEnded() == .deliverBacklog)
        #expect(phases.bytesArrived(count: 20) == .process)
        phases.waitBegan()
        #expect(phases.batchEnded(unused: 6, isOutputFull: false) == .timeOutWait)
        #expect(phases.waitEnded() == .deliverBacklog)
        #expect(phases.bytesArrived(count: 6) == .process)
        #expect(phases.batchEnded(unused: 0, isOutputFull: true) == .nothing)
        #expect(phases.bytesArrived(count: 6) == .process)
        #expect(phases.batchEnded(unused: 0, isOutputFull: false) == .end)
    }

    @Test func `an end during a wait leaves nothing to do`() {
        phases.waitBegan()
        #expect(phases.end())
        #expect(phases.waitEnded() == .nothing)
        #expect(phases.batchEnded(unused: 1, isOutputFull: false) == .nothing)
    }
}

/// A machine under test behind a reference, so that an expectation can name an event in one line.
private final class Dialogue {
    private var phases = SessionPhases()

    var isServing: Bool { phases.isServing }
    func bytesArrived(count: Int) -> SessionPhases.Arrival { phases.bytesArrived(count: count) }
    func waitBegan() { phases.waitBegan() }
    func batchEnded(unused: Int, isOutputFull: Bool) -> SessionPhases.BatchEnd {
        phases.batchEnded(unused: unused, isOutputFull: isOutputFull)
    }
    func waitEnded() -> SessionPhases.WaitEnd { phases.waitEnded() }
    func inputEnded() -> SessionPhases.InputEnd { phases.inputEnded() }
    func end() -> Bool { phases.end() }
}
