import Foundation
import TestKit

/// What the connections of a soak do. Each kind runs until it is told to stop, and tells the ledger what it was answered.
struct SoakLoad: Sendable {
    /// What the faults are, and what may be set up.
    struct Scope: Sendable {
        /// The daemon and servers are killed: connections may break.
        var hasKills = false
        /// Events of keys are published.
        var hasEvents = false
    }

    let url: String
    let scope: Scope
    let ledger: SoakLedger
    let stop: Flag
    let subscribed = TestKit.Counter()

    private typealias Body = @Sendable (SoakLoad, LoadClient, Int) throws -> Void

    private struct Kind {
        var count: Int
        var body: Body

        init(_ count: Int, _ body: @escaping Body) {
            self.count = count
            self.body = body
        }
    }

    /// Kinds of connections, and how many there are of each.
    private var kinds: [Kind] {
        var kinds = [
            Kind(48, { try $0.counter($1, $2) }), Kind(16, { try $0.pusher($1, $2) }),
            Kind(12, { try $0.popper($1, $2) }),
            Kind(20, { try $0.fields($1, $2) }), Kind(12, { try $0.transaction($1, $2) }),
            Kind(8, { try $0.pipeline($1, $2) }),
            Kind(8, { try $0.expiry($1, $2) }), Kind(12, { try $0.register($1, $2) }),
            Kind(4, { try $0.walker($1, $2) }), Kind(8, { try $0.script($1, $2) }),
            Kind(8, { try $0.producer($1, $2) }), Kind(16, { try $0.consumer($1, $2) }),
        ]
        // What a connection has set up ends with it.
        if !scope.hasKills {
            kinds += [
                Kind(Self.channels, { try $0.publisher($1, $2) }),
                Kind(3 * Self.channels, { try $0.subscriber($1, $2) }), Kind(6, { try $0.cacher($1, $2) }),
                Kind(6, { try $0.function($1, $2) }),
            ]
        }
        if scope.hasEvents { kinds.append(Kind(6, { try $0.listener($1, $2) })) }
        return kinds
    }

    static let channels = 8

    /// Starts every connection on a thread of its own; returns their ends.
    func start() -> [Task<Void, any Error>] {
        kinds.flatMap { kind in
            (0..<kind.count).map { number in onThread { run(kind.body, number) } }
        }
    }

    private func run(_ body: Body, _ number: Int) {
        do {
            let client = try LoadClient(url, mayBreak: scope.hasKills, until: stop)
            do {
                try body(self, client, number)
            } catch let failure as SocketClient.Failure {
                ledger.change { $0.disconnected += 1 }
                ledger.fail("disconnected: \(failure)")
            } catch {
                ledger.fail("\(error)")
            }
            ledger.change { state in
                state.commands += client.asked
                state.gaps.append(client.longest)
            }
        } catch {
            ledger.fail("no connection: \(error)")
        }
    }

    // MARK: writers

    private func counter(_ client: LoadClient, _ number: Int) throws {
        let key = "counter:\(number % 16)"
        while !stop.isSet {
            do {
                _ = try client.number("INCR", key)
                ledger.acknowledge(key)
            } catch is LoadClient.Broken {
                ledger.doubt(key)
            }
        }
    }

    private func pusher(_ client: LoadClient, _ number: Int) throws {
        var count = 0
        while !stop.isSet {
            count += 1
            let element = "\(number)-\(count)"
            do {
                _ = try client.number("LPUSH", "list:\(number % 4)", element)
                ledger.change { $0.pushed.insert(element) }
            } catch is LoadClient.Broken {
                ledger.change { $0.maybePushed.insert(element) }
            }
        }
    }

    private func popper(_ client: LoadClient, _ number: Int) throws {
        let key = "list:\(number % 4)"
        while !stop.isSet {
            do {
                let reply = try client.wait("BRPOP", key, "0.5")
                if reply == .null { continue }
                guard let element = reply.text ?? reply.elements?.last?.text else {
                    throw LoadClient.Unexpected(description: "pop: \(reply)")
                }
                ledger.pop(element)
            } catch is LoadClient.Broken {
                ledger.change { $0.indeterminatePops += 1 }
            }
        }
    }

    private func fields(_ client: LoadClient, _ number: Int) throws {
        let (hash, set) = ("hash:\(number % 5)", "board:\(number % 5)")
        while !stop.isSet {
            do {
                _ = try client.number("HINCRBY", hash, "f", "1")
                ledger.acknowledge(hash)
            } catch is LoadClient.Broken {
                ledger.doubt(hash)
            }
            do {
                guard case .text = try client.ask("ZINCRBY", set, "1", "m") else {
                    throw LoadClient.Unexpected(description: "ZINCRBY")
                }
                ledger.acknowledge(set)
            } catch is LoadClient.Broken {
                ledger.doubt(set)
            }
        }
    }

