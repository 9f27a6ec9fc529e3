import Testing

@testable import BrokerCommands

@Suite struct WorkspaceOptionTests {
    @Test(arguments: [
        ("broker status", "broker status --workspace w"),
        (
            "broker detach c --from web && broker destroy c  # or: broker open c",
            "broker detach --workspace w c --from web && broker destroy --workspace w c  # or: broker open --workspace w c"
        ),
        ("broker run web -- env", "broker run --workspace w web -- env"),
        ("kill -9 7 && broker daemon start", "kill -9 7 && broker daemon start"),
        ("name another", "name another"),
    ])
    func `a command to paste works on the workspace that was asked for`(text: String, with: String) {
        #expect(WorkspaceOption.added("w", to: text) == with)
        #expect(WorkspaceOption.added(nil, to: text) == text)
    }
}
