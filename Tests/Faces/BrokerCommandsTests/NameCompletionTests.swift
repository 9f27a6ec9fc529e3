import Testing

@testable import BrokerCommands

@Suite struct NameCompletionTests {
    @Test(arguments: [
        (["broker", "swap", "--workspace", "w", "c"], "w"), (["broker", "swap", "--workspace=w"], "w"),
        (["broker", "swap", "--workspace"], nil), (["broker", "swap", "cache"], nil),
    ])
    func `the workspace is the one of the line that is typed`(words: [String], workspace: String?) {
        #expect(NameCompletion.option(in: words) == workspace)
    }
}
