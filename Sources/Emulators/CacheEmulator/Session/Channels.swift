import EventLoop
import RESPWire

/// Who listens to which channels and patterns of one cache.
struct Channels {
    private(set) var channels: [[UInt8]: [CacheClient]] = [:]
    private(set) var shardChannels: [[UInt8]: [CacheClient]] = [:]
    /// In the order of the first subscription, which is the order of delivery.
    private(set) var patterns: [(pattern: [UInt8], clients: [CacheClient])] = []

    /// Those with more unread than `slow` when a message last came for them.
    private var slowClients: [CacheClient] = []

    /// A subscriber that has more unread is dropped: it would take the memory of all.
    var limit = OutputLimits().pubsub
    /// Those that have just come over one of its bounds.
    var overLimit: [CacheClient] = []
    /// What all slow subscribers together may have unread; above it the slowest is dropped.
    static let totalLimit = 48 << 20
    /// From here on a subscriber counts as slow.
    static let slow = 256 << 10

    mutating func subscribe(_ client: CacheClient, to channel: [UInt8]) {
        if client.channels.insert(channel).inserted { channels[channel, default: []].append(client) }
    }

    mutating func subscribeShard(_ client: CacheClient, to channel: [UInt8]) {
        if client.shardChannels.insert(channel).inserted { shardChannels[channel, default: []].append(client) }
    }

    mutating func subscribe(_ client: CacheClient, toPattern pattern: [UInt8]) {
        guard client.patterns.insert(pattern).inserted else { return }
        if let index = patterns.firstIndex(where: { $0.pattern == pattern }) {
            patterns[index].clients.append(client)
        } else {
            patterns.append((pattern, [client]))
        }
    }

    mutating func unsubscribe(_ client: CacheClient, from channel: [UInt8]) {
        guard client.channels.remove(channel) != nil else { return }
        channels[channel]?.removeAll { $0 === client }
        if channels[channel]?.isEmpty == true { channels[channel] = nil }
    }

    mutating func unsubscribeShard(_ client: CacheClient, from channel: [UInt8]) {
        guard client.shardChannels.remove(channel) != nil else { return }
        shardChannels[channel]?.removeAll { $0 === client }
        if shardChannels[channel]?.isEmpty == true { shardChannels[channel] = nil }
    }

    mutating func unsubscribe(_ client: CacheClient, fromPattern pattern: [UInt8]) {
        guard client.patterns.remove(pattern) != nil else { return }
        guard let index = patterns.firstIndex(where: { $0.pattern == pattern }) else { return }
        patterns[index].clients.removeAll { $0 === client }
        if patterns[index].clients.isEmpty { patterns.remove(at: index) }
    }

    mutating func removeAll(_ client: CacheClient) {
        for channel in client.channels { unsubscribe(client, from: channel) }
        for channel in client.shardChannels { unsubscribeShard(client, from: channel) }
        for pattern in client.patterns { unsubscribe(client, fromPattern: pattern) }
        if client.isSlow { slowClients.removeAll { $0 === client } }
    }

    /// Sends a message to everybody who listens; returns how many that were.
    mutating func publish(_ message: Bytes, on channel: Bytes) -> Int {
        let name = channel.array
        var count = 0
        for client in channels[name] ?? [] {
            deliver(to: client, "message", nil, channel, message)
            count += 1
        }
        for (pattern, clients) in patterns {
            let matches = pattern.withBytes { Glob.matches($0, channel) }
            guard matches else { continue }
            for client in clients {
                pattern.withBytes { deliver(to: client, "pmessage", $0, channel, message) }
                count += 1
            }
        }
        return count
    }

    mutating func publishShard(_ message: Bytes, on channel: Bytes) -> Int {
        let clients = shardChannels[channel.array] ?? []
        for client in clients { deliver(to: client, "smessage", nil, channel, message) }
        return clients.count
    }

    private mutating func deliver(
        to client: CacheClient, _ kind: StaticString, _ pattern: Bytes?, _ channel: Bytes, _ message: Bytes
    ) {
        guard client.connection.isOpen, !client.isDropped else { return }
        let unread = client.connection.output.count
        if limit.hard > 0, unread >= limit.hard { return drop(client) }
        if unread >= Self.slow {
            makeRoom(beside: client)
            if client.isDropped { return }
        }
        let writer = client.writer
        writer.push(pattern == nil ? 3 : 4)
        writer.bulk(kind)
        if let pattern { writer.bulk(pattern) }
        writer.bulk(channel)
        writer.bulk(message)
        client.keepMessage(from: unread)
        noteUnread(of: client)
    }

    /// No other message may come: a client that is over a limit with this one is over it from now on.
    private mutating func noteUnread(of client: CacheClient) {
        let unread = client.connection.output.count
        let isOver = limit.hard > 0 && unread >= limit.hard || limit.soft > 0 && unread >= limit.soft
        if isOver, client.softLimitSince == nil, overLimit.last !== client { overLimit.append(client) }
    }

    /// Drops the slowest while all the slow ones have more unread than they may.
    private mutating func makeRoom(beside client: CacheClient) {
        if !client.isSlow {
            client.isSlow = true
            slowClients.append(client)
        }
        var total = 0
        var slowest = client
        for client in slowClients {
            let unread = client.connection.output.count
            if unread < Self.slow { client.isSlow = false }
            if unread > slowest.connection.output.count { slowest = client }
            total += unread
        }
        slowClients.removeAll { !$0.isSlow }
        if total > Self.totalLimit { drop(slowest) }
    }

    private mutating func drop(_ client: CacheClient) {
        client.isDropped = true
        slowClients.removeAll { $0 === client }
        client.front.drop(client)
    }
}
