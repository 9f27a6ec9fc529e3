import Processes
import TestKit
import Testing

@Suite struct PortOwnerTests {
    @Test(.requires(.beanstalkd), .enabled(if: isLinux, "only Linux tells"))
    func `who listens on a port is named`() async throws {
        let server = try await RealServer.start(.beanstalkd)
        let owner = PortOwner.find(port: server.port ?? 0)
        #expect(owner?.pid == server.process.pid)
        #expect(owner?.command == "beanstalkd")
        await server.stop()
    }

    @Test func `a port that nobody listens on has no owner`() throws {
        #expect(PortOwner.find(port: try FreePort.find()) == nil)
    }
}

#if os(Linux)
private let isLinux = true
#else
private let isLinux = false
#endif
