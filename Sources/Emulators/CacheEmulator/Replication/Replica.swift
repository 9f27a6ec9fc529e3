import EventLoop
import RESPWire

/// What a client has said by REPLCONF of the replica that it is going to be.
struct ReplicaSetup {
    var port = 0
    /// Empty where it is the connection's.
    var address: [UInt8] = []
    /// It finds the end of a snapshot by a mark behind it.
    var knowsMarks = false
    /// It can go on with a history by another name.
    var knowsHistories = false
    /// It wants the snapshot, and no stream behind it.
    var isSnapshotOnly = false
    var wantsKeys = true
    var wantsFunctions = true
}

/// A client that takes a copy of everything, and then every change.
///
/// Whoever has a secret of the resource may be one: all data of a resource is its attachments' anyhow, so that a copy
/// hands out nothing more than SCAN, DUMP and MONITOR would.
final class Replica {
    enum State {
        /// The snapshot is written to nowhere, so that its length is known. The same one is sent afterwards.
        case measuring(ReplicaSnapshot, then: ReplicaSnapshot)
        case sending(ReplicaSnapshot)
        /// The snapshot is sent, behind it nothing, until the replica has found its end and says so.
        case sent
        case online
        /// It is let go.
        case gone
    }

    /// It lets the replica go before it goes itself (`clientGone`).
    unowned let client: CacheClient
    let setup: ReplicaSetup
    /// It asked by SYNC: it says nothing about how far it is.
    let isSilent: Bool
    var state: State
    /// The place in the log of the next byte that it is to get.
    var place: Int64
    /// How many bytes it says it has.
    var acknowledged: Int64 = 0
    /// When it said so last, or has taken something, in the loop's nanoseconds.
    var lastSeen: UInt64
    /// Since when it has been above the soft limit.
    var slowSince: UInt64?

    init(_ client: CacheClient, _ setup: ReplicaSetup, isSilent: Bool, state: State, place: Int64, now: UInt64) {
        self.client = client
        self.setup = setup
        self.isSilent = isSilent
        self.state = state
        self.place = place
        lastSeen = now
    }

    var connection: Connection { client.connection }

    /// Nothing more may be given to it.
    var isEnding: Bool { client.isEnding || !connection.isOpen }

    var isOnline: Bool {
        if case .online = state { true } else { false }
    }

    /// As INFO names it.
    var stateName: String {
        switch state {
        case .measuring: "wait_bgsave"
        case .sending: "send_bulk"
        case .sent, .online, .gone: "online"
        }
    }

    /// As ROLE and INFO show it: what it has said of itself, else where its connection comes from.
    var address: String {
        if !setup.address.isEmpty { return String(decoding: setup.address, as: UTF8.self) }
        guard let colon = connection.peerAddress.lastIndex(of: ":") else { return connection.peerAddress }
        return String(connection.peerAddress[..<colon].filter { $0 != "[" && $0 != "]" })
    }

    /// Frees what was kept for it.
    func leave() {
        if case .measuring(let first, let second) = state {
            first.close()
            second.close()
        }
        if case .sending(let snapshot) = state { snapshot.close() }
        state = .gone
    }
}
