import RESPWire

/// What a client is subscribed to, as far as its requests tell.
extension RESPSessionState {
    /// Notes a request; returns how many confirmations it will have.
    mutating func subscribe(_ word: PushWord, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Int {
        let names = (1..<max(count, 1)).map { arguments[$0].array }
        switch word {
        case .subscribe: channels.formUnion(names)
        case .psubscribe: patterns.formUnion(names)
        case .ssubscribe: shardChannels.formUnion(names)
        case .unsubscribe: return Self.remove(names, from: &channels)
        case .punsubscribe: return Self.remove(names, from: &patterns)
        case .sunsubscribe: return Self.remove(names, from: &shardChannels)
        case .message, .pmessage, .smessage, .invalidate: return 0
        }
        return max(names.count, 1)
    }

    private static func remove(_ names: [[UInt8]], from all: inout Set<[UInt8]>) -> Int {
        defer { if names.isEmpty { all = [] } else { all.subtract(names) } }
        return max(names.isEmpty ? all.count : names.count, 1)
    }
}
