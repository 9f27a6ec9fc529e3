import BrokerModel
import Testing

@testable import BrokerCommands

@Suite struct WorkspaceFileTests {
    @Test(arguments: [
        "", "version: 1\n", "version: 1", "---\nversion: 1 # the only one\r\n...\n", "\"version\": '1'\n",
        "# nothing\n\n",
    ])
    func `version 1 alone is valid, and so is nothing`(text: String) throws {
        #expect(try WorkspaceFile(text, path: "/broker.yaml").ignored.isEmpty)
    }

    @Test func `other keys are named as having no effect, what is below them is left alone`() throws {
        let text = "version: 1\nresources:\n  cache:\n    class: redis\n\t- x\napps: {web: 1}\n"
        #expect(try WorkspaceFile(text, path: "/broker.yaml").ignored == ["resources", "apps"])
    }

    @Test(arguments: ["version: 2", "version: 1.0", "version:", "version: [1]"])
    func `another version is refused`(text: String) {
        let error = #expect(throws: BrokerError.self) { try WorkspaceFile(text, path: "/broker.yaml") }
        #expect(error?.code == .invalidRequest)
        #expect(error?.what.contains("version") == true)
        #expect(error?.fix != nil)
    }

    @Test(arguments: ["- a\n", "just text\n", "{version: 1}\n", "  version: 1\n", "[1, 2]\n", "a:b\n", ": x\n"])
    func `what is no mapping is refused, with its line`(text: String) {
        let error = #expect(throws: BrokerError.self) { try WorkspaceFile(text, path: "/a b/broker.yaml") }
        #expect(error?.code == .invalidRequest)
        #expect(error?.why.contains("line 1") == true)
        #expect(error?.fix == "echo 'version: 1' > '/a b/broker.yaml'")
    }

    @Test func `a file that cannot be read is no empty one`() {
        #expect(
            #expect(throws: BrokerError.self) { try WorkspaceFile.read("/nowhere/broker.yaml") }?.code
                == .invalidRequest)
    }
}
