public import BrokerModel
public import Gateway
public import RESPWire

/// A provider that can hand out what a backing holds, and take in what another one held: between two of them a swap
/// carries the data across.
///
/// It is done as replication does it: a snapshot, and behind it the stream of all that has changed since. Both are
/// commands of the redis protocol, so that every provider understands every other one. Databases are numbered as the
/// app sees them.
public protocol CopiesData: Provider {
    /// Opens a backing to be read. The backing goes on serving. Throws `unsupported` where its server forbids it.
    func openSource(_ request: CopySourceRequest) async throws(BrokerError) -> any CopySource

    /// Opens a backing to be written.
    func openTarget(_ request: CopyTargetRequest) async throws(BrokerError) -> any CopyTarget

    /// Looks at a backing. One that was not made yet holds nothing.
    func survey(_ request: SurveyRequest) async throws(BrokerError) -> BackingSurvey

    /// Which events of keys a backing publishes; nil where its server does not tell.
    func keyspaceEvents(of backing: Backing) async throws(BrokerError) -> KeyspaceEventSet?

    /// Has a backing publish these events and no others, a server of the broker's also when it is started again. Throws `unsupported` where
    /// its server is somebody else's.
    func setKeyspaceEvents(_ events: KeyspaceEventSet, of backing: Backing) async throws(BrokerError)

    /// How much memory a backing may take; nil where its server does not tell.
    func memoryBound(of backing: Backing) async throws(BrokerError) -> MemoryBound?

    /// Has a backing take no more than that, a server of the broker's also when it is started again. Returns nil, or how
    /// much it takes already where that is more: then nothing is set. Throws `unsupported` where its server is somebody
    /// else's.
    func setMemoryBound(_ bound: MemoryBound, of backing: Backing) async throws(BrokerError) -> Int?
}

/// Of a provider whose backings have no limit of memory.
extension CopiesData {
    public func memoryBound(of _: Backing) async throws(BrokerError) -> MemoryBound? { nil }

    public func setMemoryBound(_: MemoryBound, of backing: Backing) async throws(BrokerError) -> Int? {
        throw BrokerError(
            .unsupported, "the memory of \"\(backing.provider)\" cannot be limited",
            why: "its settings are its owner's", fix: "CONFIG SET maxmemory at that server")
    }
}

/// Hand out what this backing holds.
public struct CopySourceRequest: Sendable {
    public enum Contents: Sendable {
        /// The snapshot, and all changes behind it.
        case everything
        /// Only what changes from now on.
        case changes
    }

    public let backing: Backing
    public let serviceClass: ServiceClass
    public let contents: Contents
    /// Has the gateway note which keys the apps change there, for a server that hands its changes to nobody; nil where
    /// that is not to be done.
    public let watch: Watch?

    public typealias Watch = @Sendable (CommandKeys) async -> ChangeWatch?

    public init(backing: Backing, serviceClass: ServiceClass, contents: Contents, watch: Watch? = nil) {
        self.backing = backing
        self.serviceClass = serviceClass
        self.contents = contents
        self.watch = watch
    }
}

/// Take in what another backing held.
public struct CopyTargetRequest: Sendable {
    public let backing: Backing
    public let serviceClass: ServiceClass
    /// It serves nobody until the target is closed: meanwhile its time goes on, also where it stands still.
    public let isIdle: Bool

    public init(backing: Backing, serviceClass: ServiceClass, isIdle: Bool = false) {
        self.backing = backing
        self.serviceClass = serviceClass
        self.isIdle = isIdle
    }
}

/// What both ends of a copy can be asked. Whatever time a backing has, outside of it times are the system's. Calls of one end come one after the other, but for `close`, which ends one
/// that waits.
public protocol CopyEnd: Sendable {
    /// The number of keys in each database that has some, those whose time is over and that were not found yet included.
    func counts() async throws(BrokerError) -> [Int: Int]

    /// Some more of the keys, from the beginning with nil; every key that exists throughout is met at least once.
    func keys(from cursor: CopyCursor?) async throws(BrokerError) -> CopyKeys

    /// For each key a digest of its value and expiry (`RDBValue.digest`); nil where there is no such key.
    func digests(of keys: [CopyKey]) async throws(BrokerError) -> [UInt64?]

    /// Gives everything back that the copy has taken. Done again it does nothing.
    func close() async
}

public protocol CopySource: CopyEnd {
    /// The next part; waits until there is one, at most about 100 ms, then hands out an empty one. Throws when the
    /// source is lost, or when what changes has outgrown the memory for it.
    func next() async throws(BrokerError) -> CopyBatch

