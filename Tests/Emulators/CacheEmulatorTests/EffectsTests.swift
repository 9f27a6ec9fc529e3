import Testing

@testable import CacheEmulator

/// What is told to those who listen, command by command.
struct EffectsTests {
    private let engine = EmulatorAtHand()
    private static let now: Int64 = 1_700_000_000_000

    /// The effects of some commands, after others to which nobody listened.
    private func effects(of commands: [String], after before: [String] = []) -> [String] {
        for command in before { engine.run(command) }
        let listener = EffectsListener(engine.emulator)
        defer { listener.close() }
        for command in commands { engine.run(command) }
        return listener.lines()
    }

    @Test(
        arguments: [
            ("SET k v", "0: SET k v"), ("SET k v EX 9", "0: SET k v PXAT \(now + 9000)"),
            ("SET k v PX 9", "0: SET k v PXAT \(now + 9)"),
            ("SET k v NX GET EXAT 1700000001", "0: SET k v PXAT \(now + 1000)"),
            ("SETEX k 9 v", "0: SET k v PXAT \(now + 9000)"), ("PSETEX k 9 v", "0: SET k v PXAT \(now + 9)"),
            ("SETNX k v", "0: SET k v"), ("GETSET k v", "0: SET k v"), ("INCRBYFLOAT k 1.5", "0: SET k 1.5"),
            ("HINCRBYFLOAT h f 1.5", "0: HSET h f 1.5"), ("RPUSH l a b", "0: RPUSH l a b"),
            ("FLUSHALL", ""), ("SWAPDB 1 2", "0: SWAPDB 1 2"),
        ])
    func `an effect depends on neither chance nor time`(command: String, effect: String) {
        #expect(effects(of: [command]) == (effect.isEmpty ? [] : [effect]))
    }

    @Test func `while changes cannot be kept, what writes is refused before it is queued, and so is PING`() {
        let engine = EmulatorAtHand()
        let listener = EffectsListener(engine.emulator)
        engine.run("SET k v")
        engine.run("MULTI")
        #expect(engine.run("SET k w") == "+QUEUED\r\n")
        engine.emulator.writeRefusal = "MISCONF it is full"
        #expect(engine.run("EXEC") == "-EXECABORT Transaction discarded because of: MISCONF it is full\r\n")
        engine.run("MULTI")
        #expect(engine.run("GET k") == "+QUEUED\r\n")
        #expect(engine.run("SET k w") == "-MISCONF it is full\r\n")
        #expect(engine.run("EXEC") == "-EXECABORT Transaction discarded because of previous errors.\r\n")
        #expect(engine.run("PING") == "-MISCONF it is full\r\n")
        #expect(engine.run("EVAL return(redis.call('set','k','w')) 0").hasPrefix("-MISCONF it is full"))
        #expect(engine.run("GET k") == "$1\r\nv\r\n")
        engine.emulator.writeRefusal = nil
        #expect(engine.run("PING") == "+PONG\r\n")
        listener.close()
    }

    @Test func `what is drawn is told by name`() {
        #expect(effects(of: ["SPOP s"], after: ["SADD s a"]) == ["0: SREM s a"])
        #expect(effects(of: ["SPOP s 5"], after: ["SADD s a b"]) == ["0: DEL s"])
        #expect(effects(of: ["LMPOP 2 no l RIGHT COUNT 2"], after: ["RPUSH l a b c"]) == ["0: RPOP l 2"])
        #expect(effects(of: ["ZMPOP 2 no z MIN"], after: ["ZADD z 1 a 2 b"]) == ["0: ZPOPMIN z 1"])
    }

    @Test func `streams are told with the ids that were drawn, and what is left after trimming`() {
        let now = Self.now
        #expect(effects(of: ["XADD x * f v"]) == ["0: XADD x \(now)-0 f v"])
        #expect(effects(of: ["XADD x MAXLEN 1 * g w"]) == ["0: XADD x MAXLEN = 1 \(now)-1 g w"])
        #expect(effects(of: ["XADD x MAXLEN ~ 1 \(now)-* g w"]) == ["0: XADD x \(now)-2 g w"])
        #expect(effects(of: ["XTRIM x MINID \(now)-2"]) == ["0: XTRIM x MAXLEN = 1"])
        #expect(effects(of: ["XTRIM x MAXLEN ~ 1", "XDEL x 1-1", "XACK x g 1", "XADD no NOMKSTREAM * f v"]) == [])
    }

