import Testing

@testable import CacheEmulator

/// A resource's time that stands still, is set and is moved.
struct ClockTests {
    private let engine = EmulatorAtHand()
    private var emulator: CacheEmulator { engine.emulator }
    private static let begin: Int64 = 1_700_000_000_000

    @Test func `TIME counts microseconds, of every command and script anew, and one moment in a script`() {
        let engine = EmulatorAtHand()
        func eval(_ script: String) -> String { engine.run(["EVAL", script, "0"].map { Array($0.utf8) }) }
        let script = "local t = redis.call('TIME') return t[1] * 1000000 + t[2]"
        #expect(Set((0..<100).map { _ in eval(script) }).count > 50)
        #expect(Set((0..<100).map { _ in engine.run("TIME") }).count > 50)
        let twice = "local a, b = redis.call('TIME'), redis.call('TIME') return a[1] == b[1] and a[2] == b[2]"
        #expect((0..<100).allSatisfy { _ in eval(twice) == ":1\r\n" })
        // Its expiries are of that moment, too.
        let ends = """
            for i = 1, 300000 do local x = i end local t = redis.call('TIME')
            redis.call('SET', 'k', 'v', 'PXAT', t[1] * 1000 + math.floor(t[2] / 1000) + 1000)
            return redis.call('PTTL', 'k')
            """
        #expect((0..<10).allSatisfy { _ in eval(ends) == ":1000\r\n" })
    }

    @Test func `time stands still until it is moved`() {
        engine.run("SET k v EX 10")
        emulator.freezeTime()
        engine.time += 60_000
        #expect(engine.run("TTL k") == ":10\r\n")
        #expect(engine.run("TIME") == "*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n")
        emulator.advanceTime(by: 9_999)
        #expect(engine.run("PTTL k") == ":1\r\n")
        emulator.advanceTime(by: 1)
        #expect(engine.run("EXISTS k") == ":0\r\n")
        #expect(emulator.statistics.expiredKeys == 1)
    }

    @Test func `it goes on from where it is, and as the system's when it is reset`() {
        engine.run("SET k v EX 100")
        emulator.advanceTime(by: 40_000)
        #expect(engine.run("TTL k") == ":60\r\n")
        engine.time += 10_000
        #expect(engine.run("TTL k") == ":50\r\n")
        emulator.freezeTime()
        engine.time += 10_000
        emulator.resumeTime()
        #expect(engine.run("TTL k") == ":50\r\n")
        engine.time += 1_000
        #expect(engine.run("TTL k") == ":49\r\n")
        #expect(!emulator.hasSystemTime)
        emulator.resetTime()
        #expect(emulator.hasSystemTime && emulator.time == engine.time)
        #expect(engine.run("TTL k") == ":79\r\n")
    }

    @Test func `a wait for replicas and a pause are over by its time`() {
        emulator.freezeTime()
        engine.run("WAIT 1 3000")
        emulator.pause(milliseconds: 4000, isOfAll: true)
        engine.time += 60_000
        emulator.advanceTime(by: 2999)
        #expect(engine.reply(toWaiting: 0) == "")
        emulator.advanceTime(by: 1)
        #expect(engine.reply(toWaiting: 0) == ":0\r\n")
        emulator.advanceTime(by: 999)
        #expect(emulator.pause != nil)
        emulator.advanceTime(by: 1)
        #expect(emulator.pause == nil && emulator.timed.isEmpty)
    }

    @Test func `moved back, who waits has as long to wait as before`() {
        emulator.freezeTime()
        engine.run("WAIT 1 3000")
        emulator.pause(milliseconds: 4000, isOfAll: true)
        emulator.moveTime(to: 1_000_000)
        emulator.advanceTime(by: 2999)
        #expect(engine.reply(toWaiting: 0) == "")
        emulator.advanceTime(by: 1)
        #expect(engine.reply(toWaiting: 0) == ":0\r\n")
        emulator.advanceTime(by: 999)
        #expect(emulator.pause != nil)
        emulator.advanceTime(by: 1)
        #expect(emulator.pause == nil && emulator.timed.isEmpty)
    }

    @Test func `what lies between happens in its order`() {
        engine.run("CONFIG SET notify-keyspace-events Ex")
        emulator.freezeTime()
        let effects = EffectsListener(emulator)
        for (name, seconds) in [("c", 30), ("a", 10), ("d", 40), ("b", 20)] {
            engine.run("SET \(name) v EX \(seconds)")
        }
        _ = effects.lines()
        engine.run("BLPOP none 15")
        engine.run("BRPOP none 25")
        engine.run("BLPOP none 35")
        engine.run("BLPOP none 0")
        emulator.advanceTime(by: 30_000)
        #expect(effects.lines() == ["0: DEL a", "0: DEL b", "0: DEL c"])
        #expect(engine.reply(toWaiting: 0) == "*-1\r\n")
        #expect(engine.reply(toWaiting: 1) == "*-1\r\n")
        #expect(engine.reply(toWaiting: 2) == "" && engine.reply(toWaiting: 3) == "")
        emulator.advanceTime(by: 10_000)
        #expect(engine.reply(toWaiting: 2) == "*-1\r\n")
        #expect(engine.reply(toWaiting: 3) == "")
        #expect(effects.lines() == ["0: DEL d"])
        #expect(emulator.timed.isEmpty)
        engine.forgetWaiting()
    }

    @Test func `a key that expires on the way is gone for who waits later`() {
        emulator.freezeTime()
        engine.run("SET lock me PX 500")
        engine.run("BLPOP none 1")
        emulator.advanceTime(by: 1000)
        #expect(engine.run("SET lock other NX") == "+OK\r\n")
        #expect(engine.reply(toWaiting: 0) == "*-1\r\n")
        engine.forgetWaiting()
    }

    @Test func `moved back, what has happened stays, and TTLs are longer`() {
        emulator.freezeTime()
        engine.run("SET gone v PX 10")
        engine.run("SET k v PX 10000")
        emulator.advanceTime(by: 100)
        emulator.moveTime(to: Self.begin - 5000)
        #expect(engine.run("EXISTS gone") == ":0\r\n")
        #expect(engine.run("PTTL k") == ":15000\r\n")
        #expect(engine.run("XADD s * f v").contains("1699999995000-0"))
        emulator.moveTime(to: .min)
        #expect(emulator.time == 0)
        emulator.advanceTime(by: .max)
        #expect(engine.run("TIME").hasPrefix("*2\r\n$12\r\n253402300799"))
    }

    @Test func `idle times and the ids of streams are of the resource's time`() {
        engine.run("SET k v")
        engine.run("XADD s * f v")
        engine.run("XGROUP CREATE s g 0")
        engine.run("XREADGROUP GROUP g me STREAMS s >")
        emulator.advanceTime(by: 3_600_000)
        #expect(engine.run("OBJECT IDLETIME k") == ":3600\r\n")
        #expect(engine.run("XPENDING s g - + 1").contains(":3600000\r\n"))
        #expect(engine.run("XADD s * f v").contains("1700003600000-0"))
        #expect(engine.run("XAUTOCLAIM s g you 3600000 0 COUNT 1 JUSTID").contains("1700000000000-0"))
    }
}