    /// Where the stream is now: whoever has applied all batches up to this position has every write that was answered
    /// before the call.
    func position() async throws(BrokerError) -> Int64

    /// Whether it reads key by key what the apps were seen to change: what others change there it does not see.
    var readsByKey: Bool { get }

    /// How often the snapshot had to begin again: what was compared before is not known to be equal.
    var beginnings: Int { get async }
}

extension CopySource {
    public var readsByKey: Bool { false }
    public var beginnings: Int { 0 }
}

public protocol CopyTarget: CopyEnd {
    /// Applies a batch and returns when all of it has been answered. Throws when a command was refused, with the
    /// server's own words; the batch may have been applied in part.
    func apply(_ batch: CopyBatch) async throws(BrokerError)

    /// The writers stay ahead: from now on what is to be applied comes first, and who is served waits longer for it, as far
    /// as both share a thread. Done again, more so.
    func hurry() async
}

extension CopyTarget {
    public func hurry() async {}
}

/// A target that was there before the swap and is not removed when it is undone: others may use it.
public protocol StandingCopyTarget: CopyTarget {
    /// Removes all keys of the databases that are the resource's.
    func removeAll() async throws(BrokerError)

    /// Removes those keys whose digest still is the one given; returns how many are gone.
    func remove(_ keys: [CopyKey], with digests: [UInt64?]) async throws(BrokerError) -> Int
}

extension BrokerError {
    /// A source whose backing's time was moved: what it has handed out before says other times than what it would from now on.
    public static let clockMoved = BrokerError(
        .unsafe, "the copy has other times than the resource has now",
        why: "its clock was moved, and how long its keys live was carried over by the time before",
        fix: "swap again: everything is copied as it is then")

    /// A source that knows of changes by the keys of commands alone.
    public static let scriptsRan = BrokerError(
        .unsafe, "what scripts have written is not known",
        why: "a script has run that may have written other keys than those it was called with",
        fix: "swap again: everything is copied as it is then")

    /// A target to which a command of the source's means nothing.
    public static func commandRefused(_ command: String, _ words: String) -> BrokerError {
        BrokerError(
            .unsupported, "\(refusesCommand)\"\(command)\"",
            why: "\(words); a copy while nobody asks for it has everything", fix: "broker status")
    }

    private static let refusesCommand = "the emulator does not take "

    /// Nothing is wrong with either side, or one command cannot be carried over: a copy that is made anew has everything.
    public var asksForNewCopy: Bool {
        [Self.clockMoved.what, Self.scriptsRan.what].contains(what) || what.hasPrefix(Self.refusesCommand)
    }
}

/// A part of what a source hands out: about 256 KiB, or one value where that is larger.
public struct CopyBatch: Equatable, Sendable {
    /// Commands for one database.
    public struct Segment: Equatable, Sendable {
        public var database: Int
        /// RESP2, one command behind the other; of the snapshot `RESTORE key expiry payload REPLACE ABSTTL`, of the
        /// stream what is deterministic. Never SELECT, MULTI, EXEC, PUBLISH, PING.
        public var bytes: [UInt8]
        public var commands: Int

        public init(database: Int, bytes: [UInt8] = [], commands: Int = 0) {
            self.database = database
            self.bytes = bytes
            self.commands = commands
        }
    }

    public var segments: [Segment]
    /// How many of the commands are keys of the snapshot.
    public var keys: Int
    /// The position of the stream behind this batch; nil as long as the snapshot is not complete.
    public var position: Int64?

    public init(segments: [Segment] = [], keys: Int = 0, position: Int64? = nil) {
        self.segments = segments
        self.keys = keys
        self.position = position
    }

    /// Bytes of all commands.
    public var size: Int { segments.reduce(0) { $0 + $1.bytes.count } }
}

public struct CopyKey: Hashable, Sendable {
    public var database: Int
    public var name: [UInt8]

    public init(database: Int, name: [UInt8]) {
        self.database = database
        self.name = name
    }
}

/// Where a walk over all keys goes on.
public struct CopyCursor: Hashable, Sendable {
    public var database: Int
    public var place: UInt64

    public init(database: Int, place: UInt64) {
        self.database = database
        self.place = place
    }
}

/// Some of the keys of an end.
public struct CopyKeys: Equatable, Sendable {
    public var keys: [CopyKey]
    /// Nil when these were the last ones.
    public var next: CopyCursor?

    public init(keys: [CopyKey], next: CopyCursor?) {
        self.keys = keys
        self.next = next
    }
}
