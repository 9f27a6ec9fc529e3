import BrokerModel
import Processes
import ProviderKit

/// Whether a target can take what a resource holds and what its apps do: looked at before anything moves.
struct SwapFitness {
    let resource: Resource
    let target: ProviderReference
    /// What the resource holds now.
    let source: BackingSurvey
    let offer: BackingSurvey
    /// What each app has used since the daemon started; subcommands as `xgroup|create`.
    let used: [String: Set<String>]
    /// How many clients are connected.
    let clients: Int
    let mode: DataMode
    /// How many more files the daemon may open.
    var filesLeft = OpenDescriptors.left

    /// What becomes of the data.
    enum DataMode: String, Sendable {
        /// It is carried across; the target has to be empty.
        case copy
        /// What the target holds is removed first.
        case overwrite
        /// The target's own data is used, nothing is copied.
        case adopt
        /// As `adopt`, and the connections are closed.
        case cold
    }

    /// Why it cannot be: all reasons, the gravest first.
    var problems: [BrokerError] {
        [sameness, madeUsers].compactMap { $0 } + commandProblems
            + [silence, emptiness, memory, room, files].compactMap { $0 }
    }

    /// Commands that an app has used, that the source has and the target lacks.
    private var commandProblems: [BrokerError] {
        used.sorted { $0.key < $1.key }.compactMap { app, used in
            // What failed on the source as well is nothing to lose.
            let worked = used.subtracting(source.missing(of: used) ?? [])
            guard let missing = offer.missing(of: worked), !missing.isEmpty else { return nil }
            let names = missing.sorted().map { $0.uppercased().replacingBars }
            let shown =
                names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " and \(names.count - 5) more" : "")
            return BrokerError(
                .unsupported, "\"\(app)\" used \(shown), which \"\(target)\" does not have",
                why: "its commands would fail after the swap; they are counted since the daemon started",
                fix: target == .emulator
                    ? "leave \"\(resource.name)\" where it is: \(resource.provider) has them"
                    : "choose a server that has \(names[0])")
        }
    }

    /// Under another name it would be copied into itself, or emptied before it is copied.
    private var sameness: BrokerError? {
        guard mode != .cold, source.shares(with: offer) else { return nil }
        return BrokerError(
            .providerUnchanged, "\"\(target)\" is the server that serves \"\(resource.name)\" already",
            why: "it is \(resource.provider) under another name, with the same data", fix: "broker status")
    }

    private var madeUsers: BrokerError? {
        mode == .cold ? nil : Self.loss(of: source.madeUsers, at: target)
    }

    /// Only an emulator knows users that apps have made.
    static func loss(of users: [String], at target: ProviderReference) -> BrokerError? {
        guard target != .emulator, let first = users.first else { return nil }
        return BrokerError(
            .unsupported,
            "apps have made \(users.count == 1 ? "a user" : "\(users.count) users") with ACL SETUSER, which \"\(target)\" would not have",
            why: "\(users.prefix(5).joined(separator: ", ")): who logs in as such a user would be refused there",
            fix:
                "ACL DELUSER \(first)\(users.count == 1 ? "" : " …") in the app, or --cold, which closes every connection"
        )
    }

    private var silence: BrokerError? {
        guard case .url = target, mode != .cold, Self.listens(used), let wanted = source.keyspaceEvents else {
            return nil
        }
        return .silence(wanted, offer.keyspaceEvents, at: target)
    }

    /// Whether an app has subscribed to anything.
    static func listens(_ used: [String: Set<String>]) -> Bool {
        used.values.contains { !$0.isDisjoint(with: ["subscribe", "psubscribe"]) }
    }

    private var emptiness: BrokerError? {
        guard mode == .copy, offer.count > 0 else { return nil }
        let again = "broker swap \(resource.name) --to \(target.argument)"
        return BrokerError(
            .unsafe, "\"\(target)\" is not empty",
            why: "it has \(offer.count) \(offer.count == 1 ? "key" : "keys"), which the copy would mix with",
            fix: "\(again) --overwrite   # or --adopt, to use them and copy nothing")
    }

    private var memory: BrokerError? {
        guard mode == .copy || mode == .overwrite, let limit = offer.memoryLimit, limit > 0, let taken = offer.memory,
            let needed = source.memory, limit - taken < needed
        else { return nil }
        return BrokerError(
            .unsafe, "\"\(target)\" has too little memory",
            why:
                "\(Bytes(needed)) are in use, and of its maxmemory of \(Bytes(limit)) \(Bytes(max(limit - taken, 0))) are left",
            fix: "raise maxmemory of that server, or choose another one")
    }

    private var room: BrokerError? {
        guard let left = offer.clientsLeft, left < clients + Self.ownClients else { return nil }
        return BrokerError(
            .unsafe, "\"\(target)\" takes too few clients",
            why: "\(clients) are connected, and it takes \(max(left, 0)) more",
            fix: "raise maxclients of that server, or choose another one")
    }

    /// The former connections stay until all are over: a second one for each client is needed at the same time.
    private var files: BrokerError? {
        let needed = clients * filesPerClient + Self.ownClients
        guard mode != .cold, filesLeft < needed else { return nil }
        return BrokerError(
            .unsafe, "the daemon may open too few files for this swap",
            why: "\(clients) clients are connected, which takes \(needed) more, and \(filesLeft) are left",
            fix: "ulimit -Hn 65536 && broker daemon stop   # and the command again: the daemon takes all it may")
    }

    /// A connection to a server; through a tunnel of TLS also both its ends.
    private var filesPerClient: Int {
        switch target {
        case .emulator: 0
        case .exec: 1
        case .url(let url): url.tls == nil ? 1 : 3
        }
    }

    /// Connections of the broker's own while it copies.
    private static let ownClients = 4
}

/// A number of bytes for a person: `12.3 MB`.
struct Bytes: CustomStringConvertible {
    let count: Int

    init(_ count: Int) {
        self.count = count
    }

    var description: String {
        var value = Double(count)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 || unit == "GB" {
                let tenths = Int((value * 10).rounded())
                return unit == "B" ? "\(count) B" : "\(tenths / 10).\(tenths % 10) \(unit)"
            }
            value /= 1000
        }
        return "\(count) B"
    }
}

extension String {
    /// `XGROUP CREATE` from `XGROUP|CREATE`.
    fileprivate var replacingBars: String { split(separator: "|").joined(separator: " ") }
}
