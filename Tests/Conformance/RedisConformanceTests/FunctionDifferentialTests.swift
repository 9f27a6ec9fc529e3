import Testing

/// FUNCTION and FCALL: libraries of functions.
@Suite(.comparedWithRedis)
struct FunctionDifferentialTests {
    private static func load(_ body: String, _ name: String = "p", options: String = "") -> Step {
        Step("FUNCTION LOAD \(options)" + Step.quoted("#!lua name=\(name)\n\(body)"))
    }

    private static let one = "function() return 1 end"

    @Test func `functions are called with keys and arguments`() throws {
        let calls = [
            "f 1 k a", "F 0", "f 0 a b", "f -1", "f 1", "f x", "none x", "none 0", "count 0", "count 0", "bad 0",
            "globals 0", "again 0", "write 1 k", "fail 1 k", "keys 0", "map 0", "argv 2 a b c", "names 0",
        ]
        try compare(
            [
                "FUNCTION FLUSH",
                Self.load(
                    """
                    local n = 0
                    redis.register_function('f', function(keys, args) return {keys, args} end)
                    redis.register_function('count', function() n = n + 1 return n end)
                    redis.register_function('bad', function() local x return x.y end)
                    redis.register_function('globals', function() foo = 1 end)
                    redis.register_function('again', function() redis.register_function('z', function() end) end)
                    redis.register_function('write', function(keys) return redis.call('set', keys[1], 'v') end)
                    redis.register_function('fail', function(keys) return redis.call('lpush', keys[1], 1) end)
                    redis.register_function('keys', function() return KEYS end)
                    redis.register_function('map', function() redis.setresp(3) return {map={a=1.5}} end)
                    redis.register_function('argv', function(keys, args) return #keys + #args end)
                    redis.register_function('names', function()
                        local names = {}
                        for name in pairs(redis) do names[#names + 1] = name end
                        table.sort(names)
                        return names
                    end)
                    redis.register_function{function_name='reads', flags={'no-writes'},
                        callback=function(keys) return redis.call('get', keys[1]) end}
                    redis.register_function{function_name='lies', flags={'no-writes'},
                        callback=function(keys) return redis.call('set', keys[1], 1) end}
                    """),
            ] + calls.map { Step("FCALL \($0)") } + calls.map { Step("FCALL_RO \($0)") } + [
                "FCALL reads 1 k", "FCALL_RO reads 1 k", "FCALL lies 1 k", "FCALL_RO lies 1 k", "FCALL", "FCALL f",
                .eval("return redis.call('fcall', 'f', 0)", "0"), "COMMAND GETKEYS FCALL f 1 k", "MULTI",
                "FCALL count 0", "FCALL none 0", "EXEC", "FUNCTION STATS", "FUNCTION KILL", "FUNCTION FLUSH",
            ])
    }

    @Test func `libraries are loaded, shown and deleted`() throws {
        try compare([
            "FUNCTION FLUSH", "FUNCTION LIST", "FUNCTION STATS",
            Self.load("redis.register_function('f', \(Self.one))"),
            Self.load("redis.register_function('f', \(Self.one))"),
            Self.load("redis.register_function('f', \(Self.one))", "q"), "FUNCTION LIST", "FUNCTION LIST WITHCODE",
            Self.load(
                "redis.register_function{function_name='g', callback=\(Self.one), description='d', "
                    + "flags={'no-writes','allow-oom','allow-stale','no-cluster','allow-cross-slot-keys'}}",
                options: "REPLACE "),
            "FCALL f 0", "FCALL g 0", "FUNCTION LIST", "FUNCTION LIST LIBRARYNAME p", "FUNCTION LIST LIBRARYNAME P*",
            "FUNCTION LIST LIBRARYNAME q", "FUNCTION LIST LIBRARYNAME", "FUNCTION LIST WITHCODE WITHCODE",
            "FUNCTION LIST x", "FUNCTION LIST LIBRARYNAME a LIBRARYNAME b", "FUNCTION STATS", "FUNCTION DUMP",
            "FUNCTION DELETE P", "FUNCTION DELETE p", "FUNCTION DELETE p", "FCALL g 0", "FUNCTION DUMP",
            "FUNCTION FLUSH x", "FUNCTION FLUSH SYNC x", "FUNCTION FLUSH ASYNC", "FUNCTION", "FUNCTION NOPE",
            "FUNCTION HELP", "FUNCTION LOAD", "FUNCTION LOAD x y", "FUNCTION LOAD REPLACE",
            "FUNCTION LOAD REPLACE REPLACE y",
            "FUNCTION KILL", "FUNCTION DELETE", "FUNCTION RESTORE x", "FUNCTION RESTORE x y",
            "FUNCTION RESTORE x FLUSH y", #"FUNCTION RESTORE "\x00\xc0\n\t\x00\xbem\x06\x89Z(\x00\n""#,
            #"RESTORE k 0 "\x00\xc0\n\t\x00\xbem\x06\x89Z(\x00\n""#,
        ])
    }