    @Test func `what a group delivers is told as claims, and how far it is`() {
        let before = ["XADD x 1-1 f v", "XADD x 2-2 f v", "XGROUP CREATE x g 0"]
        #expect(
            effects(of: ["XREADGROUP GROUP g c STREAMS x >"], after: before) == [
                "0: XCLAIM x g c 0 1-1 2-2 TIME \(Self.now) RETRYCOUNT 1 FORCE JUSTID LASTID 2-2",
                "0: XGROUP SETID x g 2-2 ENTRIESREAD 2",
            ])
        #expect(
            effects(of: ["XCLAIM x g d 0 1-1", "XDEL x 2-2", "XAUTOCLAIM x g d 0 2"]) == [
                "0: XCLAIM x g d 0 1-1 TIME \(Self.now) RETRYCOUNT 2 FORCE JUSTID LASTID 2-2", "0: XDEL x 2-2",
                "0: XACK x g 2-2",
            ])
        #expect(
            effects(of: ["XREADGROUP GROUP g d STREAMS x >", "XGROUP SETID x g $"])
                == ["0: XGROUP SETID x g 2-2 ENTRIESREAD -1"])
        #expect(effects(of: ["XREADGROUP GROUP g c STREAMS x 9"]) == [])
        #expect(effects(of: ["XREADGROUP GROUP g new STREAMS x 9"]) == ["0: XGROUP CREATECONSUMER x g new"])
    }

    @Test func `a count that a HyperLogLog remembers is told`() {
        #expect(effects(of: ["PFCOUNT p"], after: ["PFADD p a"]) == ["0: PFCOUNT p"])
        #expect(effects(of: ["PFCOUNT p", "PFCOUNT p none"]) == [])
    }

    @Test func `what is stored is told by its value, as its loss is`() {
        let before = ["RPUSH l 2 1", "GEOADD g 1 1 a"]
        for command in [
            "SORT l STORE d", "GEORADIUS g 1 1 1 km STORE d", "GEOSEARCHSTORE d g FROMLONLAT 1 1 BYRADIUS 1 m",
        ] {
            let told = effects(of: [command], after: before)
            #expect(told.count == 1 && told[0].hasPrefix("0: RESTORE d 0 "), "\(command)")
        }
        #expect(effects(of: ["SORT none STORE d"]) == ["0: DEL d"])
        #expect(effects(of: ["SORT none STORE d"]) == [])
    }

    @Test func `a time is told as it is on the clock`() {
        let far = Self.now + 1_000_000
        #expect(effects(of: ["EXPIRE k 1000"], after: ["SET k v"]) == ["0: PEXPIREAT k \(far)"])
        #expect(effects(of: ["PERSIST k", "GETEX k PX 1000000"]) == ["0: PERSIST k", "0: PEXPIREAT k \(far)"])
        #expect(effects(of: ["EXPIRE k -1"]) == ["0: DEL k"])
        #expect(effects(of: ["GETDEL k"], after: ["SET k v"]) == ["0: DEL k"])
    }

    @Test func `what is written to a key with an expiry is followed by it`() {
        let end = Self.now + 9000
        let before = ["RPUSH l a", "PEXPIRE l 9000", "SADD s a b", "PEXPIRE s 9000"]
        #expect(effects(of: ["RPUSH l b"], after: before) == ["0: RPUSH l b", "0: PEXPIREAT l \(end)"])
        let popped = effects(of: ["SPOP s"])
        #expect(popped.count == 2 && popped.last == "0: PEXPIREAT s \(end)")
    }

    @Test(arguments: [
        "EXPIRE k 5000", "PERSIST k", "GETEX k PERSIST", "LSET k 0 b", "RENAME k other", "LMOVE k m LEFT LEFT",
    ])
    func `what needs a key that may be over elsewhere is told by value`(command: String) {
        let type = command.hasPrefix("L") ? "RPUSH" : "SET"
        let told = effects(of: [command], after: ["\(type) k a", "PEXPIRE k 9000", "RPUSH m a"])
        #expect(told.contains { $0.hasPrefix("0: RESTORE ") }, "\(told)")
        #expect(!told.contains { $0.hasPrefix("0: \(command)") }, "\(told)")
    }

    @Test func `a key that is found to be over is deleted before the command's own effect`() {
        engine.run("SET k 1 PX 10")
        engine.run("SET other 1 PX 10")
        engine.time += 10
        #expect(effects(of: ["INCR k", "GET other"]) == ["0: DEL k", "0: INCR k", "0: DEL other"])
    }

    @Test func `commands of a transaction are told one by one`() {
        let told = effects(of: ["MULTI", "SET a 1", "GET a", "SELECT 3", "INCR b", "EXEC"])
        #expect(told == ["0: SET a 1", "3: INCR b"])
    }

    @Test func `reads, refusals and what changes nothing are not told`() {
        let before = ["SET k v", "RPUSH l a b", "SADD s a", "ZADD z 1 a", "HSET h f v", "SET e v EX 100"]
        let commands = [
            "GET k", "INCR k", "LPUSH k a", "SET k v NX", "SETNX k v", "DEL none", "EXPIRE none 9", "PERSIST k",
            "LTRIM l 0 -1", "SADD s a", "SREM s b", "ZADD z 1 a", "ZADD z XX 1 b", "HDEL h g", "HSETNX h f w",
            "LREM l 0 c",
            "RENAME none other", "RENAMENX k l", "COPY k l", "MOVE none 1", "MSETNX k 1 n 2", "LPUSHX none a",
            "RESTORE x 0 junk", "SWAPDB 0 99", "FLUSHDB WRONG", "SPOP none", "SMOVE s t none", "GETEX k", "GETEX e",
            "SINTERSTORE none none", "BITOP AND none none", "ZRANGESTORE none none 0 1",
            "ZRANGESTORE none none - + BYLEX", "ZREMRANGEBYLEX z [x [y", "SETRANGE none 0 ",
            "NOSUCHCOMMAND a", "SET", "SELECT 1", "FLUSHDB", "TOUCH k", "OBJECT ENCODING k", "DUMP k", "SCAN 0",
            "SORT l", "PUBLISH c m", "WATCH k", "MULTI", "SET k w", "DISCARD", "XADD s NOMKSTREAM * a b",
        ]
        for command in before { engine.run(command) }
        for command in commands { #expect(effects(of: [command]) == [], "\(command)") }
    }

    @Test func `no command of the table tells anything unless it is a write`() {
        let table = CommandTable.shared.commands.filter { !$0.flags.contains(.write) && $0.subcommands.isEmpty }
        for command in table where command.name.description != "multi" {
            for key in ["k", "l", "s", "z", "h"] {
                let before = ["SET k v", "RPUSH l a b", "SADD s a", "ZADD z 1 a", "HSET h f v"]
                let arguments = Array(repeating: key, count: max(abs(command.arity) - 1, 0)).joined(separator: " ")
                #expect(effects(of: ["\(command.name) \(arguments)"], after: before) == [], "\(command.name)")
            }
        }
    }

    @Test func `a log that outgrows its limit is lost and holds nothing`() {
        let listener = EffectsListener(engine.emulator, limit: 10_000)
        let other = EffectsListener(engine.emulator)
        for number in 0..<1000 { engine.run("SET key\(number) value") }
        #expect(listener.log.loss == .outgrown(limit: 10_000))
        #expect(listener.log.size == 0 && listener.lines() == [])
        #expect(other.lines().count == 1000)
        listener.close()
        other.close()
        #expect(engine.emulator.effects == nil)
    }

    @Test func `effects are taken in parts of about the wanted size, in their order`() {
        let listener = EffectsListener(engine.emulator)
        for number in 0..<2000 {
            engine.run("SELECT \(number / 3 % 2)")
            engine.run("SET key\(number) value")
        }
        var taken: [CommandSegment] = []
        while !listener.log.isEmpty {
            let part = listener.log.take(1000)
            #expect(part.reduce(0) { $0 + $1.bytes.count } < 2000)
            taken += part
        }
        #expect(taken.reduce(0) { $0 + $1.commands } == 2000)
        #expect(listener.log.taken == 2000 && listener.log.position == 2000 && listener.log.size == 0)
        let text = String(decoding: taken.flatMap(\.bytes), as: UTF8.self)
        let order = text.split(separator: "\r\n").filter { $0.hasPrefix("key") }
        #expect(order.map(String.init) == (0..<2000).map { "key\($0)" })
    }
}
