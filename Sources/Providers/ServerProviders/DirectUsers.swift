public import BrokerModel
import Crypto
import Gateway
public import ProviderKit

/// The users of direct attachments at a server of the broker's: one each, so that a detach and a fence reach the one and
/// not the others. Name and secret follow from the backing's secret; the server's folder has only who there is.
struct DirectUsers: Sendable {
    private let names: OwnUsers

    init(_ backing: Backing) {
        names = OwnUsers(prefix: "direct-", key: backing.secret.reveal { $0 })
    }

    func name(of attachment: String) -> String { names.name(of: attachment) }

    func secret(of attachment: String) -> Secret { Secret(names.secret(of: attachment)) }

    /// As ACL SETUSER and a configuration's `user` take it; the secret as a hash.
    func rules(of attachment: String) -> [String] {
        let hash = secret(of: attachment).reveal { SHA256.hash(data: Array($0.utf8)) }
        let digits = hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return [name(of: attachment), "on", "#\(digits)", "~*", "&*"] + Self.rights
    }

    /// All but what makes other users, reaches the host, or ends the server.
    private static let rights = [
        "+@all", "-acl", "+acl|whoami", "-debug", "-migrate", "-module", "-psync", "-replicaof", "-shutdown",
        "-slaveof",
        "-sync",
    ]
}

extension ExecProvider: FencesDirect {
    public func fence(_ backing: Backing) async throws(BrokerError) {
        try await removeUsers(try files(of: backing.id).attachmentsWithUser(), at: backing)
    }

    public func lift(_ backing: Backing) async throws(BrokerError) {
        try await makeUsers(try files(of: backing.id).attachmentsWithUser(), at: backing)
    }

    /// Makes the user of an attachment, for this server and those that are started in its place.
    func addUser(_ attachment: String, at backing: Backing) async throws(BrokerError) {
        let files = files(of: backing.id)
        let known = try files.attachmentsWithUser()
        if !known.contains(attachment) { try files.setAttachmentsWithUser(known + [attachment]) }
        try await makeUsers([attachment], at: backing)
    }

    func removeUser(_ attachment: String, at backing: Backing) async throws(BrokerError) {
        let files = files(of: backing.id)
        let known = try files.attachmentsWithUser()
        guard known.contains(attachment) else { return }
        try files.setAttachmentsWithUser(known.filter { $0 != attachment })
        // A server that does not run will not know the user when it does.
        guard await running(backing) != nil else { return }
        try await removeUsers([attachment], at: backing)
    }

    private func makeUsers(_ attachments: [String], at backing: Backing) async throws(BrokerError) {
        let users = DirectUsers(backing)
        try await ask(
            attachments.map { attachment in
                let rules = users.rules(of: attachment)
                return ["ACL", "SETUSER", rules[0], "reset"] + rules[1...]
            }, at: backing)
    }

    /// Ends their connections, too.
    private func removeUsers(_ attachments: [String], at backing: Backing) async throws(BrokerError) {
        guard !attachments.isEmpty else { return }
        let users = DirectUsers(backing)
        try await ask([["ACL", "DELUSER"] + attachments.map { users.name(of: $0) }], at: backing)
    }

    private func ask(_ questions: [[String]], at backing: Backing) async throws(BrokerError) {
        guard !questions.isEmpty else { return }
        let login = login(of: backing)
        do throws(RedisProblem) {
            try await RedisAdmin.run { () throws(RedisProblem) in
                let admin = try RedisAdmin.connect(login, timeout: .seconds(5))
                for question in questions { _ = try admin.ask(question) }
            }
        } catch {
            throw error.brokerError("\(backing.provider)", fix: "broker logs")
        }
    }
}
