/// The answer to a create: the resource, and whether this call made it.
public struct CreateOutcome: Codable, Equatable, Sendable {
    public var schema = "broker.resource/1"
    public var created: Bool
    public var resource: ResourceStatus

    public init(created: Bool, resource: ResourceStatus) {
        self.created = created
        self.resource = resource
    }
}

/// The answer to a destroy.
public struct DestroyOutcome: Codable, Equatable, Sendable {
    public var schema = "broker.destroy/1"
    public var resource: String
    /// The apps that lost an attachment by `--force`.
    public var detached: [String]
    /// What went with it that may surprise: programs that had its file open.
    public var warning: String?

    public init(resource: String, detached: [String], warning: String? = nil) {
        self.resource = resource
        self.detached = detached
        self.warning = warning
    }
}

/// The answer to an attach. `attached` is false when the same attachment was there already: nothing has changed.
public struct AttachOutcome: Codable, Equatable, Sendable {
    public var schema = "broker.attachment/1"
    public var app: String
    public var created: Bool
    public var attached: Bool
    public var release: Int
    public var resource: ResourceStatus
    public var attachment: AttachmentStatus

    public init(
        app: String, created: Bool, attached: Bool, release: Int, resource: ResourceStatus,
        attachment: AttachmentStatus
    ) {
        self.app = app
        self.created = created
        self.attached = attached
        self.release = release
        self.resource = resource
        self.attachment = attachment
    }
}

/// The answer to a detach.
public struct DetachOutcome: Codable, Equatable, Sendable {
    public var schema = "broker.detach/1"
    public var app: String
    public var resource: String
    public var alias: String
    public var release: Int
    /// Connections of the attachment that were closed.
    public var closed: Int
    /// The variables that the app's next process no longer gets.
    public var removed: [String]
    /// The attachment that owns the class's usual variable from now on, if it changed hands.
    public var promoted: String?
    /// What could not be revoked, in words: an open file.
    public var warning: String?

    public init(
        app: String, resource: String, alias: String, release: Int, closed: Int, removed: [String],
        promoted: String?, warning: String?
    ) {
        self.app = app
        self.resource = resource
        self.alias = alias
        self.release = release
        self.closed = closed
        self.removed = removed
        self.promoted = promoted
        self.warning = warning
    }
}

/// The answer to a swap: its receipt.
public struct SwapOutcome: Codable, Equatable, Sendable {
    public var schema = "broker.swap/1"
    public var resource: String
    public var from: String
    public var to: String
    /// The target server as it names itself, with its version: `redis 7.0.15`.
    public var server: String?
    /// True: connections were closed at a reply boundary and no data was copied.
    public var cold: Bool
    /// Connections that were closed.
    public var closed: Int
    /// Connections that were moved to the target and stayed open.
    public var moved = 0
    /// Connections that came during the pause and waited.
    public var held = 0
    /// Milliseconds from the first connection that was paused or closed until the target served.
    public var pause: Double
    /// Requests that were taken from the beginning of the copy until the target served; none of them failed for the
    /// swap's sake.
    public var requests: Int?
    /// How long clients waited that asked for something within the pause; nil where none did.
    public var stall: StallReceipt?
    /// What was carried across; nil for a cold swap.
    public var copy: CopyReceipt?
    /// Milliseconds that each phase took, by its name.
    public var phases: [String: Double] = [:]
    /// The new release of each app.
    public var releases: [String: Int]
    /// The command that swaps back; it asks for the former provider's secret where there was one.
    public var undo: String?
    /// Until when `rollback` carries back what is written from now on, in milliseconds since 1970; nil where it cannot.
    public var undoUntil: Int64?
    /// Why there is no way back that keeps what is written from now on.
    public var noWayBack: String?
    /// A setting of the former provider that the target does not have, in words: `maxmemory 100.0 MB (allkeys-lru) of emulator`.
    public var leftBehind: String?
    /// Direct attachments that were shut out, `web as CACHE`: their URLs are new. Nil where none were.
    public var fenced: [String]?

    public init(
        resource: String, from: String, to: String, server: String?, cold: Bool, closed: Int, pause: Double,
        releases: [String: Int], undo: String? = nil
    ) {
        self.resource = resource
        self.from = from
        self.to = to
        self.server = server
        self.cold = cold
        self.closed = closed
        self.pause = pause
        self.releases = releases
        self.undo = undo
    }
}

