import BrokerModel

/// The environment of a child: this process's own, the app's variables, and PORT.
struct ChildEnvironment: Equatable {
    private(set) var variables: [String: String]
    /// What a person should know about variables that both sides set, to different values.
    private(set) var warnings: [String] = []

    /// - Parameters:
    ///   - inherited: this process's variables.
    ///   - app: the app's, from its attachments.
    ///   - attachmentsWin: who wins where both set a name. The loser's value is not shown: it may be a secret.
    init(inherited: [String: String], app: [String: String], attachmentsWin: Bool) {
        variables = Self.withoutKey(inherited)
        for name in app.keys.sorted() {
            let former = variables[name]
            if attachmentsWin || former == nil { variables[name] = app[name] }
            guard let former, former != app[name] else { continue }
            warnings.append(
                attachmentsWin
                    ? "\(name) of this shell is replaced by the attachment's (--no-override keeps it)"
                    : "\(name) of this shell is kept; the attachment's is not used (--no-override)")
        }
    }

    /// The variables without the one that opens the ledger with everybody's secrets: no app needs it.
    static func withoutKey(_ inherited: [String: String]) -> [String: String] {
        var variables = inherited
        variables["BROKER_MASTER_KEY"] = nil
        return variables
    }

    /// The port that the app is to listen on, chosen by `choose` where nobody has set one. Nil when it was set.
    mutating func assignPort(_ choose: () throws(BrokerError) -> UInt16) throws(BrokerError) -> UInt16? {
        guard (variables["PORT"] ?? "").isEmpty else { return nil }
        let port = try choose()
        variables["PORT"] = String(port)
        return port
    }
}
