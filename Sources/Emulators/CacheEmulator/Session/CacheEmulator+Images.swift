/// Going back to an image, or to nothing, while clients are connected.
extension CacheEmulator {
    /// Why a cache cannot begin anew now.
    public enum BeginRefusal: Error, Equatable, Sendable {
        /// Somebody follows what changes, and could not be told of so much.
        case followed
        /// Another server's data is being taken in.
        case filling
    }

    /// All that is here now; see `KeyspaceImage`.
    public func image() -> KeyspaceImage { KeyspaceImage(of: self) }

    /// What this cache began from, or has last gone back to; nil where that was nothing.
    public var origin: KeyspaceImage? { memory.origin }

    /// Somebody follows what changes: at most `known` of those who listen are not counted.
    public func isFollowed(butFor known: Int) -> Bool { (effects?.logs.count ?? 0) > known }

    /// Goes back to an image of this or another emulator of the loop; as long as it takes to exchange tables.
    ///
    /// Clients stay as they are: those who watch a key have it changed, those who track keys are told as by FLUSHALL, and
    /// who waits for a key that is there now is served. Cached scripts and statistics stay. Replicas have to copy anew;
    /// where a log is open but for `known`, whose listener takes the image in by itself, it is refused.
    public func restore(_ image: KeyspaceImage, apartFrom known: EffectLog? = nil) throws(BeginRefusal) {
        precondition(image.loop === loop, "an image belongs to its loop")
        guard openIntakes == 0 else { throw .filling }
        guard effects?.logs.contains(where: { $0 !== known }) != true else { throw .followed }
        effects?.replication?.lose()
        begin(from: image)
    }

    /// Begins anew with nothing, in the same way. Whoever follows what changes is told FLUSHALL.
    public func reset() throws(BeginRefusal) {
        guard openIntakes == 0 else { throw .filling }
        effects?.emit(in: 0, ["FLUSHALL"])
        if hasFunctions { effects?.emit(in: 0, ["FUNCTION", "FLUSH"]) }
        begin(from: nil)
    }

    private func begin(from image: KeyspaceImage?) {
        readClock()
        statistics.changes &+= max(1, databases.reduce(0) { $0 + $1.count })
        let former = memory.beginAnew(from: image)
        for database in databases { database.beginAnew(from: image?.parts[database.number]) }
        former.tidy(on: loop)
        loadLibraries(image?.libraries ?? [])
        if limit.bytes == 0 || memory.inUse <= limit.bytes { isOutOfMemory = false }
        tellClients()
        watchExpiry()
    }

    private func tellClients() {
        trackFlush()
        for key in watchers.keys { taintWatchers(key) }
        for database in databases where database.awaitedCount > 0 { waiting.noteAll(in: database.number) }
        if waiting.hasReady { serveReady() }
        if tracking.isOn { broadcastChanges() }
    }
}
