import BrokerModel
import TLSTunnel

extension RedisProblem {
    /// Who stands behind a tunnel sees a closed connection only: the tunnel knows why.
    func seen(through tunnel: TLSTunnel?) -> RedisProblem {
        guard case .unreachable = self, let failure = tunnel?.failure else { return self }
        return .unreachable(failure.description)
    }

    /// What a person is told; `server` names it without its secret.
    func brokerError(_ server: String, fix: String?) -> BrokerError {
        switch self {
        case .unreachable(let why):
            BrokerError(.serverUnreachable, "\"\(server)\" cannot be reached", why: why, fix: fix)
        case .otherProtocol(let why):
            BrokerError(.wrongServer, "\"\(server)\" is no redis server", why: why, fix: fix)
        case .refused(let text): Self.refused(text, server, fix)
        }
    }

    private static func refused(_ text: String, _ server: String, _ fix: String?) -> BrokerError {
        let word = text.prefix { $0 != " " }
        // Servers repeat nothing of the secret; the text is bounded all the same.
        let why = "it says: \(text.prefix(160))"
        switch word {
        case "NOAUTH", "WRONGPASS", "NOPERM":
            return BrokerError(.credentialsRefused, "\"\(server)\" refuses the credentials", why: why, fix: fix)
        case "ERR" where text.contains("AUTH") || text.contains("password"):
            return BrokerError(.credentialsRefused, "\"\(server)\" refuses the credentials", why: why, fix: fix)
        case "LOADING", "MASTERDOWN", "BUSY":
            return BrokerError(.serverUnreachable, "\"\(server)\" is not ready", why: why, fix: fix)
        default: return BrokerError(.unsupported, "\"\(server)\" cannot be used", why: why, fix: fix)
        }
    }
}
