import EventLoop
import Gateway
import TestKit
import Testing

/// Exchanging the upstream under clients that stay connected: the table of connection states of a live swap.
@Suite(.requires(.redisServer)) struct HandoverTests {
    /// From where to where, and over which driver.
    struct Move: CustomTestStringConvertible, Sendable {
        let driver: LoopUnderTest
        let from: Side
        let to: Side

        enum Side: String, Sendable { case emulator, server, otherServer }

        var testDescription: String { "\(driver): \(from.rawValue) to \(to.rawValue)" }

        static let all = LoopUnderTest.allCases.flatMap { driver in
            [(Side.emulator, Side.server), (.server, .emulator), (.server, .otherServer)].map {
                Move(driver: driver, from: $0.0, to: $0.1)
            }
        }
        static let leavingServers = all.filter { $0.from == .server && $0.to == .otherServer }
    }

    struct Bench {
        let test: GatewayUnderTest
        let server: RealServer
        let other: RealServer

        func upstream(_ side: Move.Side) -> Upstream {
            switch side {
            case .emulator: .cache(test.emulator)
            case .server: .redisServer(.init(address: server.address, user: nil, secret: nil, database: nil))
            case .otherServer: .redisServer(.init(address: other.address, user: nil, secret: nil, database: nil))
            }
        }

        func pause(for target: Move.Side, within limit: Duration = .seconds(5)) async -> HandoverFailure? {
            if let failure = await test.gateway.prepare(
                GatewayUnderTest.endpoint, for: upstream(target), within: .seconds(5))
            {
                return failure
            }
            return await test.gateway.pause(GatewayUnderTest.endpoint, within: limit)
        }

        func finish() async throws -> Adoption {
            #expect(await test.gateway.restore(GatewayUnderTest.endpoint, within: .seconds(5)) == nil)
            return try #require(await test.gateway.adopt(GatewayUnderTest.endpoint))
        }

        @discardableResult
        func move(to target: Move.Side) async throws -> Adoption {
            #expect(await pause(for: target) == nil)
            return try await finish()
        }

        /// A client of the server itself.
        func direct(_ side: Move.Side) throws -> SocketClient {
            try SocketClient(to: side == .server ? server.address : other.address, timeout: .seconds(5))
        }
    }

    func run(_ move: Move, _ body: (Bench) async throws -> Void) async throws {
        try await RealServer.run(.redisServer) { server in
            try await RealServer.run(.redisServer) { other in
                try await GatewayUnderTest.run(move.driver, routed: false) { test in
                    let bench = Bench(test: test, server: server, other: other)
                    await test.gateway.route(GatewayUnderTest.endpoint, to: bench.upstream(move.from))
                    try await body(bench)
                }
            }
        }
    }

    @Test(arguments: Move.all)
    func `an idle client keeps its id, name, database and version`(move: Move) async throws {
        try await run(move) { bench in
            let client = try bench.test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("CLIENT SETNAME me") == "+OK")
            #expect(try client.ask("SELECT 3") == "+OK")
            let id = try client.ask("CLIENT ID")
            let modern = try bench.test.connect(as: GatewayUnderTest.web)
            #expect(try modern.ask("HELLO 3") == "%7")
            while try modern.line() != "*0" {}
            let adopted = try await bench.move(to: move.to)
            #expect(adopted.moved == 2 && adopted.held == 0)

            #expect(try client.ask("CLIENT ID") == id)
            #expect(try client.ask("CLIENT GETNAME") == "$2")
            #expect(try client.line() == "me")
            #expect(try client.ask("SET k v") == "+OK")
            let other = try bench.test.connect(as: GatewayUnderTest.web)
            #expect(try other.ask("EXISTS k") == ":0")
            #expect(try other.ask("SELECT 3") == "+OK")
            #expect(try other.ask("EXISTS k") == ":1")
            #expect(try modern.ask("HSET h f v") == ":1")
            #expect(try modern.ask("HGETALL h") == "%1")
        }
    }

    @Test(arguments: Move.all)
    func `no request is lost, doubled or reordered while clients hammer`(move: Move) async throws {
        try await run(move) { bench in
            let stop = Flag()
            let running = Counter()
            let hammers = (0..<8).map { number in
                onThread { [test = bench.test] in
                    try Self.hammer(
                        try test.connect(as: GatewayUnderTest.web), "key\(number)", running, until: stop)
                }
            }
            try await eventually("all of them run") { running.count == 8 }
            var side = move.to
            for _ in 0..<6 {
                try await bench.move(to: side)
                side = side == move.to ? move.from : move.to
            }
            stop.set()
            for hammer in hammers { #expect(try await hammer.value > 0) }
        }
    }

    /// Sends pipelines of INCR. Each of two servers counts for itself: a reply that is not one more than what one of them
    /// said last is a lost or a doubled request.
    private static func hammer(
        _ client: SocketClient, _ key: String, _ running: Counter, until stop: Flag
    ) throws -> Int {
        var total = 0
        defer { if total == 0 { running.add() } }
        var counters = [0, 0]
        while !stop.isSet {
            try client.send(String(repeating: "INCR \(key)\r\n", count: 5))
            for _ in 0..<5 {
                let value = Int(try client.line().dropFirst()) ?? -1
                let server = try #require(counters.firstIndex(of: value - 1), "\(value) behind \(counters)")
                counters[server] = value
                if total == 0 { running.add() }
                total += 1
            }
        }
        return total
    }

    @Test(arguments: Move.all)
    func `an open transaction is queued again and keeps its errors`(move: Move) async throws {
        try await run(move) { bench in
            let client = try bench.test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("MULTI") == "+OK")
            #expect(try client.ask("SET a 1") == "+QUEUED")
            #expect(try client.ask("INCR a") == "+QUEUED")
            let broken = try bench.test.connect(as: GatewayUnderTest.web)
            #expect(try broken.ask("MULTI") == "+OK")
            #expect(try broken.ask("SET b 1") == "+QUEUED")
            #expect(try broken.ask("GET").hasPrefix("-ERR wrong number"))
            try await bench.move(to: move.to)
            #expect(try client.ask("INCR a") == "+QUEUED")
            try client.send("EXEC\r\n")
            #expect(try (0..<4).map { _ in try client.line() } == ["*3", "+OK", ":2", ":3"])
            #expect(try broken.ask("EXEC").hasPrefix("-EXECABORT"))
            #expect(try broken.ask("EXISTS b") == ":0")
            #expect(try client.ask("EXEC") == "-ERR EXEC without MULTI")
        }
    }

    @Test(arguments: Move.all)
    func `what was watched answers nil until it is forgotten`(move: Move) async throws {
        try await run(move) { bench in
            let clients = try (0..<4).map { _ in try bench.test.connect(as: GatewayUnderTest.web) }
            for client in clients { #expect(try client.ask("WATCH k") == "+OK") }
            #expect(try clients[1].ask("MULTI") == "+OK")
            #expect(try clients[1].ask("SET k 1") == "+QUEUED")
            #expect(try clients[3].ask("UNWATCH") == "+OK")
            try await bench.move(to: move.to)
            #expect(try clients[0].ask("MULTI") == "+OK")
            #expect(try clients[0].ask("SET k 1") == "+QUEUED")
            #expect(try clients[0].ask("EXEC") == "*-1")
            #expect(try clients[1].ask("EXEC") == "*-1")
            #expect(try clients[2].ask("UNWATCH") == "+OK")
            #expect(try clients[2].ask("EXISTS k") == ":0")
            for client in clients {
                #expect(try client.ask("MULTI") == "+OK")
                #expect(try client.ask("PING") == "+QUEUED")
                #expect(try client.ask("EXEC") == "*1")
                #expect(try client.line() == "+PONG")
            }
        }
    }

    @Test(arguments: Move.all)
    func `rule 5: subscribers get every message once, in order`(move: Move) async throws {
        try await run(move) { bench in
            let old = try bench.test.connect(as: GatewayUnderTest.web)
            try old.send("SUBSCRIBE c\r\nPSUBSCRIBE d*\r\n")
            for _ in 0..<12 { _ = try old.line() }
            let modern = try bench.test.connect(as: GatewayUnderTest.web)
            #expect(try modern.ask("HELLO 3") == "%7")
            while try modern.line() != "*0" {}
            try modern.send("SUBSCRIBE c\r\n")
            for _ in 0..<6 { _ = try modern.line() }

            let stop = Flag()
            let publishing = onThread { [test = bench.test] in
                let publisher = try test.connect(as: GatewayUnderTest.web)
                var count = 0
                while !stop.isSet {
                    let receivers = try publisher.ask("PUBLISH c \(count)")
                    #expect(receivers == ":2")
                    count += 1
                }
                return count
            }
            var side = move.to
            for _ in 0..<4 {
                try await bench.move(to: side)
                side = side == move.to ? move.from : move.to
            }
            stop.set()
            let count = try await publishing.value
            #expect(try bench.test.connect(as: GatewayUnderTest.web).ask("PUBLISH d1 end") == ":1")
            for number in 0..<count {
                let lines = try (0..<7).map { _ in try old.line() }
                #expect(lines == ["*3", "$7", "message", "$1", "c", "$\("\(number)".count)", "\(number)"])
                #expect(try (0..<7).map { _ in try modern.line() }.last == "\(number)")
            }
            #expect(try (0..<9).map { _ in try old.line() }.last == "end")
            #expect(try modern.ask("GET nothing") == "_")
        }
    }

    @Test(arguments: Move.leavingServers)
    func `rule 3: a client that blocks waits on at the target, with the time that is left`(move: Move) async throws {
        try await run(move) { bench in
            let first = try bench.test.connect(as: GatewayUnderTest.web)
            let second = try bench.test.connect(as: GatewayUnderTest.web)
            let short = try bench.test.connect(as: GatewayUnderTest.web)
            let reader = try bench.test.connect(as: GatewayUnderTest.web)
            let direct = try bench.direct(.server)
            #expect(try direct.ask("XADD s 1-1 f v") == "$3")
            _ = try direct.line()
            try first.send("BLPOP q 0\r\nPING\r\n")
            try await blocked(1, at: direct)
            try second.send("BLPOP q 30\r\n")
            try await blocked(2, at: direct)
            try short.send("BLPOP never 0.6\r\n")
            // A time beyond every clock, and a client that wants no reply.
            let patient = try bench.test.connect(as: GatewayUnderTest.web)
            try patient.send("CLIENT REPLY OFF\r\nBLPOP later 9223372036854775.807\r\nCLIENT REPLY ON\r\n")
            try reader.send("XREAD BLOCK 0 STREAMS s $\r\n")
            try await blocked(5, at: direct)
            #expect(await bench.pause(for: move.to) == nil)
            try await blocked(0, at: direct)
            // Written by somebody else while nobody listens: what came behind the `$` is not missed.
            let target = try bench.direct(move.to)
            #expect(try target.ask("XADD s 1-2 f v") == "$3")
            _ = try target.line()
            _ = try await bench.finish()
            #expect(try reader.line() == "*1")
            #expect(try short.line() == "*-1")

            let pusher = try bench.test.connect(as: GatewayUnderTest.web)
            try await blocked(3, at: target)
            #expect(try pusher.ask("RPUSH later x") == ":1")
            #expect(try patient.line() == "+OK")
            #expect(try pusher.ask("RPUSH q one") == ":1")
            #expect(try (0..<6).map { _ in try first.line() } == ["*2", "$1", "q", "$3", "one", "+PONG"])
            #expect(try pusher.ask("RPUSH q two") == ":1")
            #expect(try (0..<5).map { _ in try second.line() }.last == "two")
            #expect(try direct.ask("EXISTS q") == ":0")
        }
    }

    private func blocked(_ count: Int, at client: SocketClient) async throws {
        try await eventually("\(count) clients are blocked") {
            try client.send("INFO clients\r\n")
            let size = Int(try client.line().dropFirst()) ?? 0
            return String(decoding: try client.receive(exactly: size + 2), as: UTF8.self)
                .contains("blocked_clients:\(count)")
        }
    }

    @Test(arguments: Move.all)
    func `clients that come during the pause are held and served by the target`(move: Move) async throws {
        try await run(move) { bench in
            let known = try bench.test.connect(as: GatewayUnderTest.web)
            #expect(try known.ask("SET where former") == "+OK")
            #expect(await bench.pause(for: move.to) == nil)
            try known.send("GET where\r\n")
            let new = try bench.test.connect()
            try new.send("AUTH \(GatewayUnderTest.web.secret)\r\nGET where\r\n")
            #expect(!new.hasInput(within: .milliseconds(50)))
            #expect(!known.hasInput(within: .zero))
            let adopted = try await bench.finish()
            #expect(adopted.moved == 1 && adopted.held == 1)
            // The client that has asked something has waited, at least as long as was looked whether it is answered.
            #expect(adopted.waits.count == 1 && adopted.waits[0] >= .milliseconds(50))
            #expect(try new.line() == "+OK")
            #expect(try new.line() == "$-1")
            #expect(try known.line() == "$-1")
        }
    }

    @Test(arguments: Move.leavingServers)
    func `a pause that cannot be had in time names the clients and changes nothing`(move: Move) async throws {
        try await run(move) { bench in
            let waiting = try bench.test.connect(as: GatewayUnderTest.web)
            let other = try bench.test.connect(as: GatewayUnderTest.web)
            let direct = try bench.direct(.server)
            let blocking = try bench.test.connect(as: GatewayUnderTest.web)
            try blocking.send("BLPOP q 0\r\n")
            try waiting.send("WAIT 5 0\r\n")
            try await blocked(2, at: direct)
            let failure = await bench.pause(for: move.to, within: .milliseconds(100))
            guard case .tooLate(let pinned) = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            #expect(pinned.map(\.why) == ["waits in WAIT, which cannot be asked again elsewhere"])
            await bench.test.gateway.resume(GatewayUnderTest.endpoint)
            try await blocked(2, at: direct)
            #expect(try other.ask("RPUSH q one") == ":1")
            #expect(try (0..<5).map { _ in try blocking.line() }.last == "one")
            #expect(try direct.ask("CLIENT UNBLOCK 0") == ":0")
        }
    }

    @Test(arguments: Move.all)
    func `a target that is gone fails the move and nobody notices`(move: Move) async throws {
        try await run(move) { bench in
            let client = try bench.test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("SET k v") == "+OK")
            let gone = Upstream.redisServer(
                .init(
                    address: .unix(path: bench.server.directory.file("none.sock")), user: nil, secret: nil,
                    database: nil))
            let failure = await bench.test.gateway.prepare(GatewayUnderTest.endpoint, for: gone, within: .seconds(5))
            guard case .target(let why) = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            #expect(why.contains("cannot be reached"))
            await bench.test.gateway.resume(GatewayUnderTest.endpoint)
            #expect(try client.ask("GET k") == "$1")
            #expect(try client.line() == "v")
            try await bench.move(to: move.to)
            #expect(try client.ask("GET k") == "$-1")
        }
    }

    @Test(arguments: Move.all)
    func `rule 4: a client that silenced its replies stays silent`(move: Move) async throws {
        try await run(move) { bench in
            let client = try bench.test.connect(as: GatewayUnderTest.web)
            try client.send("CLIENT REPLY OFF\r\nSET a 1\r\nSELECT 2\r\nSET a 2\r\nGET a\r\nCLIENT ID\r\nNOSUCH\r\n")
            try client.send("CLIENT REPLY ON\r\nGET a\r\nCLIENT REPLY SKIP\r\nGET a\r\nPING\r\nCLIENT REPLY OFF\r\n")
            #expect(try (0..<4).map { _ in try client.line() } == ["+OK", "$1", "2", "+PONG"])
            try await bench.move(to: move.to)
            try client.send("SET a 3\r\nCLIENT REPLY ON\r\nGET a\r\n")
            #expect(try (0..<3).map { _ in try client.line() } == ["+OK", "$1", "3"])
            let other = try bench.test.connect(as: GatewayUnderTest.web)
            #expect(try other.ask("EXISTS a") == ":0")
        }
    }
}
