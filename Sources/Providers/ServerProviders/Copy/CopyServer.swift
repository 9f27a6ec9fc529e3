import BrokerModel
import ReplicationWire
import TLSTunnel

/// A server at an end of a copy: how it is reached, what of it is the resource's, and what is said of it when it fails.
struct CopyServer: Sendable {
    var login: RedisLogin
    /// Held as long as it is needed.
    var tunnel: TLSTunnel?
    let scope: DatabaseScope
    /// Names it, without its secret.
    let name: String
    /// Whether a user can talk to it by redis-cli: the secret of a server that the broker runs is nobody's.
    let isElsewhere: Bool
    var limits = CopyLimits()

    /// Only the data of class `redis` can be copied.
    static func require(_ serviceClass: ServiceClass, of backing: Backing) throws(BrokerError) {
        guard serviceClass != .redis else { return }
        throw BrokerError(
            .unsupported, "\"\(backing.provider)\" cannot be copied",
            why: "only the data of class redis can be carried across, this is \(serviceClass)",
            fix: "broker create NAME --class redis")
    }

    /// AUTH as it is sent; nil where the server asks for nothing.
    var authentication: [UInt8]? {
        login.secret?.reveal { secret in
            let words = ["AUTH"] + (login.user.map { [$0] } ?? []) + [secret]
            return ReplicatedCommand(words.map { Array($0.utf8) }).bytes
        }
    }

    func error(_ problem: RedisProblem) -> BrokerError {
        problem.seen(through: tunnel).brokerError(name, fix: fix("ping"))
    }

    /// A command was answered with an error.
    func refusal(of command: String, _ words: String) -> BrokerError {
        let why = "it says: \(words.prefix(160))"
        switch words.prefix(while: { $0 != " " }) {
        case "NOAUTH", "WRONGPASS", "LOADING", "MASTERDOWN", "BUSY": return error(.refused(words))
        case "NOPERM":
            return BrokerError(.unsupported, "\"\(name)\" refuses \(command)", why: why, fix: permission)
        case "OOM":
            return BrokerError(
                .unsupported, "\"\(name)\" is full and refuses \(command)", why: why,
                fix: fix("config get maxmemory*"))
        case "READONLY":
            return BrokerError(
                .unsupported, "\"\(name)\" takes no writes and refuses \(command)", why: why,
                fix: fix("info replication"))
        case _ where words.contains("DUMP payload version") || words.contains("Bad data format"):
            return BrokerError(
                .unsupported, "\"\(name)\" cannot read what the source has written", why: "\(command): \(why)",
                fix: "choose a server of the source's version or a newer one")
        default: return BrokerError(.unsupported, "\"\(name)\" refuses \(command)", why: why, fix: fix("info server"))
        }
    }

    /// The master gives no link.
    func error(_ refusal: ReplicationRefusal) -> BrokerError {
        let why = "\(refusal.step.map { "\($0): " } ?? "")it says: \(refusal.words)"
        switch refusal.reason {
        case .credentials: return error(.refused(refusal.words))
        case .notReady: return BrokerError(.serverUnreachable, "\"\(name)\" is not ready", why: why, fix: fix("ping"))
        case .otherProtocol:
            return BrokerError(.wrongServer, "\"\(name)\" is no redis server", why: why, fix: fix("ping"))
        case .lostPlace:
            return lost(
                "it has restarted, or no longer holds what came since the link broke",
                fix: fix("config set repl-backlog-size 256mb"))
        case .forbidden:
            return BrokerError(.unsupported, "\"\(name)\" does not hand out its data", why: why, fix: permission)
        }
    }

    /// The source ended in the middle.
    func lost(_ why: String, fix: String? = nil) -> BrokerError {
        BrokerError(
            .serverUnreachable, "\"\(name)\" was lost while its data was copied", why: why, fix: fix ?? self.fix("ping")
        )
    }

    func unsupported(_ why: String) -> BrokerError {
        BrokerError(
            .unsupported, "\"\(name)\" cannot be copied", why: why,
            fix: "give the app that server's URL in a variable of its own")
    }

    var closed: BrokerError {
        BrokerError(
            .internalFailure, "the copy of \"\(name)\" was closed", why: "it was given up while it waited",
            fix: "broker logs")
    }

    /// A line for a shell, where one can help.
    func fix(_ command: String) -> String {
        isElsewhere ? login.commandLine(command) : "broker logs"
    }

    private var permission: String {
        let rights = "allkeys +psync +replconf +ping +info +time +select +scan +dump +pexpiretime +restore +@write"
        return fix("acl setuser \(ShellWord.quoted(login.user ?? "default")) \(rights)")
    }
}
