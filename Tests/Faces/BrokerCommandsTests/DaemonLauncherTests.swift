import BrokerClient
import BrokerModel
import Foundation
import TestKit
import Testing

@testable import BrokerCommands

/// What a person is told of a daemon that does not come up; shell scripts stand in for it.
@Suite struct DaemonLauncherTests {
    private func start(_ script: String) async throws -> (error: BrokerError?, took: Duration) {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let program = folder.file("daemon")
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: program))
        #expect(chmod(program, 0o700) == 0)
        let environment = [
            "BROKER_HOME": folder.file("home"), "XDG_RUNTIME_DIR": folder.path, "PATH": "/usr/bin:/bin",
        ]
        let launcher = DaemonLauncher(
            places: try BrokerPlaces(environment: environment), environment: environment, program: program)
        let began = ContinuousClock.now
        let error = await #expect(throws: BrokerError.self) { _ = try await launcher.ensureRunning() }
        return (error, ContinuousClock.now - began)
    }

    @Test func `the error that it has ended with is the error, at once`() async throws {
        let (error, took) = try await start(
            """
            echo '{"level":"info","message":"before","time":"t","logger":"broker"}'
            echo '{"code":"E1003","exit":10,"fix":"mend it","schema":"broker.error/1","what":"it is broken","why":"so"}' >&2
            exit 10
            """)
        #expect(error == BrokerError(.ledgerUnusable, "it is broken", why: "so", fix: "mend it"))
        #expect(took < .seconds(5))
    }

    @Test func `one that says nothing of itself is told by the end of its log, without JSON`() async throws {
        let (error, took) = try await start(
            """
            echo '{"level":"error","message":"it went wrong","error":"here","time":"t","logger":"broker"}'
            echo 'Fatal error: trapped' >&2
            kill -ABRT $$
            """)
        #expect(error?.code == .daemonFailed)
        #expect(error?.why == "its log ends with: it went wrong: here; Fatal error: trapped")
        #expect(error?.fix == "broker daemon run")
        #expect(took < .seconds(5))
    }
}
