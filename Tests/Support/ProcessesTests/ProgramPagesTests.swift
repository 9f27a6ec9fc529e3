import Processes
import Testing

/// Code that is let go comes back when it is used.
@Suite struct ProgramPagesTests {
    @Test func `less of the code is in memory, and all of it works as before`() throws {
        let before = try #require(residentFiles())
        ProgramPages.letGo()
        let after = try #require(residentFiles())
        #if os(Linux)
        // Of a test program with the whole toolchain in it: far more than what this test itself needs.
        #expect(after < before / 2, "\(before) kB of files before, \(after) after")
        #endif
        #expect([3, 1, 2].sorted().map(String.init).joined(separator: ",") == "1,2,3")
        #expect(throws: Never.self) { try ChildProcess.spawn(ProcessCommand("/bin/true", environment: [:])).signal(0) }
    }

    @Test func `the time that the threads have run grows with what they do`() {
        let before = ProgramPages.processorTime
        var sum = 0
        while ProgramPages.processorTime - before < .milliseconds(5) { sum &+= 1 }
        #expect(sum > 0)
    }

    /// Pages of files that are in this process's memory, in kB; nil where the system does not tell.
    private func residentFiles() -> Int? {
        #if os(Linux)
        (TextFile.read("/proc/self/status") ?? "").split(separator: "\n").first { $0.hasPrefix("RssFile:") }
            .flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") }
        #else
        0
        #endif
    }
}
