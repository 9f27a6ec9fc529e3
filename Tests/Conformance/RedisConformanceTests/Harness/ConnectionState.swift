/// What makes the same line another case: it runs in a transaction, while its client is subscribed, as another user.
struct ConnectionState: CustomStringConvertible {
    private var user = ""
    private var isQueuing = false
    private var isSubscribed = false

    /// In front of a line; empty for a connection as it begins.
    var description: String {
        (user.isEmpty ? "" : "as \(user): ") + (isQueuing ? "MULTI: " : "") + (isSubscribed ? "SUBSCRIBE: " : "")
    }

    /// The state behind a command, whatever was answered: only that the cases differ counts.
    func after(_ arguments: [[UInt8]]) -> ConnectionState {
        let words = arguments.map { String(decoding: $0, as: UTF8.self) }
        var next = self
        switch words.first?.lowercased() {
        case "multi": next.isQueuing = true
        case "exec", "discard": next.isQueuing = false
        case "subscribe", "psubscribe", "ssubscribe": next.isSubscribed = true
        case "unsubscribe", "punsubscribe", "sunsubscribe": next.isSubscribed = false
        case "auth" where words.count == 3: next.user = words[1]
        case "reset":
            next = ConnectionState()
            next.user = "nobody"
        default: break
        }
        return next
    }
}
