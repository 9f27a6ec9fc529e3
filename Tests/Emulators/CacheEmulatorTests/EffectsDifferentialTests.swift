import Foundation
import TestKit
import Testing

@testable import CacheEmulator

/// Whoever applies the effects has the same keys: a real server, and another emulator.
struct EffectsDifferentialTests {
    /// As in the tests against real servers: 1, or what BROKER_RANDOM_SEED names.
    private static var seed: UInt64 {
        let wanted = ProcessInfo.processInfo.environment["BROKER_RANDOM_SEED"]
        return wanted == "random" ? .random(in: 1 ... .max) : wanted.flatMap { UInt64($0) } ?? 1
    }

    private static var length: Int {
        ProcessInfo.processInfo.environment["BROKER_RANDOM_COMMANDS"].flatMap { Int($0) } ?? 8000
    }

    private static var realTime: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    @Test func `every command that writes is among the random ones, and changes something`() {
        var commands = WriteCommands(seed: 1, life: 1000...3000)
        #expect(WriteCommands.table.count > 70)
        var silent = Set(WriteCommands.table)
        let engine = EmulatorAtHand()
        let listener = EffectsListener(engine.emulator)
        for name in WriteCommands.table where commands.arguments(of: name) == nil {
            Issue.record("\(name) is not among the random commands")
        }
        var order = SeededRandom(seed: 1)
        var before: [String: UInt64] = [:]
        for _ in 0..<400 {
            for name in WriteCommands.table.shuffled(using: &order) {
                if name.hasPrefix("flush"), !silent.contains(name) { continue }
                let arguments = commands.arguments(of: name) ?? []
                _ = listener.lines()
                engine.run(arguments)
                let after = engine.contents().mapValues(\.digest)
                defer { before = after }
                if after == before { continue }
                #expect(!listener.lines().isEmpty, "\(name) has changed something and told nobody")
                silent.remove(name)
                if silent.isEmpty { return }
            }
        }
        #expect(silent == [], "these have never changed anything")
    }

    @Test(.requires(.redisServer))
    func `a real server that takes the effects has the same keys`() async throws {
        try await RealServer.run(.redisServer, at: .unixSocket) { server in
            // An hour ahead, so that keys end there by the effects alone.
            let engine = EmulatorAtHand(time: Self.realTime + 3_600_000)
            let real = try RealKeyspace(server)
            var commands = WriteCommands(seed: Self.seed, life: 50...5000)
            let listener = EffectsListener(engine.emulator)
            var compared = 0
            for number in 1...Self.length {
                Self.step(engine, &commands)
                engine.time += Int64(commands.below(10))
                guard number % 400 == 0 || number == Self.length else { continue }
                Self.lookAtAll(engine)
                try Self.hand(over: listener.log.take(.max), to: real)
                let ours = engine.contents()
                Self.expectEqual(ours, try real.contents())
                compared += ours.count
            }
            #expect(compared > Self.length / 50)
            #expect(engine.emulator.statistics.expiredKeys > 50)
        }
    }

    @Test(.requires(.redisServer))
    func `a server whose clock is ahead loses no key that lives on`() async throws {
        try await RealServer.run(.redisServer, at: .unixSocket) { server in
            let engine = EmulatorAtHand(time: Self.realTime - 30_000)
            let real = try RealKeyspace(server)
            // Every second key is over there before its effect arrives.
            var commands = WriteCommands(seed: Self.seed, life: 1000...60_000)
            let listener = EffectsListener(engine.emulator)
            for _ in 0..<Self.length {
                Self.step(engine, &commands)
                if commands.below(50) == 0 { try Self.hand(over: listener.log.take(.max), to: real) }
            }
            try Self.hand(over: listener.log.take(.max), to: real)
            let soon = Self.realTime + 3000
            let ours = engine.contents().filter { ($0.value.expiry ?? .max) > soon }
            let theirs = try real.contents().filter { ($0.value.expiry ?? .max) > soon }
            Self.expectEqual(ours, theirs)
            #expect(ours.count > 10)
        }
    }

