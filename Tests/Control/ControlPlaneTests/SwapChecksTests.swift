import BrokerModel
import Foundation
import Ledger
import ProviderKit
import RESPWire
import Synchronization
import TestKit
import Testing

@testable import ControlPlane
@testable import ServerProviders

/// What a swap looks at before anything moves, and what it leaves at a server that stays.
@Suite(.requires(.redisServer)) struct SwapChecksTests {
    private func url(_ server: RealServer, _ database: Int = 0) -> String {
        "redis://127.0.0.1:\(server.port ?? 0)/\(database)"
    }

    @Test func `rule 1: keys that are there already are kept, removed, or used, as it is said`() async throws {
        try await RealServer.run(.redisServer) { server in
            try await BrokerUnderTest.run { broker in
                let owner = try RedisClient(url(server))
                try owner.ask("SET theirs 1")
                let neighbour = try RedisClient(url(server, 1))
                try neighbour.ask("SELECT 1")
                try neighbour.ask("SET not ours")
                try await broker.attach("cache")
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                try client.ask("SET k v")

                let refused = await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: url(server), cold: false)
                }
                #expect(refused?.code == .unsafe)
                #expect(refused?.fix?.contains("--overwrite") == true)
                #expect(try owner.ask("GET theirs") == "1")

                let outcome = try await broker.swap("cache", to: url(server), cold: false, existing: .overwrite)
                #expect(outcome.copy?.keys == 1)
                #expect(try client.ask("GET k") == "v")
                #expect(try client.ask("GET theirs") == "$-1")
                #expect(try neighbour.ask("GET not") == "ours")
                _ = try await broker.plane.rollback(
                    "cache", RollbackRequest(discard: false), in: broker.workspace, operation: .random())
                #expect(try client.ask("GET k") == "v")

                try client.ask("SET k mine")
                let adopted = try await broker.swap("cache", to: url(server), cold: false, existing: .adopt)
                #expect(adopted.copy == nil && adopted.closed == 0 && adopted.moved == 1)
                #expect(adopted.noWayBack != nil)
                #expect(try client.ask("GET k") == "v")
            }
        }
    }

    @Test func `a server under another name is not copied into itself`() async throws {
        try await RealServer.run(.redisServer) { server in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: url(server))
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                try client.ask("SET k v")
                for existing in [nil, SwapRequest.ExistingData.overwrite, .adopt] {
                    let error = await #expect(throws: BrokerError.self) {
                        try await broker.swap(
                            "cache", to: "redis://localhost:\(server.port ?? 0)/0", cold: false, existing: existing)
                    }
                    #expect(error?.code == .providerUnchanged, "\(String(describing: error))")
                }
                #expect(try client.ask("GET k") == "v")
                // Another database of the same server is another place.
                let outcome = try await broker.swap("cache", to: url(server, 1), cold: false, maxPause: 2000)
                #expect(outcome.copy?.keys == 1)
                #expect(try client.ask("GET k") == "v")
            }
        }
    }

    @Test func `rule 1: an abort takes back what it wrote and nobody has changed`() async throws {
        try await RealServer.run(.redisServer) { server in
            try await BrokerUnderTest.run { broker in
                let there = url(server)
                let owner = try RedisClient(there)
                // Held where everything is copied; meanwhile somebody else changes one key of it and adds another.
                broker.reached = { point in
                    guard point == .swapHeld else { return }
                    let other = try? RedisClient(there)
                    _ = try? other?.ask("SET k7 other")
                    _ = try? other?.ask("SET stranger 1")
                    // Longer than the pause.
                    try? await ContinuousClock().sleep(for: .milliseconds(80))
                }
                try await broker.restart()
                try await broker.attach("cache")
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                for number in 0..<500 { try client.ask("SET k\(number) v") }
                let error = await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: url(server), cold: false, maxPause: 60)
                }
                #expect(error?.code == .rolledBack, "\(String(describing: error))")
                #expect(try owner.ask("DBSIZE") == ":2")
                #expect(try owner.ask("GET k7") == "other")
                #expect(try owner.ask("GET stranger") == "1")
                #expect(try client.ask("GET k7") == "v")
            }
        }
    }

    @Test func `a plan says what would be done, and changes nothing`() async throws {
        try await RealServer.run(.redisServer) { server in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache")
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                for number in 0..<300 { try client.ask("SET k\(number) v") }
                try client.ask("HSET h a 1 b 2")
                let waiting = try RedisClient(try await broker.variable("CACHE_URL"))
                try waiting.ask("WATCH k1")
                try waiting.ask("MULTI")
                let request = SwapRequest(to: try ProviderDocument("exec:redis-server"))
                let plan = try await broker.plane.planSwap("cache", request, in: broker.workspace)
                #expect(plan.keys == 301 && plan.types.map(\.type) == ["string", "hash"])
                #expect(plan.types.map(\.keys) == [300, 1] && !plan.isEstimated && plan.bytes > 300)
                #expect(plan.clients == ["idle": 1, "in a transaction": 1])
                #expect(plan.problems.isEmpty && !plan.isTargetKnown && plan.server?.hasPrefix("redis ") == true)
                #expect(await broker.exec.servers.isEmpty)
                #expect(try await broker.ledger.read { try $0.backings() }.count == 1)

                try RedisClient(url(server)).ask("SET theirs 1")
                let there = SwapRequest(to: try ProviderDocument(url(server)))
                let other = try await broker.plane.planSwap("cache", there, in: broker.workspace)
                #expect(other.problems.map(\.code) == [.unsafe] && other.targetKeys == 1 && other.isTargetKnown)
                // The same from the other side.
                _ = try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 2000)
                try client.ask("PFSELFTEST")
                let back = try await broker.plane.planSwap(
                    "cache", SwapRequest(to: try ProviderDocument("emulator")), in: broker.workspace)
                #expect(back.problems.map(\.what) == ["\"web\" used PFSELFTEST, which \"emulator\" does not have"])
                #expect(back.keys == 301)
            }
        }
    }

    @Test func `rule 1: a server that throws keys away, or has no room for the clients, is refused`() async throws {
        let arguments = ["--maxmemory-policy", "allkeys-lru"]
        try await RealServer.run(.redisServer, arguments: arguments) { server in
            try await BrokerUnderTest.run { broker in
                let there = url(server)
                broker.reached = { point in
                    if point == .swapCopying { _ = try? RedisClient(there).ask("CONFIG SET maxmemory 2mb") }
                }
                try await broker.restart()
                try await broker.attach("cache")
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                for number in 0..<200 { try client.ask("SET k\(number) " + String(repeating: "x", count: 20_000)) }
                let evicting = await #expect(throws: BrokerError.self) {
                    let request = SwapRequest(
                        to: try ProviderDocument(url(server)), verify: SwapRequest.Verification.none)
                    return try await broker.plane.swap("cache", request, in: broker.workspace, operation: .random())
                }
                #expect(evicting?.what.hasSuffix("throws keys away") == true, "\(String(describing: evicting))")
                #expect(try client.ask("STRLEN k0") == ":20000")

                try RedisClient(there).ask("CONFIG SET maxmemory 0")
                try RedisClient(there).ask("CONFIG SET maxclients 3")
                let full = await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: url(server, 1), cold: false)
                }
                #expect(full?.what.hasSuffix("takes too few clients") == true, "\(String(describing: full))")
            }
        }
    }

    @Test func `a swap that is refused or undone leaves the earlier way back open`() async throws {
        try await RealServer.run(.redisServer, arguments: ["--rename-command", "PFADD", ""]) { server in
            try await BrokerUnderTest.run { broker in
                try await broker.attach("cache", provider: url(server))
                let client = try RedisClient(try await broker.variable("CACHE_URL"))
                try client.ask("SET k v")
                let there = try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
                #expect(there.requests != nil)
                try client.ask("PFADD s v")
                await #expect(throws: BrokerError.self) {
                    try await broker.swap("cache", to: url(server), cold: false, maxPause: 5000)
                }
                let status = try #require(try await broker.resource("cache"))
                #expect(status.undo?.to == url(server) && (1700...1800).contains(status.undo?.seconds ?? 0))
                // What PFADD did cannot be carried back: that is said, and can be given up.
                try client.ask("DEL s")
                try client.ask("SET k w")
                let failure = await #expect(throws: BrokerError.self) { try await broker.rollback("cache") }
                #expect(failure?.code == .unsafe)
                _ = try await broker.plane.rollback(
                    "cache", RollbackRequest(discard: true), in: broker.workspace, operation: .random())
                #expect(try await broker.resource("cache")?.provider == url(server))
                #expect(try client.ask("PING") == "+PONG")
                #expect(try await broker.resource("cache")?.undo == nil)
            }
        }
    }

    @Test func `how far a swap is can be asked while it runs, and its receipt is in the log`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            for number in 0..<100 { try client.ask("SET k\(number) v") }
            let seen = SeenSwaps()
            broker.reached = { point in
                if point == .swapCopying || point == .swapHeld { await seen.look() }
            }
            try await broker.restart()
            await seen.follow(broker.plane)
            let again = try RedisClient(try await broker.variable("CACHE_URL"))
            for number in 0..<100 { try again.ask("SET k\(number) v") }
            try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
            let swaps = await seen.swaps
            #expect(swaps.map(\.phase) == [.copying, .moving])
            #expect(swaps.first?.total == 100 && swaps.first?.to == "exec:redis-server")
            #expect(swaps.last?.total == nil)
            #expect(try await broker.resource("cache")?.swap == nil)
            let notes = try await broker.ledger.read {
                try $0.events(in: BrokerUnderTest.workspace, source: "cache", last: 1, after: nil)
            }
            #expect(notes.first?.message.hasPrefix("receipt: 100 keys and 0 changes copied, 100 compared; ") == true)
        }
    }

    private actor SeenSwaps {
        var swaps: [ResourceStatus.Swap] = []
        private var plane: ControlPlane?

        func follow(_ plane: ControlPlane) { self.plane = plane }

        func look() async {
            let status = try? await plane?.status(in: BrokerUnderTest.workspace)
            if let swap = status?.resources.first?.swap { swaps.append(swap) }
        }
    }

    @Test func `stalls are told by the nearest rank`() {
        let waits = (1...200).map { Duration.milliseconds($0) }
        let stall = StallReceipt(waits.shuffled())
        #expect(stall?.clients == 200 && stall?.p50 == 100 && stall?.p99 == 198 && stall?.max == 200)
        #expect(StallReceipt([.milliseconds(3)])?.p99 == 3)
        #expect(StallReceipt([]) == nil)
    }

    @Test func `what a target lacks is told by subcommand, where it tells its own`() {
        var survey = BackingSurvey(keys: [:])
        #expect(survey.missing(of: ["get"]) == nil)
        survey.commands = ["get", "object", "object|encoding", "xinfo"]
        #expect(survey.missing(of: ["get", "object|freq", "object|encoding", "xinfo|stream"]) == ["object|freq"])
        #expect(survey.missing(of: ["fcall", "function|load"]) == ["fcall", "function|load"])
    }

    @Test func `libraries of functions go along, those that are loaded meanwhile as well`() async throws {
        try await BrokerUnderTest.run { broker in
            let held = Held()
            broker.reached = { point in
                guard point == .swapCopying else { return }
                let late = "#!lua name=late\\nredis.register_function('late', function() return 2 end)"
                held.client.withLock { _ = try? $0?.ask("FUNCTION LOAD \"\(late)\"") }
            }
            try await broker.restart()
            try await broker.attach("cache")
            let url = try await broker.variable("CACHE_URL")
            let client = try RedisClient(url)
            try held.client.withLock { $0 = try RedisClient(url) }
            let library =
                "#!lua name=l\\nredis.register_function('f', function(k, a) return redis.call('INCR', k[1]) end)"
            #expect(try client.ask("FUNCTION LOAD \"\(library)\"") == "l")
            #expect(try client.ask("FCALL f 1 n") == ":1")
            try await broker.swap("cache", to: "exec:redis-server", cold: false, maxPause: 5000)
            #expect(try client.ask("FCALL f 1 n") == ":2")
            #expect(try client.ask("FCALL late 0") == ":2")
            #expect(try client.ask("FUNCTION DELETE late") == "+OK")
            held.client.withLock { $0 = nil }
            try await broker.swap("cache", to: "emulator", cold: false, maxPause: 5000)
            #expect(try client.ask("FCALL f 1 n") == ":3")
            #expect(try client.ask("FCALL late 0").hasPrefix("-ERR Function not found"))
        }
    }

    private final class Held: Sendable {
        let client = Mutex<RedisClient?>(nil)
    }

    @Test func `an option that came after the target's version is missing`() {
        var survey = BackingSurvey(keys: [:])
        survey.commands = ["set", "expire"]
        let used: Set = ["set", "set keepttl", "set get", "expire", "expire nx"]
        #expect(survey.missing(of: used) == [])
        survey.version = 602
        #expect(survey.missing(of: used) == ["expire nx"])
        survey.version = 600
        #expect(survey.missing(of: used) == ["expire nx", "set get"])
        #expect(DatedOptions.version("6.2.11") == 602 && DatedOptions.version("7.0.15") == 700)
        #expect(DatedOptions.version("unstable") == nil)
    }

    @Test(arguments: ["emulator", "exec:redis-server"])
    func `the options that an app uses are counted, on the emulator as through the relay`(provider: String) async throws
    {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", provider: provider)
            let client = try RedisClient(try await broker.variable("CACHE_URL"))
            for command in [
                "SET k v", "SET keepttl get", "SET k v EX 100", "SET k w keepttl", "SET k w GET NX", "EXPIRE k 100",
                "EXPIRE k 200 GT", "ZADD z 1 gt", "ZADD z GT 2 m", "RPUSH l a b", "LPOP l", "LPOP l 1",
                "SCAN 0 TYPE string",
            ] { try client.ask(command) }
            let stored = try await broker.plane.stored(ResourceName("cache"), in: broker.workspace)
            let used = await broker.plane.used(by: stored.1, of: stored.0.resource)["web"] ?? []
            let options = used.filter { $0.contains(" ") }
            #expect(options == ["set keepttl", "set get", "expire gt", "zadd gt", "lpop count", "scan type"])
        }
    }
}
