import Foundation
import TestKit

/// What connections hear without asking, and what runs at the provider.
extension SoakLoad {
    // MARK: messages

    func publisher(_ client: LoadClient, _ number: Int) throws {
        while subscribed.count < 3 * Self.channels, !stop.isSet { usleep(1000) }
        var count = 0
        while !stop.isSet {
            count += 1
            guard try client.number("PUBLISH", "channel:\(number)", "\(count)") == 3 else {
                throw LoadClient.Unexpected(
                    description: "message \(count) of channel \(number) did not reach all three")
            }
            usleep(500)
        }
        _ = try client.ask("PUBLISH", "channel:\(number)", "end")
    }

    func subscriber(_ client: LoadClient, _ number: Int) throws {
        let channel = "channel:\(number % Self.channels)"
        guard case .list = try client.ask("SUBSCRIBE", channel) else {
            throw LoadClient.Unexpected(description: "SUBSCRIBE")
        }
        subscribed.add()
        var count = 0
        while true {
            let message = try client.next().elements?.compactMap(\.text) ?? []
            guard message.count == 3, message[0] == "message", message[1] == channel, let text = message.last else {
                throw LoadClient.Unexpected(description: "no message on \(channel)")
            }
            if text == "end" { return }
            count += 1
            guard text == "\(count)" else {
                throw LoadClient.Unexpected(description: "\(channel): message \(text), not \(count)")
            }
        }
    }

    // MARK: scripts and streams

    static let script = "return redis.call('INCR', KEYS[1])"
    /// Its SHA-1.
    static let scriptHash = "61636018f4e6b5817b89791bbed242f93fa089e3"

    func script(_ client: LoadClient, _ number: Int) throws {
        let key = "scripted:\(number)"
        while !stop.isSet {
            do {
                switch try client.ask("EVALSHA", Self.scriptHash, "1", key) {
                case .integer: break
                // Only a daemon that was not killed knows which scripts were loaded.
                case .error(let words) where words.hasPrefix("NOSCRIPT") && scope.hasKills:
                    _ = try client.number("EVAL", Self.script, "1", key)
                case let reply: throw LoadClient.Unexpected(description: "EVALSHA: \(reply)")
                }
                ledger.acknowledge(key)
            } catch is LoadClient.Broken {
                ledger.doubt(key)
            }
        }
    }

    /// A library that is loaded once, before the load.
    static let library = """
        #!lua name=soak
        redis.register_function('bump', function(keys) return redis.call('INCR', keys[1]) end)
        """

    func function(_ client: LoadClient, _ number: Int) throws {
        let key = "called:\(number)"
        while !stop.isSet {
            _ = try client.number("FCALL", "bump", "1", key)
            ledger.acknowledge(key)
        }
    }

    func producer(_ client: LoadClient, _ number: Int) throws {
        var count = 0
        while !stop.isSet {
            count += 1
            let element = "s\(number)-\(count)"
            do {
                guard case .text = try client.ask("XADD", "stream:\(number % 4)", "*", "e", element) else {
                    throw LoadClient.Unexpected(description: "XADD")
                }
                ledger.change { $0.pushed.insert(element) }
            } catch is LoadClient.Broken {
                ledger.change { $0.maybePushed.insert(element) }
            }
        }
    }

    func consumer(_ client: LoadClient, _ number: Int) throws {
        let key = "stream:\(number % 4)"
        var isEmpty = false
        // What is left at the end is read to its end.
        while !stop.isSet || !isEmpty {
            do {
                _ = try client.ask("XGROUP", "CREATE", key, "group", "0", "MKSTREAM")
                let reply = try client.wait(
                    "XREADGROUP", "GROUP", "group", "c\(number)", "COUNT", "10", "BLOCK", "300", "STREAMS", key, ">")
                isEmpty = reply == .null
                for entry in reply.elements?.first?.elements?.last?.elements ?? [] {
                    guard let id = entry.elements?.first?.text, let element = entry.elements?.last?.elements?.last?.text
                    else { continue }
                    ledger.pop(element)
                    _ = try client.ask("XACK", key, "group", id)
                }
            } catch is LoadClient.Broken {
                // Ten entries may have been handed to a connection that is gone.
                ledger.change { $0.indeterminatePops += 10 }
            }
        }
    }

    // MARK: what a connection has set up

    /// A client that keeps what it has read, until it is told that it may have changed (CLIENT TRACKING).
    func cacher(_ client: LoadClient, _ number: Int) throws {
        let key = "cached:\(number)"
        let writer = try LoadClient(url, mayBreak: false, until: stop)
        _ = try client.ask("HELLO", "3")
        try client.expect(.text("OK"), "CLIENT", "TRACKING", "ON")
        var count = 0
        while !stop.isSet {
            // What was said before says nothing of what is read now.
            client.pushes = []
            let read = try client.ask("GET", key)
            guard read == (count == 0 ? .null : .text("\(count)")) else {
                throw LoadClient.Unexpected(description: "\(key) is \(read), not \(count)")
            }
            guard try writer.number("INCR", key) == count + 1 else {
                throw LoadClient.Unexpected(description: "\(key) was changed by somebody else")
            }
            count += 1
            ledger.acknowledge(key)
            // A swap has everything forgotten at once, with null.
            var isTold = false
            while !isTold {
                let push = try client.push()
                guard push.first?.text == "invalidate", push.count == 2 else {
                    throw LoadClient.Unexpected(description: "\(push) in place of an invalidation")
                }
                isTold = push[1] == .null || push[1].elements?.contains(.text(key)) == true
            }
        }
    }

    /// Each change of a key is one event, heard in its order.
    func listener(_ client: LoadClient, _ number: Int) throws {
        let key = "evented:\(number)"
        let channel = "__keyspace@0__:\(key)"
        let writer = try LoadClient(url, mayBreak: false, until: stop)
        guard case .list = try client.ask("SUBSCRIBE", channel) else {
            throw LoadClient.Unexpected(description: "SUBSCRIBE")
        }
        while !stop.isSet {
            _ = try writer.number("INCR", key)
            ledger.acknowledge(key)
            _ = try writer.number("EXPIRE", key, "100000")
            for event in ["incrby", "expire"] {
                let message = try client.next().elements?.compactMap(\.text) ?? []
                guard message == ["message", channel, event] else {
                    throw LoadClient.Unexpected(description: "\(message) in place of \(event) of \(key)")
                }
            }
        }
    }
}
