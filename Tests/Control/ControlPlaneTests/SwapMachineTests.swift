import BrokerModel
import Testing

@testable import ControlPlane

@Suite struct SwapMachineTests {
    private let cause = BrokerError(.serverUnreachable, "gone")
    private let other = BrokerError(.needsAttention, "stuck")

    @Test func `a swap that goes well`() {
        var machine = SwapMachine()
        #expect(machine.begin() == .provisionTarget)
        #expect(machine.done() == .persistProvisioned)
        #expect(machine.done() == .holdClients)
        #expect(machine.done() == .commitSwitch)
        #expect(machine.done() == .routeToTarget)
        #expect(machine.done() == .removeFormer)
        #expect(machine.done() == .commitOutcome)
        #expect(machine.done() == .end(nil))
    }

    @Test(arguments: 0..<4)
    func `a failure before the switch leads back to the former provider`(steps: Int) {
        var machine = SwapMachine()
        _ = machine.begin()
        for _ in 0..<steps { _ = machine.done() }
        var action = machine.failed(cause)
        if steps >= 2 {  // clients were held
            #expect(action == .resumeFormer)
            action = machine.done()
        }
        #expect(action == .removeTarget)
        #expect(machine.done() == .commitFailure(cause))
        #expect(machine.done() == .end(cause))
    }

    @Test func `a failure while it is undone keeps the first cause`() {
        var machine = SwapMachine()
        _ = machine.begin()
        for _ in 0..<3 { _ = machine.done() }
        #expect(machine.failed(cause) == .resumeFormer)
        #expect(machine.failed(other) == .removeTarget)
        #expect(machine.failed(other) == .commitFailure(cause))
        #expect(machine.failed(other) == .end(cause))
    }

    @Test func `a failure behind the switch does not lead back`() {
        var machine = SwapMachine()
        _ = machine.begin()
        for _ in 0..<4 { _ = machine.done() }
        #expect(machine.failed(cause) == .removeFormer)
        #expect(machine.failed(cause) == .commitOutcome)
        #expect(machine.failed(cause) == .end(cause))
    }

    @Test(arguments: [Operation.Phase.intended, .effected])
    func `what a crash cuts short before the switch is undone`(phase: Operation.Phase) {
        var machine = SwapMachine(resumingFrom: phase)
        #expect(machine.begin() == .removeTarget)
        #expect(machine.done() == .commitFailure(SwapMachine.interrupted))
        #expect(machine.done() == .end(SwapMachine.interrupted))
    }

    @Test func `what a crash cuts short behind the switch is finished`() {
        var machine = SwapMachine(resumingFrom: .switched)
        #expect(machine.begin() == .removeFormer)
        #expect(machine.done() == .commitOutcome)
        #expect(machine.done() == .end(nil))
    }
}