    @Test(.requires(.redisServer), arguments: [1, 2])
    func `a snapshot and the effects behind it make the same keys`(part: Int) async throws {
        try await RealServer.run(.redisServer, at: .unixSocket) { server in
            let engine = EmulatorAtHand(time: Self.realTime + 3_600_000)
            let other = EmulatorAtHand(time: engine.time)
            let real = try RealKeyspace(server)
            let before = engine.emulator.memory.arena.used
            var commands = WriteCommands(seed: Self.seed &+ UInt64(part), life: 50...20_000)
            for _ in 0..<2000 { Self.step(engine, &commands) }
            for number in 0..<1000 { engine.run("SET filler\(number) \(number)") }
            engine.time += 3000

            let listener = EffectsListener(engine.emulator)
            let snapshot = engine.emulator.snapshot()
            let expected = engine.contents()
            var segments: [CommandSegment] = []
            while !snapshot.isComplete {
                segments += try snapshot.next(200, until: .now + .seconds(1))
                for _ in 0..<commands.below(6) { Self.step(engine, &commands) }
                engine.time += Int64(commands.below(10))
            }
            #expect(engine.emulator.memory.shared == 0)
            // The snapshot alone is what there was, however much has changed meanwhile.
            let frozen = EmulatorAtHand(time: engine.time - 3_600_000)
            Self.hand(over: segments, to: frozen)
            Self.expectEqual(expected, frozen.contents())

            try Self.hand(over: segments, to: real)
            Self.hand(over: segments, to: other)
            Self.lookAtAll(engine)
            let effects = listener.log.take(.max)
            listener.close()
            try Self.hand(over: effects, to: real)
            Self.hand(over: effects, to: other)
            Self.expectEqual(engine.contents(), try real.contents())
            Self.expectEqual(engine.contents(), other.contents())
            engine.run("FLUSHALL")
            // A large table is freed a part at a time.
            while !engine.emulator.memory.freeDiscarded(1024) {}
            #expect(engine.emulator.memory.arena.used == before)
        }
    }

    // MARK: parts

    /// A random command. Some that block wait, and are served by what comes later.
    private static func step(_ engine: EmulatorAtHand, _ commands: inout WriteCommands) {
        engine.run(commands.next())
        engine.forgetWaiting(butFor: 12)
    }

    private static func hand(over segments: [CommandSegment], to real: RealKeyspace) throws {
        for segment in segments {
            let errors = try real.apply(segment.bytes, commands: segment.commands, in: segment.database)
            #expect(errors == [])
        }
    }

    private static func hand(over segments: [CommandSegment], to engine: EmulatorAtHand) {
        let intake = CommandIntake(into: engine.emulator)
        defer { intake.close() }
        for segment in segments {
            var place = 0
            while place < segment.bytes.count {
                // No time at all: a look at the clock always pauses.
                switch intake.apply(segment.bytes, from: place, in: segment.database, until: .now) {
                case .done: place = segment.bytes.count
                case .paused(let next): place = next
                case .refused(let command, let words):
                    Issue.record("\(command): \(words)")
                    return
                }
            }
        }
    }

    /// Finds every key whose time is over.
    private static func lookAtAll(_ engine: EmulatorAtHand) {
        for database in 0..<3 {
            engine.run("SELECT \(database)")
            for type in WriteCommands.types { for number in 0..<5 { engine.run("EXISTS \(type)\(number)") } }
        }
    }

    private static func expectEqual(
        _ ours: [String: HeldValue], _ theirs: [String: HeldValue], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for key in Set(ours.keys).union(theirs.keys).sorted() where ours[key]?.digest != theirs[key]?.digest {
            Issue.record(
                """
                BROKER_RANDOM_SEED=\(seed): "\(key)" differs
                here:  \(ours[key].map { "\($0)" } ?? "nothing")
                there: \(theirs[key].map { "\($0)" } ?? "nothing")
                """, sourceLocation: sourceLocation)
        }
    }
}
