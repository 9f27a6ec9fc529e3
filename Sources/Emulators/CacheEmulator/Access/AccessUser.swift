import RESPWire

/// A user that an app has made with ACL SETUSER, and the clients that are logged in as it.
final class AccessUser {
    let name: [UInt8]
    /// Whose it is: the holder of the attachment that has made it, or whose user has; empty where that was none.
    let owner: String
    var rights = AccessRights()
    var clients: [CacheClient] = []

    init(_ name: [UInt8], owner: String) {
        self.name = name
        self.owner = owner
    }
}

/// Who a client is.
enum ClientAccount {
    /// Nobody that the emulator knows: who owns the connection answers for it. All rights.
    case unnamed
    /// An attachment of the resource: all rights but for commands that are refused to everybody.
    case attachment(CacheAttachment)
    case made(AccessUser)

    var made: AccessUser? { if case .made(let user) = self { user } else { nil } }

    var name: [UInt8] {
        switch self {
        case .unnamed: AccessUsers.defaultName
        case .attachment(let attachment): Array(attachment.user.utf8)
        case .made(let user): user.name
        }
    }

    /// Of the users that it makes.
    var owner: String {
        switch self {
        case .unnamed: ""
        case .attachment(let attachment): attachment.holder
        case .made(let user): user.owner
        }
    }
}

/// An attachment as the emulator knows it: a user that nobody can change here.
public struct CacheAttachment: Hashable, Sendable {
    public var holder: String
    public var user: String
    /// SHA-256 of its secret in lower-case hexadecimal digits; the secret itself does not come here.
    public var secretHash: String

    public init(holder: String, user: String, secretHash: String) {
        self.holder = holder
        self.user = user
        self.secretHash = secretHash
    }
}

/// The users of one cache: `default`, the attachments', which the gateway names, and those that apps have made.
///
/// `default` is every attachment: whoever logs in as it gives the secret of one. What apps have made lives as long as this
/// emulator, as in a redis-server without an aclfile: a restart of the daemon, also of a durable cache, forgets it. A swap to
/// another provider is refused while there are any, and a client that becomes such a user meanwhile holds it up.
struct AccessUsers {
    static let defaultName = Array("default".utf8)
    /// What nobody may run, whatever the rules say.
    static let refused: CommandSet = {
        var set = CommandSet()
        for command in CommandTable.shared.commands where command.flags.contains(.refused) {
            guard let number = command.catalogueNumber else { continue }
            for number in [number] + CommandCatalogue.shared.subcommands[number] { set.insert(number) }
        }
        return set
    }()

    private(set) var attachments: [CacheAttachment] = []
    private(set) var made: [[UInt8]: AccessUser] = [:]
    var log = AccessLog()

    /// Names the attachments anew; returns the made users that are no more: an attachment has taken their name, or has
    /// made them and is gone itself.
    mutating func setAttachments(_ attachments: [CacheAttachment]) -> [AccessUser] {
        self.attachments = attachments
        let holders = Set(attachments.map(\.holder))
        let gone = made.values.filter { user in
            isReserved(user.name) || !user.owner.isEmpty && !holders.contains(user.owner)
        }
        for user in gone { made[user.name] = nil }
        return gone
    }

    /// `default`, and what an attachment is called.
    func isReserved(_ name: [UInt8]) -> Bool {
        name == Self.defaultName || attachments.contains { Array($0.user.utf8) == name }
    }

    mutating func add(_ user: AccessUser) { made[user.name] = user }

    mutating func remove(_ name: [UInt8]) -> AccessUser? { made.removeValue(forKey: name) }

    func rights(of name: [UInt8]) -> AccessRights? {
        if let user = made[name] { return user.rights }
        guard isReserved(name) else { return nil }
        let named = name == Self.defaultName ? attachments : attachments.filter { Array($0.user.utf8) == name }
        return AccessRights(allBut: Self.refused, passwords: named.map { Array($0.secretHash.utf8) })
    }

    /// In the order of their bytes.
    var names: [[UInt8]] {
        let names = Set(made.keys).union(attachments.map { Array($0.user.utf8) }).union([Self.defaultName])
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }
}
