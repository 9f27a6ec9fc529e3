/// What was refused to whom, as ACL LOG hands it out.
struct AccessLog {
    enum Context: String {
        case toplevel, multi, lua
    }

    struct Entry {
        var count = 1
        var reason: AccessDenial.Reason
        var context: Context
        /// The command, key or channel; of a log-in the command that failed.
        var object: [UInt8]
        var user: [UInt8]
        /// Of the last time, in milliseconds since 1970.
        var time: Int64
        var client: String

        /// The same again, soon enough to be counted with it.
        fileprivate func isRepeated(by other: Entry) -> Bool {
            reason == other.reason && context == other.context && abs(time - other.time) <= 60_000
                && object == other.object && user == other.user
        }
    }

    /// The newest first.
    private(set) var entries: [Entry] = []
    var most = 128 { didSet { entries = Array(entries.prefix(most)) } }

    /// As many of the newest are looked at for one like it.
    private static let mostCompared = 10

    mutating func note(_ entry: Entry) {
        var entry = entry
        if let index = entries.prefix(Self.mostCompared).firstIndex(where: { $0.isRepeated(by: entry) }) {
            entry.count += entries.remove(at: index).count
        }
        entries.insert(entry, at: 0)
        if entries.count > most { entries.removeLast(entries.count - most) }
    }

    mutating func removeAll() { entries = [] }
}
