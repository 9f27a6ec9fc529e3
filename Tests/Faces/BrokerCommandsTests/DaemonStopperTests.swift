import BrokerClient
import BrokerModel
import Foundation
import Processes
import TestKit
import Testing

@testable import BrokerCommands

@Suite struct DaemonStopperTests {
    @Test func `a process that has the number of a former daemon gets no signal`() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let environment = ["BROKER_HOME": folder.file("home"), "XDG_RUNTIME_DIR": folder.path]
        let places = try BrokerPlaces(environment: environment)
        try PrivateFolder.make(places.home)
        // Somebody holds the lock and answers nowhere.
        let lock = try LockFile.take(places.daemonLock)
        let stranger = try ChildProcess.spawn(
            ProcessCommand("sleep", ["600"], environment: ["PATH": "/usr/bin:/bin"]))
        let identity = try #require(ProcessIdentity(of: stranger.pid))
        for startTime in [identity.startTime + 1, nil] {
            try Announcement(
                pid: stranger.pid, socket: folder.file("none"), version: BrokerVersion.current, startTime: startTime
            ).write(places.announcement)
            let stopper = DaemonStopper(places: places, timeout: .milliseconds(1200))
            let error = await #expect(throws: BrokerError.self) { _ = try await stopper.stop() }
            #expect(error?.code == .timedOut)
            #expect(error?.fix?.contains("\(stranger.pid)") == false)
            #expect(identity.isAlive)
        }
        _ = consume lock
        await stranger.terminate(grace: .zero)
    }
}
