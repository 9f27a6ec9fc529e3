#if os(Linux)
import CacheEmulator
import EventLoop
import Gateway
import Synchronization
import TestKit
import Testing

/// Clients that are served within a script of another client: by nested turns of the loop, which only epoll has.
struct LongScriptTests {
    private static let forever = "EVAL 'while true do end' 0\r\n"
    private static let busy = "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."

    /// Runs `body` with an endpoint whose scripts are long soon, and a client that is logged in.
    private func run(
        threshold: Int = 20, _ body: (GatewayUnderTest, SocketClient) async throws -> Void
    ) async throws {
        try await GatewayUnderTest.run(.epoll) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("CONFIG SET busy-reply-threshold \(threshold)") == "+OK")
            try await body(test, client)
        }
    }

    /// Returns when a script runs for long.
    private func waitUntilBusy(_ client: SocketClient) throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while try client.ask("PING") != Self.busy {
            guard ContinuousClock.now < deadline else { throw SocketClient.Failure.timedOut }
        }
    }

    /// Returns when the loop does nothing of what is posted.
    private func waitUntilHeldUp(_ loop: any EventLoop) async {
        while true {
            let order = Order()
            loop.post { order.note("ran") }
            let deadline = ContinuousClock.now + .milliseconds(300)
            while order.seen.isEmpty, ContinuousClock.now < deadline { await Task.yield() }
            if order.seen.isEmpty { return }
        }
    }

    /// Returns when one client is left.
    private func waitUntilAlone(_ test: GatewayUnderTest) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while await test.connections() > 1 {
            guard ContinuousClock.now < deadline else { throw SocketClient.Failure.timedOut }
        }
    }

    private func expectKilled(_ client: SocketClient) throws {
        #expect(try client.line().hasPrefix("-ERR Script killed by user with SCRIPT KILL... script: "))
    }

    /// What Lua's own libraries would do without end, and without an instruction of the script in between.
    @Test(arguments: [
        "return string.find(string.rep('a', 40), string.rep('a-', 40) .. 'b') or 0",
        "return (string.gsub(string.rep('a', 40), string.rep('a*', 40) .. 'b', ''))",
        "for a in string.gmatch(string.rep('a', 40), string.rep('a?', 40) .. string.rep('a*', 40) .. 'b') do return a end",
        "local t = {} for i = 1, 1000000 do t[i] = 0 end while true do table.insert(t, 1, 0) table.remove(t, 1) end",
        "local s = string.rep('x', 10000000) while true do local t = s .. 'y' t = string.upper(s) end",
        "return string.find(string.rep('x', 20000000), '^(' .. string.rep('x', 262016) .. ').-%1y') or 0",
        "local s = 'return ' .. string.rep('0 +', 300000) .. '0' while true do loadstring(s) end",
        "local t = {} for i = 1, 500 do t[i] = string.rep('a', 2000) .. i end while true do table.sort(t) end",
        "local t = {} for i = 1, 20000 do t[i] = {i} end while true do cjson.encode(t) end",
        "local t = {} for i = 1, 20000 do t[i] = {i} end while true do pcall(cmsgpack.pack, t) end",
    ])
    func `a library's function that does not return is a script that runs for long`(body: String) async throws {
        try await run { test, caller in
            let other = try test.connect(as: GatewayUnderTest.web)
            try caller.send("EVAL \"\(body)\" 0\r\n")
            try waitUntilBusy(other)
            #expect(try other.ask("SCRIPT KILL") == "+OK")
            try expectKilled(caller)
            #expect(try other.ask("PING") == "+PONG")
        }
    }

    @Test func `what would use up the stack or the memory is refused, and the next script runs`() async throws {
        try await run { _, client in
            for (body, words) in [
                ("return string.match(string.rep('a', 200000), string.rep('a?', 200000))", "pattern too complex"),
                ("return string.match('a', string.rep('()', 40))", "too many captures"),
                ("return {unpack({}, -2147483648, 2147483647)}", "too many results to unpack"),
                ("local t = {1} table.insert(t, -2147483648, 1)", "position out of bounds"),
                ("return #string.rep('ab', 2147483647)", "not enough memory"),
                ("return string.rep('', 2147483647) .. 'at once'", "$7"),
            ] {
                let answer = try client.ask("EVAL \"\(body)\" 0")
                #expect(answer.contains(words))
                if answer.hasPrefix("$") { _ = try client.line() }
                let next = try client.ask("EVAL 'return 7' 0")
                #expect(next == ":7")
            }
        }
    }

    @Test func `what waits behind a script in the same read is answered rightly`() async throws {
        try await run { test, caller in
            let other = try test.connect(as: GatewayUnderTest.web)
            var bytes = "SET before 1\r\nGET before\r\n" + Self.forever
            for number in 0..<60 { bytes += "SET key-\(number) value-\(number)\r\nECHO echo-\(number)\r\n" }
            try caller.send(bytes)
            try waitUntilBusy(other)
            // Requests of every shape, in all places of the buffers.
            for number in 1...200 {
                let word = String(repeating: "z", count: number * 37)
                try other.send("SET \(word)z \(word)\r\nECHO \(word)w\r\n")
                #expect(try other.line() == Self.busy)
                #expect(try other.line() == Self.busy)
            }
            #expect(try other.ask("SCRIPT KILL") == "+OK")
            #expect(try caller.line() == "+OK")
            #expect(try [caller.line(), caller.line()] == ["$1", "1"])
            try expectKilled(caller)
            for number in 0..<60 {
                #expect(try caller.line() == "+OK")
                #expect(try [caller.line(), caller.line()].last == "echo-\(number)")
            }
            for number in 0..<60 {
                #expect(try caller.ask("GET key-\(number)") == "$\("value-\(number)".utf8.count)")
                #expect(try caller.line() == "value-\(number)")
            }
            #expect(try caller.ask("DBSIZE") == ":61")
        }
    }

    @Test func `a request larger than a read is answered rightly behind a script`() async throws {
        try await run { test, caller in
            let other = try test.connect(as: GatewayUnderTest.web)
            let large = String(repeating: "0123456789", count: 60_000)
            // The script's own read is into the connection's buffer: what is before it is large.
            func set(_ key: String) -> String {
                "*3\r\n$3\r\nSET\r\n$\(key.utf8.count)\r\n\(key)\r\n$\(large.utf8.count)\r\n\(large)\r\n"
            }
            // None of its bytes behind the script may be lost: they are held by the kernel, or here.
            let rest = Array((set("large") + Self.forever + set("second") + "STRLEN second\r\n").utf8)
            var unsent = rest.dropFirst(try caller.sendSome(rest[...]))
            while !unsent.isEmpty, try other.ask("PING") != Self.busy {
                unsent = unsent.dropFirst(try caller.sendSome(unsent))
            }
            try waitUntilBusy(other)
            try other.send(set("other"))
            #expect(try other.line() == Self.busy)
            #expect(try other.ask("SCRIPT KILL") == "+OK")
            try caller.send(Array(unsent))
            #expect(try caller.line() == "+OK")
            try expectKilled(caller)
            #expect(try caller.line() == "+OK")
            #expect(try caller.line() == ":600000")
            #expect(try caller.ask("EXISTS other") == ":0")
        }
    }

    @Test func `a request may begin before a script and end within it or behind it`() async throws {
        try await run { test, caller in
            let clients = try (0..<4).map { _ in try test.connect(as: GatewayUnderTest.web) }
            let request = Array("*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n".utf8)
            try clients[0].send(Array(request[..<17]))
            try clients[1].send(Array(request[..<17]))
            #expect(try clients[3].ask("PING") == "+PONG")
            try caller.send(Self.forever)
            try waitUntilBusy(clients[3])
            try clients[2].send(Array(request[..<9]))
            try clients[1].send(Array(request[17...]))
            #expect(try clients[1].line() == Self.busy)
            #expect(try clients[3].ask("SCRIPT KILL") == "+OK")
            try expectKilled(caller)
            try clients[0].send(Array(request[17...]))
            try clients[2].send(Array(request[9...]))
            for client in [clients[0], clients[2]] { #expect(try [client.line(), client.line()] == ["$5", "hello"]) }
        }
    }

    @Test func `thousands of requests are answered within a script`() async throws {
        try await run { test, caller in
            let other = try test.connect(as: GatewayUnderTest.web)
            try caller.send(Self.forever)
            try waitUntilBusy(other)
            // More replies than the high-water mark lets wait.
            let count = 30_000
            var sent = ArraySlice(Array(String(repeating: "GET k\r\n", count: count).utf8))
            let expected = Array((Self.busy + "\r\n").utf8)
            var received = 0
            while received < count {
                sent = sent.dropFirst(try other.sendSome(sent.prefix(64 << 10)))
                // So many have been sent that are not answered yet.
                for _ in 0..<min(count - received, 500) {
                    #expect(try other.receive(exactly: expected.count) == expected)
                    received += 1
                }
            }
            #expect(try other.ask("SCRIPT KILL") == "+OK")
            try expectKilled(caller)
        }
    }

    @Test func `clients come and go within a script`() async throws {
        try await run { test, caller in
            let other = try test.connect(as: GatewayUnderTest.web)
            let leaving = try test.connect(as: GatewayUnderTest.web)
            try leaving.send("SUBSCRIBE c\r\n")
            for _ in 0..<6 { _ = try leaving.line() }
            try caller.send(Self.forever)
            try waitUntilBusy(other)
            leaving.close()
            let new = try test.connect()
            #expect(try new.ask("PING") == "-NOAUTH Authentication required.")
            #expect(try new.ask("AUTH wrong").hasPrefix("-WRONGPASS"))
            #expect(try new.ask("AUTH \(GatewayUnderTest.web.secret)") == "+OK")
            #expect(try new.ask("PING") == Self.busy)
            #expect(try new.ask("QUIT") == "+OK")
            #expect(try new.isEnded())
            new.close()
            // The caller's own end: the script goes on, and nobody gets its reply.
            caller.close()
            #expect(try other.ask("PING") == Self.busy)
            #expect(try other.ask("SCRIPT KILL") == "+OK")
            #expect(try other.ask("PING") == "+PONG")
            #expect(try other.ask("PUBLISH c m") == ":0")
            try await waitUntilAlone(test)
        }
    }

    @Test func `who has gone within its own transaction is forgotten behind it`() async throws {
        try await run { test, caller in
            let other = try test.connect(as: GatewayUnderTest.web)
            try caller.send("MULTI\r\nSET a 1\r\n" + Self.forever + "SUBSCRIBE c\r\nWATCH k\r\nSET b 2\r\nEXEC\r\n")
            try waitUntilBusy(other)
            caller.close()
            #expect(try other.ask("SCRIPT KILL") == "+OK")
            try other.send("MGET a b\r\n")
            #expect(try (0..<5).map { _ in try other.line() } == ["*2", "$1", "1", "$1", "2"])
            try await waitUntilAlone(test)
            #expect(try other.ask("PUBLISH c m") == ":0")
        }
    }

    @Test func `what was posted, timers and those who wait come behind the script`() async throws {
        try await run { test, caller in
            let other = try test.connect(as: GatewayUnderTest.web)
            let waiting = try test.connect(as: GatewayUnderTest.web)
            try waiting.send("BLPOP list 0\r\n")
            var list = ""
            while !list.contains("cmd=blpop") {
                let size = try #require(Int(try other.ask("CLIENT LIST").dropFirst()))
                list = String(decoding: try other.receive(exactly: size + 2), as: UTF8.self)
            }
            try caller.send(
                "EVAL \"redis.call('rpush', 'list', 'a') for i = 1, 80000000 do end "
                    + "return redis.call('llen', 'list')\" 0\r\n")
            try waitUntilBusy(other)
            let order = Order()
            test.loop.post { order.note("posted") }
            test.loop.postUrgently { order.note("urgent") }
            #expect(try other.ask("SCRIPT KILL").hasPrefix("-UNKILLABLE "))
            #expect(try other.ask("PING") == Self.busy)
            #expect(order.seen == ["urgent"])
            // Nobody has taken the element while the script ran.
            #expect(try caller.line() == ":1")
            #expect(try (0..<5).map { _ in try waiting.line() } == ["*2", "$4", "list", "$1", "a"])
            #expect(try other.ask("LLEN list") == ":0")
            try await test.loop.onLoop {}
            #expect(order.seen == ["urgent", "posted"])
        }
    }

    @Test func `a swap's steps wait for the script`() async throws {
        try await run { test, caller in
            let other = try test.connect(as: GatewayUnderTest.web)
            let target = try await test.loop.onLoop { [loop = test.loop] in
                LoopBound(CacheEmulator(loop: loop), on: loop)
            }
            try caller.send("EVAL \"redis.call('get', 'k') while true do end\" 0\r\nSET k v\r\n")
            try waitUntilBusy(other)
            async let prepared = test.gateway.prepare(
                GatewayUnderTest.endpoint, for: .cache(target), within: .seconds(5))
            for _ in 0..<20 { #expect(try other.ask("GET k") == Self.busy) }
            #expect(try other.ask("SCRIPT KILL") == "+OK")
            #expect(await prepared == nil)
            try expectKilled(caller)
            #expect(try caller.line() == "+OK")
            #expect(await test.gateway.pause(GatewayUnderTest.endpoint, within: .seconds(5)) == nil)
            #expect(await test.gateway.restore(GatewayUnderTest.endpoint, within: .seconds(5)) == nil)
            #expect(await test.gateway.adopt(GatewayUnderTest.endpoint) != nil)
            for client in [caller, other] { #expect(try client.ask("EXISTS k") == ":0") }
        }
    }

    @Test(arguments: [20, 60_000]) func `a loop that stops ends the script`(threshold: Int) async throws {
        let began = ContinuousClock.now
        try await run(threshold: threshold) { test, caller in
            try caller.send(Self.forever + Self.forever + Self.forever)
            await waitUntilHeldUp(test.loop)
        }
        #expect(ContinuousClock.now - began < .seconds(20))
    }

    @Test(arguments: [20, 60_000]) func `an endpoint that is closed ends the script`(threshold: Int) async throws {
        try await run(threshold: threshold) { test, caller in
            try caller.send("SET k v\r\n")
            #expect(try caller.line() == "+OK")
            try caller.send("EVAL \"redis.call('set', 'k', 1) while true do end\" 0\r\n" + Self.forever)
            await waitUntilHeldUp(test.loop)
            #expect(await test.gateway.close(GatewayUnderTest.endpoint) >= 1)
            #expect(try caller.line().hasPrefix("-ERR Script ended by the server: it is stopping script: "))
        }
    }

    @Test func `others on the loop are served within a script, and their scripts too`() async throws {
        try await run { test, caller in
            let id = EndpointID("second")
            let address = SocketAddress.tcp(host: "127.0.0.1", port: try FreePort.find())
            try await test.gateway.open(id, at: address)
            await test.gateway.grant(GatewayUnderTest.web, on: id)
            let emulator = try await test.loop.onLoop { [loop = test.loop] in
                LoopBound(CacheEmulator(loop: loop), on: loop)
            }
            await test.gateway.route(id, to: .cache(emulator))
            func connect() throws -> SocketClient {
                let client = try SocketClient(to: address, timeout: .seconds(10))
                #expect(try client.ask("AUTH \(GatewayUnderTest.web.secret)") == "+OK")
                return client
            }
            let first = try test.connect(as: GatewayUnderTest.web)
            try caller.send(Self.forever + "ECHO behind\r\n")
            try waitUntilBusy(first)
            let (second, third) = (try connect(), try connect())
            #expect(try second.ask("CONFIG SET busy-reply-threshold 20") == "+OK")
            #expect(try second.ask("SET k v PX 1") == "+OK")
            #expect(try second.ask("EVAL 'return 7' 0") == ":7")
            var isThere = true
            for _ in 0..<1000 where isThere { isThere = try second.ask("GET k") != "$-1" }
            #expect(!isThere)
            try second.send("EVAL 'while true do end' 0\r\nECHO second\r\n")
            try waitUntilBusy(third)
            #expect(try first.ask("PING") == Self.busy)
            // The outer script ends when the inner one has.
            #expect(try first.ask("SCRIPT KILL") == "+OK")
            #expect(try third.ask("PING") == Self.busy)
            #expect(try third.ask("SCRIPT KILL") == "+OK")
            try expectKilled(second)
            #expect(try [second.line(), second.line()].last == "second")
            try expectKilled(caller)
            #expect(try [caller.line(), caller.line()].last == "behind")
            await test.gateway.close(id)
        }
    }

    @Test func `what others have waiting is flushed, the caller's replies are not`() async throws {
        try await run { test, caller in
            let other = try test.connect(as: GatewayUnderTest.web)
            // CLIENT REPLY takes back what the script writes: nothing of the caller's may leave meanwhile.
            try caller.send("GET none\r\nCLIENT REPLY SKIP\r\n" + Self.forever + "ECHO end\r\n")
            try waitUntilBusy(other)
            #expect(try other.ask("SCRIPT KILL") == "+OK")
            #expect(try (0..<3).map { _ in try caller.line() } == ["$-1", "$3", "end"])
        }
    }

    @Test func `without nested turns a script is ended at the threshold`() async throws {
        try await GatewayUnderTest.run(.nio) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("CONFIG SET busy-reply-threshold 1") == "+OK")
            try client.send(Self.forever)
            #expect(try client.line().contains("it has run for longer than busy-reply-threshold allows"))
            #expect(try client.ask("PING") == "+PONG")
        }
    }

    /// In which order things were done.
    private final class Order: Sendable {
        private let words = Mutex<[String]>([])
        var seen: [String] { words.withLock { $0 } }
        func note(_ word: String) { words.withLock { $0.append(word) } }
    }
}
#endif
