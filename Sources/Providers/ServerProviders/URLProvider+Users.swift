import BrokerModel
import Gateway
import TLSTunnel

/// Users that the broker makes at a server for its attachments, where it may.
extension URLProvider {
    /// Nil where the broker's user may make none.
    static func ownUsers(
        of backing: Backing, _ login: RedisLogin, _ timeout: Duration
    ) async throws(RedisProblem) -> OwnUsers? {
        let users = OwnUsers(prefix: OwnUsers.prefix(of: backing.id), key: backing.secret.reveal { $0 })
        let probe = ["ACL", "SETUSER", users.prefix + "probe", "off", "~*", "&*"] + OwnUsers.rights
        do throws(RedisProblem) {
            try await RedisAdmin.run { () throws(RedisProblem) in
                let admin = try RedisAdmin.connect(login, timeout: timeout)
                _ = try admin.ask(probe)
                _ = try admin.ask("ACL", "DELUSER", users.prefix + "probe")
            }
            return users
        } catch {
            // Only a no is believed: a server that is slow or busy must not open what is closed.
            guard case .refused(let words) = error,
                ["NOPERM", "ERR unknown", "ERR Unknown", "ERR Error in ACL"].contains(where: { words.hasPrefix($0) })
            else { throw error }
            return nil
        }
    }

    /// Removes those of the backing's users; a server that is gone has none, and one that refuses keeps them.
    func removeUsers(of backing: Backing, where isGone: @escaping @Sendable (String) -> Bool) async {
        guard let url = try? Self.url(of: backing.provider) else { return }
        let tunnel = try? await tunnels.tunnel(to: url)
        var login = RedisLogin(url)
        login.tunnel = tunnel?.path
        do throws(RedisProblem) {
            try await RedisAdmin.run { [login] () throws(RedisProblem) in
                let admin = try RedisAdmin.connect(login, timeout: .seconds(2))
                guard case .list(let names) = try admin.ask("ACL", "USERS") else { return }
                let gone = names.compactMap { if case .text(let name) = $0, isGone(name) { name } else { nil } }
                if !gone.isEmpty { _ = try admin.ask(["ACL", "DELUSER"] + gone) }
            }
        } catch {}
    }
}

extension OwnUsers {
    /// In front of the names of a backing's users.
    static func prefix(of backing: BackingID) -> String { "broker-\(backing)-" }
}
