import Testing

@testable import CacheEmulator

/// Who waits, seen from inside: effects, and that nothing is left behind.
struct WaitingTests {
    private let engine = EmulatorAtHand()

    /// The effects of some commands, when others wait already.
    private func effects(of commands: [String], waiting: [String], after before: [String] = []) -> [String] {
        for command in before + waiting { engine.run(command) }
        let listener = EffectsListener(engine.emulator)
        defer { listener.close() }
        for command in commands { engine.run(command) }
        return listener.lines()
    }

    @Test func `many keys are waited for at once`() {
        let began = ContinuousClock.now
        engine.run("BLPOP \((0..<30_000).map { "k\($0)" }.joined(separator: " ")) 0")
        engine.run("RPUSH k29999 x")
        #expect(ContinuousClock.now - began < .seconds(5))
        #expect(!engine.waiting[0].isWaiting)
    }

    @Test(
        arguments: [
            ("BLPOP a b 0", "RPUSH b 1", ["0: RPUSH b 1", "0: LPOP b"]),
            ("BRPOP a 0", "RPUSH a 1 2", ["0: RPUSH a 1 2", "0: RPOP a"]),
            ("BLMPOP 0 1 a LEFT COUNT 5", "RPUSH a 1 2", ["0: RPUSH a 1 2", "0: LPOP a 5"]),
            ("BLMOVE a b LEFT RIGHT 0", "RPUSH a 1 2", ["0: RPUSH a 1 2", "0: lmove a b LEFT RIGHT"]),
            ("BRPOPLPUSH a b 0", "RPUSH a 1 2", ["0: RPUSH a 1 2", "0: rpoplpush a b"]),
            ("BZPOPMIN a 0", "ZADD a 1 x", ["0: ZADD a 1 x", "0: ZPOPMIN a"]),
            ("BZPOPMAX a 0", "ZADD a 1 x", ["0: ZADD a 1 x", "0: ZPOPMAX a"]),
            ("BZMPOP 0 1 a MIN COUNT 3", "ZADD a 1 x", ["0: ZADD a 1 x", "0: ZPOPMIN a 3"]),
            ("BLMOVE a s LEFT RIGHT 0", "RPUSH a 1", ["0: RPUSH a 1"]),
        ])
    func `who is served is told behind what has served it`(waiting: String, command: String, told: [String]) {
        #expect(effects(of: [command], waiting: [waiting], after: ["SET s v"]) == told)
        #expect(!engine.waiting[0].isWaiting && !engine.reply(toWaiting: 0).isEmpty)
    }

    @Test(
        arguments: [
            ("BLPOP a 0", ["0: LPOP l"]), ("BRPOP l 0", ["0: RPOP l"]),
            ("BLMOVE l m LEFT LEFT 0", ["0: lmove l m LEFT LEFT"]),
            ("BRPOPLPUSH l m 0", ["0: rpoplpush l m"]), ("BLMPOP 0 2 a l RIGHT", ["0: RPOP l 1"]),
            ("BZPOPMIN z 0", ["0: ZPOPMIN z"]), ("BZMPOP 0 1 z MAX", ["0: ZPOPMAX z 1"]),
            ("BLMOVE l s LEFT LEFT 0", []),
        ])
    func `what is taken at once is told as the command that does not block`(command: String, told: [String]) {
        let command = command.replacing("BLPOP a", with: "BLPOP a l")
        #expect(effects(of: [command], waiting: [], after: ["SET s v", "RPUSH l 1 2", "ZADD z 1 x"]) == told)
    }

    @Test func `one wait serves another, in the order in which Redis tells it`() {
        let told = effects(
            of: ["RPUSH a 1"], waiting: ["BLPOP c 0", "BLMOVE b c LEFT LEFT 0", "BLMOVE a b LEFT LEFT 0"])
        #expect(told == ["0: RPUSH a 1", "0: lmove a b LEFT LEFT", "0: lmove b c LEFT LEFT", "0: LPOP c"])
        #expect(engine.reply(toWaiting: 0) == "*2\r\n$1\r\nc\r\n$1\r\n1\r\n")
    }

    @Test func `a moved element whose list ends soon is told by value`() {
        let told = effects(
            of: ["RENAME x a"], waiting: ["BLMOVE a b LEFT LEFT 0"], after: ["RPUSH x 1 2", "PEXPIRE x 5000"])
        #expect(told.count > 2 && told.suffix(2).allSatisfy { $0.hasPrefix("0: RESTORE ") })
    }

    @Test func `whoever waits leaves nothing behind`() {
        let emulator = engine.emulator
        for number in 0..<500 { engine.run("BLPOP k\(number % 7) all k\(number % 3) 0") }
        for _ in 0..<100 { engine.run("BZPOPMIN all 0") }
        #expect(emulator.waiting.count == 600 && emulator.databases[0].awaitedCount == 600)
        engine.run("RPUSH all 1 2 3")
        #expect(emulator.waiting.count == 597)
        #expect(engine.reply(toWaiting: 3).isEmpty && !engine.reply(toWaiting: 2).isEmpty)
        #expect(emulator.unblock(engine.waiting[3], withError: true))
        #expect(!emulator.unblock(engine.waiting[3], withError: true))
        #expect(engine.reply(toWaiting: 3).hasPrefix("-UNBLOCKED"))
        engine.forgetWaiting()
        #expect(emulator.waiting.count == 0 && emulator.waiting.isEmpty && emulator.databases[0].awaitedCount == 0)
        engine.run("RPUSH all 1")
        #expect(engine.run("LLEN all") == ":1\r\n")
    }

    @Test func `an intake serves those who wait, and waits itself for nothing`() {
        engine.run("BLPOP k 0")
        let listener = EffectsListener(engine.emulator)
        let intake = CommandIntake(into: engine.emulator)
        var bytes: [UInt8] = []
        bytes.append(command: ["RPUSH", "k", "1", "2"])
        bytes.append(command: ["BLPOP", "none", "0"])
        bytes.append(command: ["BLPOP", "k", "0"])
        #expect(intake.apply(bytes, from: 0, in: 0, until: .now + .seconds(9)) == .done)
        intake.close()
        #expect(listener.lines() == ["0: RPUSH k 1 2", "0: LPOP k", "0: LPOP k"])
        #expect(engine.run("EXISTS k") == ":0\r\n" && engine.emulator.waiting.count == 0)
    }

    @Test func `an intake takes what a server has trimmed exactly, with the limit that it was asked with`() {
        let intake = CommandIntake(into: engine.emulator)
        var bytes: [UInt8] = []
        bytes.append(command: ["XADD", "s", "1-0", "a", "b"])
        bytes.append(command: ["XADD", "s", "1-1", "a", "b"])
        bytes.append(command: ["XADD", "s", "2-0", "a", "b"])
        bytes.append(command: ["XADD", "s", "MAXLEN", "=", "2", "LIMIT", "1", "3-0", "a", "b"])
        bytes.append(command: ["XTRIM", "s", "MINID", "=", "4", "LIMIT", "1"])
        #expect(intake.apply(bytes, from: 0, in: 0, until: .now + .seconds(9)) == .done)
        intake.close()
        #expect(engine.run("XLEN s") == ":0\r\n")
        #expect(engine.run("XTRIM s MAXLEN = 1 LIMIT 10").hasPrefix("-ERR syntax error, LIMIT"))
    }
}
