import Crypto

/// How each attachment gets a user of its own at a server: its name and secret follow from who holds the grant, so that
/// nothing needs to be kept, and a user that the server has forgotten is made again.
public struct OwnUsers: Hashable, Sendable {
    /// In front of every name: nobody else's user begins so.
    public var prefix: String
    /// What the secrets are made of.
    private let key: [UInt8]

    public init(prefix: String, key: String) {
        self.prefix = prefix
        self.key = Array(key.utf8)
    }

    public func name(of holder: String) -> String { prefix + holder }

    public func secret(of holder: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array(holder.utf8), using: SymmetricKey(data: key))
        return code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// ACL SETUSER: all that the relay lets an app ask, for one database. SELECT comes before the user is one, so that no
    /// script of an app's leaves the database (but for COPY with DB, which rights cannot tell from COPY).
    func creation(of holder: String) -> [String] {
        ["ACL", "SETUSER", name(of: holder), "reset", "on", ">\(secret(of: holder))", "~*", "&*"] + Self.rights
    }

    /// What a user may do, as ACL SETUSER takes it. The relay itself asks CLIENT UNBLOCK as the app.
    public static let rights = [
        "+@all", "-@admin", "+config|get", "+latency", "+client|unblock", "-migrate", "-select", "-swapdb", "-move",
        "-flushall", "-function|delete", "-function|flush", "-function|restore",
    ]
}

/// The user of the attachment on its connection to the server.
extension RedisRelay {
    /// To be called behind the broker's own login, and when the client has become somebody else. False where nothing had
    /// to be asked for.
    @discardableResult
    func becomeOwnUser() -> Bool {
        guard let users = server.ownUsers, let holder = session.grant?.holder, holder != ownHolder, link != nil else {
            return false
        }
        ownHolder = holder
        send("AUTH", users.name(of: holder), users.secret(of: holder), for: .ownLogIn)
        return true
    }

    /// The server does not know the user: it is new, or was lost with a restart.
    func makeOwnUser() {
        guard let users = server.ownUsers, let holder = ownHolder else { return }
        // As the broker's own user again, who may.
        send("AUTH", server.user ?? "default", server.secret ?? "", for: .logIn)
        send(users.creation(of: holder).map { Array($0.utf8) }, for: .logIn)
        send("AUTH", users.name(of: holder), users.secret(of: holder), for: .logIn)
    }
}
