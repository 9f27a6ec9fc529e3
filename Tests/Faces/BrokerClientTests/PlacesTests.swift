import BrokerClient
import BrokerModel
import Foundation
import Testing

@Suite struct PlacesTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "places-\(UUID().uuidString.prefix(8))")
        .path

    @Test func `the home is BROKER_HOME, else the state folder of XDG, else the one in HOME`() throws {
        let all = ["BROKER_HOME": "/b/", "XDG_STATE_HOME": "/x", "HOME": "/h"]
        #expect(try BrokerPlaces(environment: all).home == "/b")
        #expect(try BrokerPlaces(environment: ["XDG_STATE_HOME": "/x", "HOME": "/h"]).home == "/x/broker")
        #expect(try BrokerPlaces(environment: ["BROKER_HOME": "", "HOME": "/h"]).home == "/h/.local/state/broker")
        #expect(try BrokerPlaces(environment: ["XDG_STATE_HOME": "x", "HOME": "/h"]).home == "/h/.local/state/broker")
    }

    @Test func `no home at all is an error with a fix`() {
        let error = #expect(throws: BrokerError.self) { try BrokerPlaces(environment: [:]) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.fix?.hasPrefix("export BROKER_HOME=") == true)
    }

    @Test func `sockets are in XDG_RUNTIME_DIR where that is ours, else under the temporary folder`() throws {
        try PrivateFolder.make(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ours = try BrokerPlaces(environment: ["BROKER_HOME": "/b", "XDG_RUNTIME_DIR": folder])
        #expect(ours.runtime.hasPrefix(folder + "/broker/"))
        let missing = try BrokerPlaces(environment: [
            "BROKER_HOME": "/b", "XDG_RUNTIME_DIR": folder + "/no", "TMPDIR": "/tmp",
        ])
        #expect(missing.runtime.hasPrefix("/tmp/broker-\(getuid())/"))
        #expect(chmod(folder, 0o777) == 0)
        let open = try BrokerPlaces(environment: ["BROKER_HOME": "/b", "XDG_RUNTIME_DIR": folder, "TMPDIR": "/tmp"])
        #expect(open.runtime.hasPrefix("/tmp/broker-"))
    }

    @Test func `two homes never share a runtime folder, and one home always has the same`() throws {
        let first = try BrokerPlaces(environment: ["BROKER_HOME": "/a"])
        #expect(try first.runtime != BrokerPlaces(environment: ["BROKER_HOME": "/b"]).runtime)
        #expect(try first.runtime == BrokerPlaces(environment: ["BROKER_HOME": "/a/"]).runtime)
    }

    @Test func `a socket's path always fits into 104 bytes, with room for a child's`() throws {
        let long = "/" + String(repeating: "x", count: 120)
        let places = try BrokerPlaces(environment: ["BROKER_HOME": long, "TMPDIR": long])
        #expect(places.socket(of: 4_194_304).utf8.count < 100)
        #expect((places.runtime + "/0123456789abcdef.sock").utf8.count < 104)
    }

    @Test func `a private folder is made with 0700 and others' rights are taken from one that is there`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try PrivateFolder.make(folder + "/a/b")
        #expect(mode(folder + "/a/b") == 0o700)
        #expect(chmod(folder, 0o755) == 0)
        try PrivateFolder.make(folder)
        #expect(mode(folder) == 0o700)
    }

    @Test func `a link to a folder, unless one was chosen, and a folder that others can write to are refused`() throws {
        try PrivateFolder.make(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(symlink("/tmp", folder + "/link") == 0)
        #expect(throws: BrokerError.self) { try PrivateFolder.make(folder + "/link") }
        try PrivateFolder.make(folder + "/mine")
        #expect(symlink(folder + "/mine", folder + "/chosen") == 0)
        #expect(throws: BrokerError.self) { try PrivateFolder.make(folder + "/chosen") }
        try PrivateFolder.make(folder + "/chosen", mayBeLink: true)
        try PrivateFolder.make(folder + "/open")
        #expect(chmod(folder + "/open", 0o777) == 0)
        let error = #expect(throws: BrokerError.self) { try PrivateFolder.make(folder + "/open") }
        #expect(error?.code == .unsafe)
        #expect(error?.fix == "chmod go-w \(folder)/open")
    }

    @Test func `a file in the place of a folder is named as what it is, with a place that works`() throws {
        try PrivateFolder.make(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data().write(to: URL(filePath: folder + "/file"))
        for path in ["/file", "/file/below"] {
            let error = #expect(throws: BrokerError.self) { try PrivateFolder.make(folder + path) }
            #expect(error?.code == .invalidRequest)
            #expect(error?.what == "\"\(folder + path)\" is no folder")
            #expect(error?.fix == "export BROKER_HOME=\(folder)/file.d")
        }
        #expect(throws: BrokerError.self) { try PrivateFolder.checkPlace(folder + "/file") }
        try PrivateFolder.checkPlace(folder)
        try PrivateFolder.checkPlace(folder + "/none")
    }

    @Test func `a lock is held by one at a time and is free when its holder is gone`() async throws {
        try PrivateFolder.make(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/lock"
        #expect(try !LockFile.isHeld(path))
        var lock = try LockFile.take(path)
        let isTaken = lock != nil
        #expect(isTaken)
        #expect(try LockFile.isHeld(path))
        let second = try await LockFile.take(path, within: .milliseconds(20))
        let isRefused = second == nil
        #expect(isRefused)
        lock = nil
        #expect(try !LockFile.isHeld(path))
        #expect(mode(path) == 0o600)
    }

    @Test func `an announcement is read back, and nonsense is none`() throws {
        try PrivateFolder.make(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let announcement = Announcement(pid: 7, socket: "/s", version: "1", startTime: 4711)
        try announcement.write(folder + "/daemon.json")
        #expect(Announcement.read(folder + "/daemon.json") == announcement)
        try Data("{".utf8).write(to: URL(filePath: folder + "/daemon.json"))
        #expect(Announcement.read(folder + "/daemon.json") == nil)
        #expect(Announcement.read(folder + "/none") == nil)
    }

    @Test func `nobody answers on a socket that is not there`() async throws {
        #expect(!SocketProbe.answers(folder + "/none"))
        let client = BrokerClient(socket: folder + "/none", timeouts: BrokerClient.Timeouts(quick: .seconds(5)))
        let error = await #expect(throws: BrokerError.self) { try await client.version() }
        await client.close()
        #expect(error?.code == .daemonNotRunning)
        #expect(error?.fix == "broker daemon start")
    }

    private func mode(_ path: String) -> mode_t {
        var facts = stat()
        return lstat(path, &facts) == 0 ? facts.st_mode & 0o777 : 0
    }
}
