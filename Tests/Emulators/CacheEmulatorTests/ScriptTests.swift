import RESPWire
import Testing

@testable import CacheEmulator

/// What scripts may cost, what they leave behind, and what is told of them.
struct ScriptTests {
    private let engine = EmulatorAtHand()

    private func eval(_ script: String, _ rest: [String] = ["0"]) -> String {
        engine.run((["EVAL", script] + rest).map { Array($0.utf8) })
    }

    @Test func `nothing is made before the first script`() {
        engine.run("SET k v")
        #expect(engine.emulator.scripts.memory == 0)
        #expect(eval("return 1") == ":1\r\n")
        #expect(engine.emulator.scripts.memory > 0)
        engine.run("SCRIPT FLUSH")
        #expect(engine.emulator.scripts.memory == 0)
    }

    @Test func `what a script changes is told command by command`() {
        engine.emulator.freezeTime()
        let listener = EffectsListener(engine.emulator)
        _ = eval(
            "redis.call('set', KEYS[1], 1) redis.call('get', KEYS[1]) redis.call('select', 2) redis.call('incr', 'n') "
                + "redis.call('expire', 'n', 100) redis.set_repl(redis.REPL_NONE) redis.call('sadd', 's', 'a') "
                + "redis.call('spop', 's') return 1", ["1", "k"])
        #expect(
            listener.lines() == [
                "0: set k 1", "2: incr n", "2: PEXPIREAT n 1700000100000", "2: sadd s a", "2: SREM s a",
            ])
        _ = eval("return redis.call('get', 'k')")
        #expect(listener.lines() == [])
        listener.close()
    }

    @Test func `a script that fails has done what it had done`() {
        let listener = EffectsListener(engine.emulator)
        #expect(eval("redis.call('set', 'a', 1) error('x')").hasPrefix("-ERR user_script:1: x script: "))
        #expect(engine.run("GET a") == "$1\r\n1\r\n")
        #expect(listener.lines() == ["0: set a 1"])
        listener.close()
    }

    @Test(arguments: [
        "while true do end", "while true do pcall(function() while true do end end) end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "xpcall(function() while true do end end, function() while true do end end)",
        "coroutine.wrap(function() while true do end end)()",
        "while true do xpcall(function() while true do end end, tostring) end",
    ])
    func `a script that runs for too long is ended, whatever it catches`(script: String) {
        engine.run("CONFIG SET busy-reply-threshold 100")
        let reply = eval(script)
        #expect(reply.contains("it has run for longer than busy-reply-threshold allows"), "\(reply)")
        #expect(eval("return 1") == ":1\r\n")
    }

    @Test(arguments: [
        "return string.rep('x', 1000000000)",
        "local t = {} while true do t[#t + 1] = string.rep('x', 1000000) .. #t end",
        "local s = 'x' while true do s = s .. s end",
        "local t = {'x'} for i = 1, 30 do t = {t, t, t} end return cjson.encode(t)",
        "local t = {string.rep('x', 1000)} for i = 1, 16 do t = {t, t, t} end return t",
        "local t = {string.rep('x', 1000)} for i = 1, 15 do t = {t, t, t} end return cmsgpack.pack(t)",
    ])
    func `a script that wants too much memory fails, and the next one does not`(script: String) {
        let reply = eval(script)
        #expect(reply.contains("not enough memory") || reply.contains("the reply is too large"), "\(reply.prefix(200))")
        #expect(eval("return 1") == ":1\r\n")
        #expect(engine.emulator.scripts.memory < ScriptEngine.memoryLimit / 4)
    }

    @Test func `scripts of ever new texts slow nothing down, and those that are counted on stay`() {
        let work = String(repeating: "x = x + tonumber('1') ", count: 400)
        func times(_ range: Range<Int>) -> Duration {
            ContinuousClock().measure {
                for number in range { #expect(eval("local x = \(number) \(work) return 1") == ":1\r\n") }
            }
        }
        let loaded = String(engine.run("SCRIPT LOAD return(7)").split(separator: "\r\n")[1])
        #expect(eval("return 8") == ":8\r\n")
        let called = Array("return 8".utf8).withBytes { CachedScripts.digest(of: $0) }.reduce("") {
            $0 + String(UnicodeScalar($1))
        }
        #expect(engine.run("EVALSHA \(called) 0") == ":8\r\n")
        let atFirst = times(0..<500)
        _ = times(500..<6500)
        let atLast = times(6500..<7000)
        #expect(atLast < atFirst * 5, "\(atFirst), then \(atLast)")
        let scripts = engine.emulator.scripts
        #expect(scripts.memory < ScriptEngine.memoryLimit / 2, "\(scripts.memory)")
        #expect(scripts.count < 6000, "\(scripts.count)")
        #expect(engine.run("SCRIPT EXISTS \(loaded) \(called)") == "*2\r\n:1\r\n:1\r\n")
        // One that is forgotten is compiled again.
        _ = times(0..<1)
    }

    @Test func `a script that takes more than what is kept of others runs all the same`() {
        #expect(eval("return 8") == ":8\r\n")
        let large = "local x = '" + String(repeating: "x", count: 33 << 20) + "' return #x"
        #expect(eval(large) == ":\(33 << 20)\r\n")
        #expect(eval("return 8") == ":8\r\n")
    }

    @Test func `what a swap carries is what somebody counts on`() {
        let loaded = String(engine.run("SCRIPT LOAD return(7)").split(separator: "\r\n")[1])
        for number in 0..<100 { #expect(eval("return \(number)") == ":\(number)\r\n") }
        #expect(engine.emulator.scriptTexts == [Array("return(7)".utf8)])
        #expect(engine.run("EVALSHA \(loaded) 0") == ":7\r\n")
    }

    @Test func `a script that does not compile forgets none, however many there are`() {
        let loaded = String(engine.run("SCRIPT LOAD return(7)").split(separator: "\r\n")[1])
        let work = String(repeating: "x = x + tonumber('1') ", count: 20_000)
        for number in 0..<120 {
            let text = "local x = \(number) \(work)"
            engine.run(["SCRIPT", "LOAD", text].map { Array($0.utf8) })
        }
        #expect(engine.emulator.scripts.memory > ScriptEngine.memoryLimit / 2)
        #expect(eval("return )").hasPrefix("-ERR Error compiling script"))
        #expect(engine.run("EVALSHA \(loaded) 0") == ":7\r\n")
    }

    @Test func `nothing of a script is left to the next one`() {
        for attempt in [
            "x = 1", "_G.x = 1", "rawset(_G, 'x', 1)", "string.x = 1", "rawset(string, 'x', 1)",
            "table.insert(string, 1)",
            "getmetatable('').__index.x = 1", "getmetatable('').x = 1", "getmetatable(_G).__index = nil",
            "setmetatable(_G, {})", "setmetatable(string, {})", "redis.call = nil", "cjson.null = 1",
            "for _, v in pairs(_G) do if type(v) == 'table' then v.x = 1 end end", "math.random = nil",
            "loadstring('x = 1')()", "coroutine.wrap(function() x = 1 end)()",
        ] {
            #expect(eval(attempt).contains("Attempt to modify a readonly table"), "\(attempt)")
        }
        #expect(eval("return {rawget(_G, 'x') == nil, string.x == nil, ('').x == nil}") == "*3\r\n:1\r\n:1\r\n:1\r\n")
    }

    @Test func `nothing of the host can be reached`() {
        for name in [
            "io", "os", "debug", "package", "require", "module", "dofile", "loadfile", "print", "getfenv", "setfenv",
            "newproxy",
        ] {
            #expect(eval("return \(name)").contains("nonexistent global variable '\(name)'"))
        }
        #expect(eval("return loadstring(string.dump(function() return 1 end))").contains("$-1"))
        #expect(eval("return load(function() return '\\27Lua' end)").contains("$-1"))
    }

    @Test func `scripts that nobody sends again make room for others`() {
        let filler = String(repeating: "x", count: 3_000_000)
        for number in 0..<60 { #expect(eval("local s = '\(filler)' return \(number)") == ":\(number)\r\n") }
        #expect(engine.emulator.scripts.memory < ScriptEngine.memoryLimit)
    }
}
