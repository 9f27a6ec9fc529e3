public import BrokerModel
import Crypto
import Gateway
public import ProviderKit

/// The users of direct attachments at a server of the broker's: one each, so that a detach and a fence reach the one and
/// not the others. The server's folder has who there is, as `attachment.nonce`; the secret follows from that and the
/// backing's secret. The nonce is new whenever an attachment is let in anew: who was shut out stays out.
struct DirectUsers: Sendable {
    private let names: OwnUsers

    init(_ backing: Backing) {
        names = OwnUsers(prefix: "direct-", key: backing.secret.reveal { $0 })
    }

    func name(of attachment: String) -> String { names.name(of: String(attachment.prefix { $0 != "." })) }

    func secret(of attachment: String) -> Secret { Secret(names.secret(of: attachment)) }

    /// As ACL SETUSER and a configuration's `user` take it; the secret as a hash.
    func rules(of attachment: String) -> [String] {
        let hash = secret(of: attachment).reveal { SHA256.hash(data: Array($0.utf8)) }
        let digits = hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return [name(of: attachment), "on", "#\(digits)", "~*", "&*"] + Self.rights
    }

    /// All but the administration of the server: CONFIG SET alone would make anybody the default user. Of that, what apps
    /// ask about themselves.
    private static let rights = [
        "+@all", "-@admin", "-migrate", "+acl|whoami", "+config|get", "+client|list", "+client|kill", "+client|unblock",
        "+slowlog", "+latency", "+monitor",
    ]
}

extension ExecProvider: FencesDirect {
    public func fence(_ backing: Backing, within limit: Duration) async throws(BrokerError) {
        try await removeUsers(try files(of: backing.id).attachmentsWithUser(), at: backing, within: limit)
    }

    public func lift(_ backing: Backing) async throws(BrokerError) {
        try await makeUsers(try files(of: backing.id).attachmentsWithUser(), at: backing)
    }

    /// Makes the user of an attachment, for this server and those that are started in its place. Returns how it logs in;
    /// done again, the same.
    func addUser(_ attachment: String, at backing: Backing) async throws(BrokerError) -> RedisLogin {
        let files = files(of: backing.id)
        let known = try files.attachmentsWithUser()
        let entry = known.first { $0.hasPrefix(attachment + ".") } ?? "\(attachment).\(OperationID.random())"
        if !known.contains(entry) { try files.setAttachmentsWithUser(known + [entry]) }
        try await makeUsers([entry], at: backing)
        let users = DirectUsers(backing)
        var login = login(of: backing)
        (login.user, login.secret) = (users.name(of: entry), users.secret(of: entry))
        return login
    }

    func removeUser(_ attachment: String, at backing: Backing) async throws(BrokerError) {
        let files = files(of: backing.id)
        let known = try files.attachmentsWithUser()
        guard let entry = known.first(where: { $0.hasPrefix(attachment + ".") }) else { return }
        try files.setAttachmentsWithUser(known.filter { $0 != entry })
        // A server that does not run will not know the user when it does.
        guard await running(backing) != nil else { return }
        try await removeUsers([entry], at: backing)
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
    private func removeUsers(
        _ attachments: [String], at backing: Backing, within limit: Duration = .seconds(5)
    ) async throws(BrokerError) {
        guard !attachments.isEmpty else { return }
        let users = DirectUsers(backing)
        try await ask([["ACL", "DELUSER"] + attachments.map { users.name(of: $0) }], at: backing, within: limit)
    }

    func ask(
        _ questions: [[String]], at backing: Backing, within limit: Duration = .seconds(5)
    ) async throws(BrokerError) {
        guard !questions.isEmpty else { return }
        let login = login(of: backing)
        do throws(RedisProblem) {
            try await RedisAdmin.run { () throws(RedisProblem) in
                let admin = try RedisAdmin.connect(login, timeout: limit)
                for question in questions { _ = try admin.ask(question) }
            }
        } catch {
            throw error.brokerError("\(backing.provider)", fix: "broker logs")
        }
    }
}
