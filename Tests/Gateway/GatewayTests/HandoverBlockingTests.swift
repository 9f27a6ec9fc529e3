import EventLoop
import Foundation
import Gateway
import TestKit
import Testing

/// Clients that wait in a command that blocks while the upstream is exchanged: emulator to server, and back.
extension HandoverTests {
    private func waiting(_ count: Int, _ client: SocketClient) async throws {
        try await eventually("\(count) clients wait") {
            try client.send("CLIENT LIST\r\n")
            let size = Int(try client.line().dropFirst()) ?? 0
            let lines = String(decoding: try client.receive(exactly: size + 2), as: UTF8.self)
            return lines.components(separatedBy: " flags=b ").count == count + 1
        }
    }

    private func lines(_ count: Int, _ client: SocketClient) throws -> [String] {
        try (0..<count).map { _ in try client.line() }
    }

    @Test(arguments: Move.all)
    func `rule 3: whoever waits, waits on in the same order, wherever it is served`(move: Move) async throws {
        try await run(move) { bench in
            func connect() throws -> SocketClient { try bench.test.connect(as: GatewayUnderTest.web) }
            let pusher = try connect()
            let clients = try (0..<6).map { _ in try connect() }
            for (number, client) in clients.enumerated() {
                try client.send(number == 0 ? "BLPOP q 0\r\nPING\r\n" : "BLPOP other q 30\r\n")
                try await waiting(number + 1, pusher)
            }
            let mover = try connect()
            try mover.send("BLMOVE a b LEFT RIGHT 0\r\n")
            try await waiting(7, pusher)
            let modern = try connect()
            _ = try modern.ask("HELLO 3")
            while try modern.line() != "*0" {}
            try modern.send("BZMPOP 0 1 z MAX COUNT 2\r\n")
            try await waiting(8, pusher)
            let silent = try connect()
            try silent.send("CLIENT REPLY OFF\r\nBRPOP later 9223372036854.775\r\nCLIENT REPLY ON\r\n")
            try await waiting(9, pusher)
            let leaving = try connect()
            try leaving.send("BLPOP last 0\r\n")
            try await waiting(10, pusher)

            var side = move.to
            for _ in 0..<3 {
                try await bench.move(to: side)
                side = side == move.to ? move.from : move.to
            }
            try await waiting(10, pusher)
            leaving.close()
            try await waiting(9, pusher)
            for number in 0..<6 { #expect(try pusher.ask("RPUSH q \(number)") == ":1") }
            for (number, client) in clients.enumerated() {
                #expect(try lines(5, client) == ["*2", "$1", "q", "$1", "\(number)"])
            }
            #expect(try clients[0].line() == "+PONG")
            #expect(try pusher.ask("RPUSH a x") == ":1")
            #expect(try lines(2, mover) == ["$1", "x"])
            #expect(try pusher.ask("ZADD z 1 a 2 b 3 c") == ":3")
            #expect(try lines(12, modern).prefix(7) == ["*2", "$1", "z", "*2", "*2", "$1", "c"])
            #expect(try pusher.ask("RPUSH later y") == ":1")
            #expect(try silent.line() == "+OK")
            #expect(try pusher.ask("RPUSH last z") == ":1")
            for (key, count) in [("q", 0), ("a", 0), ("b", 1), ("z", 1), ("later", 0), ("last", 1)] {
                #expect(try pusher.ask("EXISTS \(key)") == ":\(count)", "\(key)")
            }
        }
    }

    @Test(arguments: Move.all)
    func `rule 3: a time goes on while the client is moved, and may be over then`(move: Move) async throws {
        try await run(move) { bench in
            let asker = try bench.test.connect(as: GatewayUnderTest.web)
            let short = try bench.test.connect(as: GatewayUnderTest.web)
            let long = try bench.test.connect(as: GatewayUnderTest.web)
            try short.send("BLPOP never 1.5\r\nPING\r\n")
            try long.send("BLMOVE never none LEFT LEFT 3\r\n")
            let begin = ContinuousClock.now
            try await waiting(2, asker)
            #expect(await bench.pause(for: move.to) == nil)
            #expect(!short.hasInput(within: .milliseconds(1600)))
            _ = try await bench.finish()
            #expect(try lines(2, short) == ["*-1", "+PONG"])
            #expect(try long.line() == "*-1")
            #expect(ContinuousClock.now - begin >= .milliseconds(2900))
            #expect(try asker.ask("RPUSH never x") == ":1")
            #expect(try asker.ask("LLEN never") == ":1")
        }
    }

    @Test(arguments: Move.all)
    func `rule 3: when a move is given up, whoever waits waits on where it was`(move: Move) async throws {
        try await run(move) { bench in
            let pusher = try bench.test.connect(as: GatewayUnderTest.web)
            let clients = try (0..<4).map { _ in try bench.test.connect(as: GatewayUnderTest.web) }
            for (number, client) in clients.enumerated() {
                try client.send("BLPOP q 0\r\n")
                try await waiting(number + 1, pusher)
            }
            for _ in 0..<2 {
                #expect(await bench.pause(for: move.to) == nil)
                await bench.test.gateway.resume(GatewayUnderTest.endpoint)
            }
            try await waiting(4, pusher)
            for number in 0..<4 { #expect(try pusher.ask("RPUSH q \(number)") == ":1") }
            for (number, client) in clients.enumerated() { #expect(try lines(5, client).last == "\(number)") }
            #expect(try pusher.ask("EXISTS q") == ":0")
        }
    }

    @Test(arguments: Move.all)
    func `rule 3: no element is lost or taken twice while clients wait and the upstream changes`(move: Move)
        async throws
    {
        try await run(move) { bench in
            let stop = Flag()
            let total = 400
            let consumers = (0..<4).map { _ in
                onThread { [test = bench.test] in
                    var taken: [Int] = []
                    let client = try test.connect(as: GatewayUnderTest.web)
                    while !stop.isSet {
                        guard try client.ask("BLPOP q 0.2") == "*2" else { continue }
                        taken.append(Int(try (0..<4).map { _ in try client.line() }.last ?? "") ?? -1)
                    }
                    return taken
                }
            }
            let producing = onThread { [test = bench.test] in
                let client = try test.connect(as: GatewayUnderTest.web)
                for number in 0..<total { #expect(try client.ask("RPUSH q \(number)").hasPrefix(":")) }
            }
            var side = move.to
            for _ in 0..<6 {
                try await bench.move(to: side)
                side = side == move.to ? move.from : move.to
            }
            try await producing.value
            // What one of them had not been taken from yet is there still: it is not copied here.
            try await bench.move(to: side)
            let asker = try bench.test.connect(as: GatewayUnderTest.web)
            try await eventually("nothing is left here") { try asker.ask("LLEN q") == ":0" }
            try await bench.move(to: side == move.to ? move.from : move.to)
            try await eventually("nothing is left there") { try asker.ask("LLEN q") == ":0" }
            stop.set()
            var taken: [Int] = []
            for consumer in consumers { taken += try await consumer.value }
            #expect(taken.sorted() == Array(0..<total))
        }
    }
}
