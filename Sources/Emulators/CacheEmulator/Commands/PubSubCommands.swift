import EventLoop
import RESPWire

/// Channels: messages go to whoever listens now, and nowhere else.
let pubSubCommands: [Command] = [
    Command("subscribe", -2, subscriptionFlags, body: PubSub.subscribe),
    Command("unsubscribe", -1, subscriptionFlags, body: PubSub.unsubscribe),
    Command("psubscribe", -2, subscriptionFlags, body: PubSub.subscribePattern),
    Command("punsubscribe", -1, subscriptionFlags, body: PubSub.unsubscribePattern),
    Command("ssubscribe", -2, subscriptionFlags, .all, body: PubSub.subscribeShard),
    Command("sunsubscribe", -1, subscriptionFlags, .all, body: PubSub.unsubscribeShard),
    Command("publish", 3, [.pubsub, .loading, .stale, .fast], body: PubSub.publish),
    Command("spublish", 3, [.pubsub, .loading, .stale, .fast], .first, body: PubSub.publishShard),
    Command(
        "pubsub", -2, [],
        subcommands: [
            Command("channels", -2, [.pubsub, .loading, .stale], body: PubSub.listChannels),
            Command("numsub", -2, [.pubsub, .loading, .stale], body: PubSub.countSubscribers),
            Command("numpat", 2, [.pubsub, .loading, .stale], body: PubSub.countPatterns),
            Command("shardchannels", -2, [.pubsub, .loading, .stale], body: PubSub.listShardChannels),
            Command("shardnumsub", -2, [.pubsub, .loading, .stale], body: PubSub.countShardSubscribers),
            Command("help", 2, [.loading, .stale], body: { $0.reply.help(HelpText.pubSub) }),
        ], body: { _ in }),
]

private let subscriptionFlags: Command.Flags = [.pubsub, .noscript, .loading, .stale, .whileSubscribed]

private enum PubSub {
    // MARK: subscribing

    static let subscribe: CommandBody = { call in
        for index in 1..<call.count {
            call.emulator.channels.subscribe(call.client, to: call[index].array)
            confirm("subscribe", call[index], call.client.subscriptionCount, call)
        }
    }

    static let subscribePattern: CommandBody = { call in
        for index in 1..<call.count {
            call.emulator.channels.subscribe(call.client, toPattern: call[index].array)
            confirm("psubscribe", call[index], call.client.subscriptionCount, call)
        }
    }

    static let subscribeShard: CommandBody = { call in
        if call.client.isExecuting {
            return call.reply.error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client")
        }
        for index in 1..<call.count {
            call.emulator.channels.subscribeShard(call.client, to: call[index].array)
            confirm("ssubscribe", call[index], call.client.shardChannelCount, call)
        }
    }

    static let unsubscribe: CommandBody = { call in
        let names = named(call) ?? Array(call.client.channels)
        if names.isEmpty { return confirm("unsubscribe", nil, call.client.subscriptionCount, call) }
        for name in names {
            call.emulator.channels.unsubscribe(call.client, from: name)
            name.withBytes { confirm("unsubscribe", $0, call.client.subscriptionCount, call) }
        }
    }

    static let unsubscribePattern: CommandBody = { call in
        let names = named(call) ?? Array(call.client.patterns)
        if names.isEmpty { return confirm("punsubscribe", nil, call.client.subscriptionCount, call) }
        for name in names {
            call.emulator.channels.unsubscribe(call.client, fromPattern: name)
            name.withBytes { confirm("punsubscribe", $0, call.client.subscriptionCount, call) }
        }
    }

    static let unsubscribeShard: CommandBody = { call in
        let names = named(call) ?? Array(call.client.shardChannels)
        if names.isEmpty { return confirm("sunsubscribe", nil, call.client.shardChannelCount, call) }
        for name in names {
            call.emulator.channels.unsubscribeShard(call.client, from: name)
            name.withBytes { confirm("sunsubscribe", $0, call.client.shardChannelCount, call) }
        }
    }

    /// The names given, nil for "all of them".
    static func named(_ call: borrowing Call) -> [[UInt8]]? {
        guard call.count > 1 else { return nil }
        var names: [[UInt8]] = []
        for index in 1..<call.count { names.append(call[index].array) }
        return names
    }

    static func confirm(_ kind: StaticString, _ name: Bytes?, _ count: Int, _ call: borrowing Call) {
        let before = call.client.connection.output.count
        call.reply.push(3)
        call.reply.bulk(kind)
        if let name { call.reply.bulk(name) } else { call.reply.null() }
        call.reply.integer(count)
        call.client.keepMessage(from: before)
    }

    // MARK: publishing and asking

    static let publish: CommandBody = { call in
        // The receivers' messages go first where the publisher is one of them, as Redis has it.
        let receivers = call.emulator.channels.publish(call[2], on: call[1])
        call.reply.integer(receivers)
        call.emulator.effects?.replication?.append(message: call.arguments, call.count)
    }

    static let publishShard: CommandBody = { call in
        let receivers = call.emulator.channels.publishShard(call[2], on: call[1])
        call.reply.integer(receivers)
        call.emulator.effects?.replication?.append(message: call.arguments, call.count)
    }

    static let listChannels: CommandBody = { call in
        list(call, Array(call.emulator.channels.channels.keys))
    }

    static let listShardChannels: CommandBody = { call in
        list(call, Array(call.emulator.channels.shardChannels.keys))
    }

    static func list(_ call: borrowing Call, _ names: [[UInt8]]) {
        guard call.count <= 3 else {
            return call.reply.error(ErrorText.wrongSubcommandArity("pubsub", call[1]))
        }
        var wanted: [[UInt8]] = []
        for name in names {
            if call.count == 3 {
                let pattern = call[2]
                guard name.withBytes({ Glob.matches(pattern, $0) }) else { continue }
            }
            wanted.append(name)
        }
        call.reply.array(wanted.count)
        for name in wanted { name.withBytes { call.reply.bulk($0) } }
    }

    static let countSubscribers: CommandBody = { call in
        call.reply.array((call.count - 2) * 2)
        for index in stride(from: 2, to: call.count, by: 1) {
            call.reply.bulk(call[index])
            call.reply.integer(call.emulator.channels.channels[call[index].array]?.count ?? 0)
        }
    }

    static let countShardSubscribers: CommandBody = { call in
        call.reply.array((call.count - 2) * 2)
        for index in stride(from: 2, to: call.count, by: 1) {
            call.reply.bulk(call[index])
            call.reply.integer(call.emulator.channels.shardChannels[call[index].array]?.count ?? 0)
        }
    }

    static let countPatterns: CommandBody = { call in
        call.reply.integer(call.emulator.channels.patterns.count)
    }
}