    @Test func `a first line that is wrong is refused as in Redis`() throws {
        let body = "\nredis.register_function('f', \(Self.one))"
        let lines = [
            "", "x", "#!lua", "#!lua name=", "#!lua name=a-b", "#!x name=a", "#!lua name=a name=b", "#!lua name=a x=y",
            "#!lua foo", "#!lua name=\"q q\"", "#!lua name=\"q", "#!LUA NAME=q",
            "#! lua name=q", "#!  name=q", "#! name=q", "#!", "#!\tlua name=q", "#! lua", "#!'' name=q",
        ]
        try compare(
            ["FUNCTION FLUSH", "FUNCTION LOAD \"\"", "FUNCTION LOAD \"#!lua name=a\""]
                + lines.map { Step("FUNCTION LOAD \(Step.quoted($0 + body))") } + ["FUNCTION FLUSH"])
    }

    @Test func `what a library does wrong is refused as in Redis`() throws {
        let one = Self.one
        let bodies = [
            // What else a library finds while it is loaded is refused in other words than Redis's.
            "x x", "return 1", "local a = redis.LOG_DEBUG", "redis.log(3, 'x')", "local a = ('x'):rep(3)",
            "redis.register_function('f') ", "redis.register_function()", "redis.register_function({})",
            "redis.register_function{function_name='f'}", "redis.register_function{callback=\(one)}",
            "redis.register_function{function_name='f', callback=\(one), x=1}",
            "redis.register_function{function_name='f', callback=\(one), flags={'x'}}",
            "redis.register_function{function_name='f', callback=\(one), flags=1}",
            "redis.register_function{function_name='f', callback=\(one), flags={1}}",
            "redis.register_function{function_name={}, callback=\(one)}",
            "redis.register_function{function_name='f', callback=1}",
            "redis.register_function{function_name='f', callback=\(one), description={}}",
            "redis.register_function{[1]='f'}", "redis.register_function('f', \(one), 1)",
            "redis.register_function('f', \(one)) redis.register_function('f', \(one))",
            "redis.register_function({}, \(one))", "redis.register_function(nil, \(one))",
            "redis.register_function('', \(one))", "redis.register_function('f-1', \(one))",
            "redis.register_function('f', 1)",
        ]
        try compare(
            ["FUNCTION FLUSH"] + bodies.map { Self.load($0) } + ["FUNCTION LIST", "FCALL f 0"]
                + [
                    Self.load("redis.register_function(1, \(one))"), "FCALL 1 0", "FUNCTION FLUSH",
                    Self.load("redis.register_function{function_name=1, callback=\(one), description=1}"),
                    "FUNCTION LIST", "FUNCTION FLUSH",
                ])
    }

    @Test func `a dump restores the libraries of both servers`() throws {
        for version in [2, 3] {
            let dialogue = try Dialogue(version: version)
            let (ours, theirs) = try dialogue.connection("A")
            let code =
                "#!lua name=p\n" + String(repeating: "-- a comment\n", count: 9)
                + "redis.register_function('f', \(Self.one))"
            for client in [ours, theirs] {
                try client.call("FUNCTION", "FLUSH")
                try client.call("FUNCTION", "LOAD", code)
            }
            let dumps = (try ours.call("FUNCTION", "DUMP"), try theirs.call("FUNCTION", "DUMP"))
            guard case (.bulk(let own), .bulk(let other)) = dumps else {
                Issue.record("no dumps: \(dumps)")
                return
            }
            let word = Array("FUNCTION".utf8)
            for (client, dump) in [(ours, other), (theirs, own), (ours, own)] {
                let restore = [word, Array("RESTORE".utf8), dump]
                #expect(try client.call(restore).description.contains("Library p already exists"))
                for policy in ["REPLACE", "FLUSH"] {
                    #expect(try client.call(restore + [Array(policy.utf8)]) == .simple(Array("OK".utf8)))
                }
                try client.call("FUNCTION", "FLUSH")
                #expect(try client.call(restore) == .simple(Array("OK".utf8)))
                #expect(try client.call("FCALL", "f", "0") == .integer(1))
            }
            for client in [ours, theirs] { try client.call("FUNCTION", "FLUSH") }
        }
    }

    @Test func `a library whose body fails is refused with its error`() throws {
        let bodies = [
            "redis.call('x')", "error('boo')", "x=1", "local a=1+{}", "error()", "return 1", "redis.pcall('x')", "x(",
            "redis.register_function('f')", "redis.register_function('a b', \(Self.one))", "local x = y", "print(1)",
            "redis.log('x')", "redis.setresp(3)", "local t={} t.x.y=1", "string.rep()", "redis.error_reply('x')",
            "redis.sha1hex()", "KEYS[1]=1", "local function f() error('deep') end f()", "pcall(error,'x')",
            "redis.register_function('f', \(Self.one)) error('late')", "cjson.decode('x')", "math.random('x')",
            "redis.register_function('f', \(Self.one)) redis.register_function('f', \(Self.one))", "-- nothing",
            "assert(false)", "redis.x=1", "setmetatable(_G,{})", "rawset(_G,'x',1)", "local x = 'a' < 1",
            "local x = #nil", "local x = ('a').b.c", "local x = -{}", "\n\nlocal a = nil .. 'b'", "tostring(1)",
            "local function f() return f() + 1 end f()",
        ]
        try compare(
            ["FUNCTION FLUSH"] + bodies.map { Self.load($0, "q", options: "REPLACE ") } + ["FUNCTION LIST"])
    }
}
