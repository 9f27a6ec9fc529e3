import CacheEmulator
import Crypto

/// Who may use an endpoint: attachments by the hash of their secret.
///
/// Looking up a hash takes the same time whatever part of a guess is right, so that the time tells nothing.
struct Grants {
    private var byHash: [SHA256Digest: Grant] = [:]
    /// As whom clients are let in that say nothing; nil where a password is needed.
    private(set) var everybody: Grant?

    /// Whether anybody was ever let in; an endpoint without grants lets nobody in.
    var isEmpty: Bool { byHash.isEmpty }

    mutating func add(_ grant: Grant) {
        remove(holder: grant.holder)
        byHash[Self.hash(Array(grant.secret.utf8))] = grant
    }

    mutating func admitAll(as grant: Grant) {
        add(grant)
        everybody = grant
    }

    mutating func remove(holder: String) {
        if everybody?.holder == holder { everybody = nil }
        byHash = byHash.filter { $0.value.holder != holder }
    }

    /// The grant that a secret names. A user, where one is given, must be the grant's own, or `default`.
    func find(user: [UInt8]?, secret: [UInt8]) -> Grant? {
        guard let grant = byHash[Self.hash(secret)] else { return nil }
        guard let user, user != Array("default".utf8) else { return grant }
        return user == Array(grant.user.utf8) ? grant : nil
    }

    /// The grant of a holder.
    func grant(of holder: String) -> Grant? { byHash.values.first { $0.holder == holder } }

    /// As an emulator is to know them.
    var attachments: [CacheAttachment] {
        byHash.map { hash, grant in
            CacheAttachment(holder: grant.holder, user: grant.user, secretHash: Self.text(hash))
        }.sorted { $0.user < $1.user }
    }

    static func attachment(_ grant: Grant) -> CacheAttachment {
        CacheAttachment(
            holder: grant.holder, user: grant.user, secretHash: text(hash(Array(grant.secret.utf8))))
    }

    private static func text(_ hash: SHA256Digest) -> String {
        hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    func knows(user: String) -> Bool { byHash.values.contains { $0.user == user } }

    private static func hash(_ secret: [UInt8]) -> SHA256Digest {
        SHA256.hash(data: secret)
    }
}
