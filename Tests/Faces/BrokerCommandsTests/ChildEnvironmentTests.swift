import BrokerModel
import Testing

@testable import BrokerCommands

@Suite struct ChildEnvironmentTests {
    private let inherited = ["PATH": "/bin", "CACHE_URL": "shell", "SAME_URL": "same", "BROKER_MASTER_KEY": "k"]
    private let app = ["CACHE_URL": "canary", "SAME_URL": "same", "DB_URL": "db"]

    @Test func `the attachment wins for its own names and says so without values`() {
        let child = ChildEnvironment(inherited: inherited, app: app, attachmentsWin: true)
        #expect(child.variables == ["PATH": "/bin", "CACHE_URL": "canary", "SAME_URL": "same", "DB_URL": "db"])
        #expect(child.warnings.count == 1)
        #expect(child.warnings.first?.hasPrefix("CACHE_URL of this shell is replaced") == true)
        #expect(child.warnings.first?.contains("canary") == false)
    }

    @Test func `--no-override keeps the shell's`() {
        let child = ChildEnvironment(inherited: inherited, app: app, attachmentsWin: false)
        #expect(child.variables["CACHE_URL"] == "shell")
        #expect(child.variables["DB_URL"] == "db")
        #expect(child.warnings.first?.hasPrefix("CACHE_URL of this shell is kept") == true)
    }

    @Test func `the key of the ledger is not for apps`() {
        #expect(
            ChildEnvironment(inherited: inherited, app: [:], attachmentsWin: true).variables["BROKER_MASTER_KEY"] == nil
        )
    }

    @Test func `PORT is assigned where it is unset or empty`() throws {
        for environment in [[:], ["PORT": ""]] {
            var child = ChildEnvironment(inherited: environment, app: [:], attachmentsWin: true)
            #expect(try child.assignPort { 4711 } == 4711)
            #expect(child.variables["PORT"] == "4711")
        }
        var child = ChildEnvironment(inherited: ["PORT": "80"], app: [:], attachmentsWin: true)
        #expect(try child.assignPort { 4711 } == nil)
        #expect(child.variables["PORT"] == "80")
    }

    @Test func `a free port is one that can be bound`() throws {
        #expect(try FreePort.find() > 1023)
    }
}
