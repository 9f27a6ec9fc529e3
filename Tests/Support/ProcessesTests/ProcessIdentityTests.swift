import Processes
import TestKit
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

@Suite struct ProcessIdentityTests {
    private func sleeper() throws -> ChildProcess {
        try ChildProcess.spawn(ProcessCommand("sleep", ["60"], environment: ["PATH": "/usr/bin:/bin"]))
    }

    @Test func `a process is alive until it has ended`() async throws {
        let child = try sleeper()
        #expect(child.identity.isAlive)
        #expect(ProcessIdentity(of: child.pid) == child.identity)
        child.signal(SIGKILL)
        #expect(await child.identity.end(within: .seconds(10)))
        #expect(!child.identity.isAlive)
    }

    @Test func `another process of the same number is not taken for it`() async throws {
        let child = try sleeper()
        let stranger = ProcessIdentity(pid: child.pid, startTime: child.identity.startTime &+ 1)
        #expect(!stranger.isAlive)
        #expect(!stranger.signal(SIGKILL))
        #expect(child.identity.isAlive)
        await child.terminate(grace: .seconds(5))
    }

    @Test func `waiting for the end of a live process stops at the deadline`() async throws {
        let child = try sleeper()
        #expect(await child.identity.end(within: .milliseconds(20)) == false)
        #expect(await child.identity.terminate(grace: .seconds(5)))
        #expect(await child.exit == .signal(SIGTERM))
    }

    @Test(arguments: [0, -1, Int32.max])
    func `a number that no process has is nobody`(pid: Int32) {
        #expect(ProcessIdentity(of: pid) == nil)
        #expect(!ProcessIdentity(pid: pid, startTime: 1).isAlive)
    }
}
