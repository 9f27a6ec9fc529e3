import RESPWire

/// What a client of a real server is subscribed to, as far as its requests tell.
struct Subscriptions {
    private var names: [PushWord: Set<[UInt8]>] = [:]

    var count: Int { names.values.reduce(0) { $0 + $1.count } }

    /// Notes a request; returns how many confirmations it will have.
    mutating func note(_ word: PushWord, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Int {
        switch word {
        case .subscribe, .psubscribe, .ssubscribe:
            for index in 1..<max(count, 1) { names[word, default: []].insert(arguments[index].array) }
            return max(count - 1, 1)
        case .unsubscribe: return remove(.subscribe, arguments, count)
        case .punsubscribe: return remove(.psubscribe, arguments, count)
        case .sunsubscribe: return remove(.ssubscribe, arguments, count)
        case .message, .pmessage, .smessage, .invalidate: return 0
        }
    }

    private mutating func remove(_ word: PushWord, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Int {
        guard count > 1 else {
            let all = names[word]?.count ?? 0
            names[word] = []
            return max(all, 1)
        }
        for index in 1..<count { names[word]?.remove(arguments[index].array) }
        return count - 1
    }
}