    /// What nobody else changed between WATCH and EXEC is one more.
    private func transaction(_ client: LoadClient, _ number: Int) throws {
        let key = "watched:\(number % 3)"
        while !stop.isSet {
            do {
                try client.expect(.text("OK"), "WATCH", key)
                let value: Int
                switch try client.ask("GET", key) {
                case .text(let text): value = Int(text) ?? 0
                default: value = 0
                }
                try client.expect(.text("OK"), "MULTI")
                try client.expect(.text("QUEUED"), "SET", key, "\(value + 1)")
                let reply = try client.ask("EXEC")
                if reply == .list([.text("OK")]) {
                    ledger.acknowledge(key)
                } else if reply == .null {
                    ledger.change { $0.conflicts += 1 }
                } else {
                    throw LoadClient.Unexpected(description: "EXEC: \(reply)")
                }
            } catch is LoadClient.Broken {
                ledger.doubt(key)
            }
        }
    }

    /// A key of its own: every reply is one more than the last.
    private func pipeline(_ client: LoadClient, _ number: Int) throws {
        let key = "own:\(number)"
        let commands = [[String]](repeating: ["INCR", key], count: 50)
        var last = 0
        while !stop.isSet {
            do {
                for reply in try client.ask(commands) {
                    last += 1
                    guard reply == .integer(last) else {
                        throw LoadClient.Unexpected(description: "\(key) is \(reply), not \(last)")
                    }
                }
                ledger.acknowledge(key, commands.count)
            } catch is LoadClient.Broken {
                ledger.doubt(key, commands.count)
                last = try settle { try client.ask("GET", key) }
            }
        }
    }

    private func settle(_ ask: () throws -> LoadReply) throws -> Int {
        while true {
            do {
                guard case .text(let text) = try ask() else { return 0 }
                return Int(text) ?? 0
            } catch is LoadClient.Broken {
                continue
            }
        }
    }

    /// Never missing before its time; gone behind it.
    private func expiry(_ client: LoadClient, _ number: Int) throws {
        let life = Duration.milliseconds(1500)
        var count = 0
        while !stop.isSet {
            count += 1
            let key = "fading:\(number):\(count)"
            do {
                let began = ContinuousClock.now
                try client.expect(.text("OK"), "SET", key, "v", "PX", "1500")
                let written = ContinuousClock.now
                while began.duration(to: .now) < life / 2 {
                    try client.expect(.integer(1), "EXISTS", key)
                    usleep(50_000)
                }
                while written.duration(to: .now) < life + .milliseconds(20) { usleep(20_000) }
                try client.expect(.integer(0), "EXISTS", key)
            } catch is LoadClient.Broken {
                continue
            }
        }
    }

    private func register(_ client: LoadClient, _ number: Int) throws {
        let key = "register:\(number % 3)"
        var operations: [RegisterHistory.Operation] = []
        var count = 0
        while !stop.isSet {
            count += 1
            let isWrite = (count + number) % 3 == 0
            let value = number * 10_000_000 + count + 1
            let began = ContinuousClock.now
            do {
                if isWrite {
                    try client.expect(.text("OK"), "SET", key, "\(value)")
                    operations.append(.init(value: value, isWrite: true, began: began, ended: .now))
                } else {
                    let seen = try client.ask("GET", key)
                    let read = if case .text(let text) = seen { Int(text) ?? -1 } else { 0 }
                    operations.append(.init(value: read, isWrite: false, began: began, ended: .now))
                }
            } catch is LoadClient.Broken {
                if isWrite { operations.append(.init(value: value, isWrite: true, began: began, ended: nil)) }
            }
        }
        ledger.change { [operations] in $0.registers[key, default: RegisterHistory()].operations += operations }
    }

    /// Keys that are there throughout.
    static let staying = Set((0..<200).map { "stay:\($0)" })

    /// A walk over all keys meets every one that stays.
    private func walker(_ client: LoadClient, _ number: Int) throws {
        while !stop.isSet {
            do {
                var seen: Set<String> = []
                var cursor = "0"
                repeat {
                    let page = try client.ask("SCAN", cursor, "COUNT", "30", "MATCH", "stay:*").elements
                    guard let next = page?.first?.text, let names = page?.last?.elements else {
                        throw LoadClient.Unexpected(description: "SCAN \(cursor)")
                    }
                    seen.formUnion(names.compactMap(\.text))
                    cursor = next
                } while cursor != "0"
                let missed = Self.staying.subtracting(seen)
                guard missed.isEmpty else {
                    throw LoadClient.Unexpected(description: "SCAN has missed \(missed.count) keys")
                }
            } catch is LoadClient.Broken {
                continue
            }
        }
    }
}
