public import BrokerModel
import Gateway

extension ControlPlane {
    /// What clients have sent to a resource since the last mark; with `mark` it is begun anew. Commands are noted from the
    /// first call on.
    public func commands(
        _ request: CommandsRequest, of resource: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> CommandsDocument {
        let live = try await live(try ResourceReference(resource), in: workspace)
        guard live.serviceClass.isNetworked else {
            throw BrokerError(
                .unsupported, "what apps ask of \"\(live.reference)\" is not seen",
                why: "a sqlite resource is a file, which the app's process opens itself",
                fix: "broker expect \(live.reference.name) --query 'SELECT 1' --equals 1")
        }
        var document = CommandsDocument(total: 0, counts: [:], last: [])
        for endpoint in live.endpoints {
            let tally = await gateway.commands(on: endpoint, marks: request.mark)
            document.begins = document.begins || tally.begins
            document.total += tally.total
            document.counts.merge(tally.counts, uniquingKeysWith: +)
            document.last += tally.last.map {
                CommandsDocument.Entry(command: $0.command, keys: $0.keys, client: $0.client)
            }
        }
        return document
    }
}
