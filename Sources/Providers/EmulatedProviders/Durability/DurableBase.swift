/// A snapshot of a durable cache that is written, with most of what has changed since, and where the rest comes from.
struct DurableBase {
    var number: Int
    var size: Int
    var changes: AppendFile
    var reached: Int64
    var source: EmulatorSource
    /// Who has asked for it.
    var asked: [SaveRequests.Answer] = []
    /// It is of this image, to which the cache goes back when it counts.
    var restoring: RestoreRequests.Restoring?

    /// - Parameter hasGoneBack: whether the cache itself has, where it was asked to.
    func answer(_ isOnDisk: Bool, hasGoneBack: Bool) {
        for answer in asked { answer(isOnDisk) }
        restoring?.answer(isOnDisk ? .success(()) : .failure(hasGoneBack ? .restoredInMemory : .notRestored))
    }
}