extension SwapOutcome {
    /// The receipt on one line, for the log.
    public var line: String {
        var parts: [String] = []
        if let copy {
            parts.append("\(copy.keys) keys and \(copy.changes) changes copied, \(copy.verified) compared")
        }
        parts.append("\(moved) clients moved, \(held) held, \(closed) closed")
        if let requests { parts.append("\(requests) requests meanwhile") }
        parts.append("pause \(Int(pause.rounded(.up))) ms")
        if let leftBehind { parts.append("not carried along: \(leftBehind)") }
        if let fenced { parts.append("fenced \(fenced.joined(separator: ", "))") }
        if let stall { parts.append("\(stall.clients) waited, the longest \(Int(stall.max.rounded(.up))) ms") }
        return "receipt: " + parts.joined(separator: "; ")
    }
}

/// How long clients waited at a swap, in milliseconds.
public struct StallReceipt: Codable, Equatable, Sendable {
    /// Clients that waited.
    public var clients: Int
    public var p50: Double
    public var p99: Double
    public var max: Double

    /// Nil of none.
    public init?(_ waits: [Duration]) {
        let sorted = waits.map { $0 / .milliseconds(1) }.sorted()
        guard let last = sorted.last else { return nil }
        clients = sorted.count
        // The nearest rank.
        p50 = sorted[(sorted.count - 1) * 50 / 100]
        p99 = sorted[((sorted.count * 99) + 99) / 100 - 1]
        max = last
    }
}

/// What a swap has carried from one provider to another.
public struct CopyReceipt: Codable, Equatable, Sendable {
    /// Keys of the snapshot.
    public var keys = 0
    /// Changes that came while it was copied.
    public var changes = 0
    /// Bytes of both, as commands.
    public var bytes = 0
    /// Keys that were compared on both sides.
    public var verified = 0
    /// Keys that were not the same at first, and were when all changes had arrived.
    public var rechecked = 0
    /// True where the source hands its changes to nobody: it was read key by key, and what the apps changed again. Nil
    /// where it handed out a snapshot and all that followed.
    public var byKey: Bool?

    public init() {}
}

/// An app's environment, values in the clear: it never leaves the unix socket but into a process or onto a terminal
/// that asked for it.
public struct EnvironmentDocument: Codable, Equatable, Sendable {
    public var schema = "broker.environment/1"
    public var app: String
    public var release: Int
    public var variables: [Variable]

    public init(app: String, release: Int, variables: [Variable]) {
        self.app = app
        self.release = release
        self.variables = variables
    }

    /// One variable and where it comes from.
    public struct Variable: Codable, Equatable, Sendable {
        public var name: String
        public var value: String
        /// The value with its secret hidden; the same as `value` where there is none.
        public var masked: String
        public var resource: String

        public init(name: String, value: String, masked: String, resource: String) {
            self.name = name
            self.value = value
            self.masked = masked
            self.resource = resource
        }
    }
}

/// An app's releases, newest first.
public struct ReleasesDocument: Codable, Equatable, Sendable {
    public var schema = "broker.releases/1"
    public var app: String
    public var releases: [ReleaseEntry]

    public init(app: String, releases: [ReleaseEntry]) {
        self.app = app
        self.releases = releases
    }
}

/// One release in a list.
public struct ReleaseEntry: Codable, Equatable, Sendable {
    public var version: Int
    public var description: String
    /// RFC 3339, UTC.
    public var createdAt: String
    public var added: [String]
    public var changed: [String]
    public var removed: [String]

    public init(
        version: Int, description: String, createdAt: String, added: [String], changed: [String], removed: [String]
    ) {
        self.version = version
        self.description = description
        self.createdAt = createdAt
        self.added = added
        self.changed = changed
        self.removed = removed
    }
}

/// What `GET /v1/version` answers.
public struct VersionDocument: Codable, Equatable, Sendable {
    public var schema = "broker.version/1"
    public var version: String
    public var pid: Int32
    /// Where it is reached; nil where the daemon is older than that.
    public var socket: String?

    public init(version: String, pid: Int32, socket: String? = nil) {
        self.version = version
        self.pid = pid
        self.socket = socket
    }
}

/// One line of `broker logs`: something that happened to a resource or an app.
public struct LogEntry: Codable, Equatable, Sendable {
    /// RFC 3339, UTC, milliseconds.
    public var time: String
    /// `broker`, a resource's or an app's name.
    public var source: String
    public var message: String

    public init(time: String, source: String, message: String) {
        self.time = time
        self.source = source
        self.message = message
    }
}

/// What happened, oldest first, and where to go on.
public struct LogsDocument: Codable, Equatable, Sendable {
    public var schema = "broker.logs/1"
    public var entries: [LogEntry]
    /// Names the end of these entries: what comes later is got with it.
    public var cursor: String

    public init(entries: [LogEntry], cursor: String) {
        self.entries = entries
        self.cursor = cursor
    }
}
