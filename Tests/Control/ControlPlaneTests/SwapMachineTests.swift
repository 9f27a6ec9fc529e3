import BrokerModel
import Testing

@testable import ControlPlane

@Suite struct SwapMachineTests {
    private let cause = BrokerError(.serverUnreachable, "gone")
    private let other = BrokerError(.needsAttention, "stuck")

    private static let live: [SwapMachine.Action] = [
        .provisionTarget, .persistProvisioned, .copy, .verify, .prepareClients, .pauseClients, .copyTail,
        .restoreClients, .commitSwitch, .adoptClients, .openWayBack, .commitOutcome,
    ]
    private static let cold: [SwapMachine.Action] = [
        .provisionTarget, .persistProvisioned, .holdClients, .commitSwitch, .routeToTarget, .removeFormer,
        .commitOutcome,
    ]
    private static let rollback: [SwapMachine.Action] = [
        .copy, .prepareClients, .pauseClients, .copyTail, .restoreClients, .commitSwitch, .adoptClients, .removeFormer,
        .commitOutcome,
    ]

    @Test(arguments: [(SwapMachine.Kind.live, live), (.cold, cold), (.rollback, rollback)])
    func `a swap that goes well`(kind: SwapMachine.Kind, actions: [SwapMachine.Action]) {
        var machine = SwapMachine(kind)
        #expect(machine.begin() == actions[0])
        for action in actions.dropFirst() { #expect(machine.done() == action) }
        #expect(machine.done() == .end(nil))
    }

    /// The machine with its action of this number to be done.
    private func machine(_ kind: SwapMachine.Kind, at number: Int) -> SwapMachine {
        var machine = SwapMachine(kind)
        _ = machine.begin()
        for _ in 0..<number { _ = machine.done() }
        return machine
    }

    @Test(arguments: [(SwapMachine.Kind.live, live), (.cold, cold), (.rollback, rollback)])
    func `a failure before the switch leads back to the former provider`(
        kind: SwapMachine.Kind, actions: [SwapMachine.Action]
    ) throws {
        let touching = try #require(actions.firstIndex(of: kind == .cold ? .holdClients : .prepareClients))
        for number in 0...(try #require(actions.firstIndex(of: .commitSwitch))) {
            var machine = machine(kind, at: number)
            var action = machine.failed(cause)
            if number >= touching {
                #expect(action == .resumeFormer)
                action = machine.done()
            }
            #expect(action == (kind == .rollback ? .followAgain : .removeTarget))
            #expect(machine.done() == .commitFailure(cause))
            #expect(machine.done() == .end(cause))
        }
    }

    @Test func `a failure while it is undone keeps the first cause`() {
        var machine = machine(.live, at: 6)
        #expect(machine.failed(cause) == .resumeFormer)
        #expect(machine.failed(other) == .removeTarget)
        #expect(machine.failed(other) == .commitFailure(cause))
        #expect(machine.failed(other) == .end(cause))
    }

    @Test(arguments: [(SwapMachine.Kind.live, live), (.cold, cold), (.rollback, rollback)])
    func `a failure behind the switch does not lead back`(kind: SwapMachine.Kind, actions: [SwapMachine.Action]) throws
    {
        let first = try #require(actions.firstIndex(of: .commitSwitch)) + 1
        var machine = machine(kind, at: first)
        for action in actions.dropFirst(first + 1) { #expect(machine.failed(cause) == action) }
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
