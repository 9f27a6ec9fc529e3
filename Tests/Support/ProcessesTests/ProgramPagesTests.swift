import Processes
import Testing

/// Code that is let go comes back when it is used.
@Suite struct ProgramPagesTests {
    #if os(Linux)
    @Test func `less of the code is in memory, and all of it works as before`() async throws {
        let before = ProgramPages.resident()
        ProgramPages.letGo()
        let after = ProgramPages.resident()
        // Others run meanwhile, and bring back what they use.
        #expect(after < before, "\(before) bytes before, \(after) after")
        let child = try ChildProcess.spawn(ProcessCommand("/bin/true", environment: [:]))
        #expect(await child.exit == .code(0))
    }
    #endif

    @Test func `the time that the threads have run grows with what they do`() {
        let before = ProgramPages.processorTime
        var sum = 0
        while ProgramPages.processorTime - before < .milliseconds(5) { sum &+= 1 }
        #expect(sum > 0)
    }
}
