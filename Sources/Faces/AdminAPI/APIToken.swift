public import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a request over TCP must show: `Authorization: Bearer TOKEN`. It is in a file of the home that only its user reads.
public struct APIToken: Sendable {
    private let secret: Secret

    /// The token of the file, which is made where it is missing. Throws `unsafe` where it cannot be read or written.
    public static func file(_ path: String) throws(BrokerError) -> APIToken {
        if let data = try? Data(contentsOf: URL(filePath: path)) {
            let text = String(decoding: data, as: UTF8.self).filter { !$0.isWhitespace }
            if text.utf8.count >= 16 { return APIToken(secret: Secret(text)) }
        }
        let fresh = Secret.random()
        do {
            // The daemon's umask keeps others out.
            try Data(fresh.reveal { $0 + "\n" }.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw BrokerError(
                .unsafe, "cannot write \"\(path)\"", why: "the HTTP API over TCP needs a token: \(error)",
                fix: "unset BROKER_API_PORT")
        }
        return APIToken(secret: fresh)
    }

    init(secret: Secret) {
        self.secret = secret
    }

    /// Whether it is the header's; takes the same time whatever part of a guess is right.
    func isShown(by header: String?) -> Bool {
        let expected = secret.reveal { Array("Bearer \($0)".utf8) }
        let given = Array((header ?? "").utf8)
        guard given.count == expected.count else { return false }
        return zip(given, expected).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
