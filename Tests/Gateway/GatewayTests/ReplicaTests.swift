import CacheEmulator
import EventLoop
import Foundation
import Gateway
import TestKit
import Testing

/// Clients that copy everything an attachment may see: real servers, and tools that speak as they do.
@Suite(.requires(.redisServer)) struct ReplicaTests {
    private func replica(
        of test: GatewayUnderTest, arguments: [String] = [], _ body: (RealServer) async throws -> Void
    ) async throws {
        guard case .tcp(let host, let port) = test.address else { return }
        let link = [
            "--replicaof", host, "\(port)", "--masteruser", GatewayUnderTest.web.user, "--masterauth",
            GatewayUnderTest.web.secret,
        ]
        try await RealServer.run(.redisServer, arguments: link + arguments, body)
    }

    private func bulk(_ client: SocketClient, _ command: String) throws -> String {
        let length = Int(try client.ask(command).dropFirst()) ?? 0
        return String(decoding: try client.receive(exactly: length + 2).dropLast(2), as: UTF8.self)
    }

    /// More than an inline command may have, and little that could be compressed.
    private static let noise: String = {
        var random = SeededRandom(seed: 1)
        return String((0..<100_000).map { _ in Character(UnicodeScalar(UInt8(33 + random.below(94)))) })
    }()

    private func set(_ key: String, _ value: String, _ client: SocketClient) throws -> String {
        try client.send("*3\r\n$3\r\nSET\r\n$\(key.utf8.count)\r\n\(key)\r\n$\(value.utf8.count)\r\n\(value)\r\n")
        return try client.line()
    }

    private func lines(_ count: Int, of client: SocketClient) throws -> [String] {
        try (0..<count).map { _ in try client.line() }
    }

    private func fields(_ client: SocketClient, _ section: String) throws -> [String: String] {
        Dictionary(
            try bulk(client, "INFO \(section)").split(separator: "\r\n").compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                return parts.count == 2 ? (parts[0], parts[1]) : nil
            }, uniquingKeysWith: { $1 })
    }

    /// The replica is there and has been heard of since it has everything.
    private func joined(_ client: SocketClient, _ count: Int = 1) async throws {
        try await eventually("replicas are online") {
            let info = try fields(client, "replication")
            return info["connected_slaves"] == "\(count)"
                && (0..<count).allSatisfy { info["slave\($0)"]?.contains("state=online") == true }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a replica that logs in has what was written, and clients see it`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("SET before 1") == "+OK")
            try await replica(of: test) { server in
                try await joined(client)
                #expect(try client.ask("SET behind 2") == "+OK")
                #expect(try client.ask("WAIT 1 5000") == ":1")
                let there = try SocketClient(to: server.address)
                #expect(try bulk(there, "GET before") == "1")
                #expect(try bulk(there, "GET behind") == "2")
                // Who has written nothing waits for nothing.
                let idle = try test.connect(as: GatewayUnderTest.worker)
                #expect(try idle.ask("WAIT 1 0") == ":1")
                #expect(try client.ask("WAIT 2 30") == ":1")
                #expect(try client.ask("WAIT 0 0") == ":1")

                let offset = try #require(try fields(client, "replication")["master_repl_offset"])
                #expect(try client.ask("ROLE") == "*3")
                #expect(try lines(2, of: client) == ["$6", "master"])
                let now = Int(try client.line().dropFirst()) ?? 0
                #expect(now >= Int(offset) ?? .max)
                #expect(try lines(3, of: client) == ["*1", "*3", "$9"])
                #expect(try client.line() == "127.0.0.1")
                _ = try client.line()
                #expect(try client.line() == "\(server.port ?? 0)")
                #expect(try client.line().hasPrefix("$"))
                _ = try client.line()
                let line = try #require(try fields(client, "replication")["slave0"])
                #expect(line.hasPrefix("ip=127.0.0.1,port=\(server.port ?? 0),state=online,offset="))

                #expect(try bulk(client, "CLIENT LIST TYPE replica").contains(" flags=S "))
                #expect(try bulk(client, "CLIENT LIST TYPE normal").contains(" flags=S ") == false)
                #expect(try client.ask("CLIENT KILL TYPE slave") == ":1")
                try await eventually("it comes back") {
                    try fields(client, "stats")["sync_partial_ok"] == "1"
                }
                try await joined(client)
                #expect(try client.ask("SET more 3") == "+OK")
                #expect(try client.ask("WAIT 1 5000") == ":1")
                #expect(try bulk(there, "GET more") == "3")
            }
            try await eventually("it is gone") { try fields(client, "replication")["connected_slaves"] == "0" }
        }
    }

    @Test func `a client that waits for replicas is answered when one has joined, or is unblocked`() async throws {
        try await GatewayUnderTest.run(LoopUnderTest.allCases[0]) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            let other = try test.connect(as: GatewayUnderTest.web)
            let id = try client.ask("CLIENT ID").dropFirst()
            try client.send("SET k v\r\nWAIT 1 0\r\n")
            #expect(try client.line() == "+OK")
            try await eventually("it waits") { try fields(other, "clients")["blocked_clients"] == "1" }
            #expect(try other.ask("CLIENT UNBLOCK \(id) ERROR") == ":1")
            #expect(try client.line() == "-UNBLOCKED client unblocked via CLIENT UNBLOCK")
            try client.send("WAIT 1 0\r\n")
            try await eventually("it waits") { try fields(other, "clients")["blocked_clients"] == "1" }
            #expect(try other.ask("CLIENT UNBLOCK \(id)") == ":1")
            #expect(try client.line() == ":0")
            #expect(try client.ask("WAIT 1 20") == ":0")
            // Inside a transaction nobody waits.
            try client.send("MULTI\r\nWAIT 5 0\r\nEXEC\r\n")
            #expect(try lines(3, of: client) == ["+OK", "+QUEUED", "*1"])
            #expect(try client.line() == ":0")

            try client.send("WAIT 1 0\r\nPING\r\n")
            try await replica(of: test) { _ in
                let answers = try lines(2, of: client)
                #expect(answers == [":1", "+PONG"])
            }
        }
    }

    @Test func `redis-cli makes a file that a server loads`() async throws {
        try await GatewayUnderTest.run(LoopUnderTest.allCases[0]) { test in
            guard case .tcp(let host, let port) = test.address else { return }
            let client = try test.connect(as: GatewayUnderTest.web)
            for number in 0..<3000 { try client.send("SET key\(number) \(number)\r\nRPUSH list \(number)\r\n") }
            for _ in 0..<6000 { _ = try client.line() }
            #expect(try client.ask("SELECT 4") == "+OK")
            #expect(try client.ask("HSET h f v") == ":1")
            let folder = try TemporaryDirectory()
            let login = ["-h", host, "-p", "\(port)", "--user", "web", "--pass", GatewayUnderTest.web.secret]
            #expect(try await Self.runTool(login + ["--rdb", folder.file("dump.rdb")]) == 0)
            let arguments = ["--dir", folder.path, "--dbfilename", "dump.rdb"]
            try await RealServer.run(.redisServer, arguments: arguments) { server in
                let loaded = try SocketClient(to: server.address)
                #expect(try loaded.ask("DBSIZE") == ":3001")
                #expect(try loaded.ask("LLEN list") == ":3000")
                #expect(try loaded.ask("SELECT 4") == "+OK")
                #expect(try loaded.ask("HLEN h") == ":1")
            }
            let functions = folder.file("functions.rdb")
            #expect(try await Self.runTool(login + ["--functions-rdb", functions]) == 0)
            #expect(try Data(contentsOf: URL(fileURLWithPath: functions)).count < 400)
            try await eventually("they are gone") { try fields(client, "replication")["connected_slaves"] == "0" }

            // What it prints are the changes.
            let output = folder.file("output")
            _ = FileManager.default.createFile(atPath: output, contents: nil)
            let tool = try Self.tool(login + ["--replica"], output: output)
            defer { tool.terminate() }
            try await joined(client)
            #expect(try client.ask("SET seen 1") == "+OK")
            try await eventually("it prints") {
                try String(contentsOfFile: output, encoding: .utf8).contains("\"SET\",\"seen\",\"1\"")
            }
        }
    }

    private static func tool(_ arguments: [String], output: String? = nil) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["redis-cli"] + arguments
        process.standardOutput = output.flatMap { FileHandle(forWritingAtPath: $0) } ?? FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }

    private static func runTool(_ arguments: [String]) async throws -> Int32 {
        let process = try tool(arguments)
        try await eventually("redis-cli ends") { !process.isRunning }
        return process.terminationStatus
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a replica that reads too slowly is closed, and what waited is freed`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("CONFIG SET client-output-buffer-limit \"replica 3mb 0 0\"") == "+OK")
            #expect(try client.ask("CONFIG SET repl-backlog-size 16kb") == "+OK")
            let slow = try SocketClient(to: test.address, receiveBuffer: 4096, timeout: .seconds(5))
            try slow.send("AUTH \(GatewayUnderTest.web.secret)\r\n")
            #expect(try slow.line() == "+OK")
            try slow.send("PSYNC ? -1\r\n")
            #expect(try slow.line().hasPrefix("+FULLRESYNC"))
            try await joined(client)
            let value = Self.noise
            var written = 0
            while try fields(client, "replication")["connected_slaves"] == "1", written < 400 {
                #expect(try set("k\(written % 3)", value, client) == "+OK")
                written += 1
            }
            #expect(written > 25 && written < 400)
            let kept = try fields(client, "replication")["repl_backlog_histlen"]
            #expect(Int(kept ?? "") ?? .max < 300_000)
            #expect(throws: (any Error).self) { while true { _ = try slow.receive(exactly: 1 << 20) } }
        }
    }

    @Test func `a replica is pinged, and closed when too much waits for too long or it says nothing`() async throws {
        try await GatewayUnderTest.run(LoopUnderTest.allCases[0]) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            for change in [
                "repl-backlog-size 16kb", "repl-ping-replica-period 1", "client-output-buffer-limit \"slave 0 1mb 1\"",
            ] {
                #expect(try client.ask("CONFIG SET \(change)") == "+OK")
            }
            let first = try test.connect(as: GatewayUnderTest.web)
            try first.send("PSYNC ? -1\r\n")
            _ = try first.receive(until: "*1\r\n$4\r\nPING\r\n")
            #expect(try fields(client, "replication")["master_repl_offset"] == "14")
            let slow = try SocketClient(to: test.address, receiveBuffer: 4096, timeout: .seconds(5))
            try slow.send("AUTH \(GatewayUnderTest.web.secret)\r\nPING\r\n")
            _ = try slow.receive(until: "PONG\r\n")
            try slow.send("PSYNC ? -1\r\n")
            #expect(try slow.line().hasPrefix("+FULLRESYNC"))
            try await joined(client, 2)
            for number in 0..<60 { #expect(try set("k\(number % 3)", Self.noise, client) == "+OK") }
            _ = try first.receive(exactly: 5_000_000)
            try await eventually("the slow one is closed") {
                try fields(client, "replication")["connected_slaves"] == "1"
            }
            #expect(try client.ask("CONFIG SET repl-timeout 1") == "+OK")
            // An empty line is enough to be there.
            let offset = { Int(try fields(client, "replication")["master_repl_offset"] ?? "") ?? 0 }
            let goal = try offset() + 3 * 14
            try await eventually("three seconds have passed") {
                try first.send("\r\n")
                return try offset() >= goal
            }
            #expect(try fields(client, "replication")["connected_slaves"] == "1")
            try await eventually("the other one, too") {
                try fields(client, "replication")["connected_slaves"] == "0"
            }
        }
    }

    @Test func `a replica that takes nothing of its snapshot holds nobody up`() async throws {
        try await GatewayUnderTest.run(LoopUnderTest.allCases[0]) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            let value = Self.noise
            for number in 0..<80 { #expect(try set("k\(number)", "\(number)\(value)", client) == "+OK") }
            let slow = try SocketClient(to: test.address, receiveBuffer: 4096, timeout: .seconds(20))
            try slow.send("AUTH \(GatewayUnderTest.web.secret)\r\n")
            #expect(try slow.line() == "+OK")
            try slow.send("REPLCONF capa eof\r\n")
            #expect(try slow.line() == "+OK")
            try slow.send("PSYNC ? -1\r\n")
            #expect(try slow.line().hasPrefix("+FULLRESYNC"))
            let mark = Array(try slow.line().utf8.dropFirst(5))
            for number in 0..<80 { #expect(try client.ask("SET k\(number) changed") == "+OK") }
            #expect(try fields(client, "replication")["slave0"]?.contains("state=send_bulk") == true)
            // It gets what there was, and then what has changed.
            let file = try slow.receive(until: String(decoding: mark, as: UTF8.self))
            #expect(file.count > 80 * 60_000)
            try slow.send("REPLCONF ACK 0\r\n")
            #expect(try slow.receive(until: "changed\r\n").isEmpty == false)
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a swap closes replicas and waits for none of them`(driver: LoopUnderTest) async throws {
        try await RealServer.run(.redisServer) { target in
            try await GatewayUnderTest.run(driver) { test in
                let client = try test.connect(as: GatewayUnderTest.web)
                let other = try test.connect(as: GatewayUnderTest.web)
                try other.send("PSYNC ? -1\r\n")
                #expect(try other.line().hasPrefix("+FULLRESYNC"))
                try await joined(client)
                let upstream = Upstream.redisServer(
                    .init(address: target.address, user: nil, secret: nil, database: nil))
                let (gateway, id) = (test.gateway, GatewayUnderTest.endpoint)
                // Given up first: the replica goes on.
                #expect(await gateway.prepare(id, for: upstream, within: .seconds(5)) == nil)
                #expect(await gateway.pause(id, within: .seconds(5)) == nil)
                await gateway.resume(id)
                #expect(try client.ask("SET still 1") == "+OK")
                _ = try other.receive(until: "still\r\n$1\r\n1\r\n")

                #expect(await gateway.prepare(id, for: upstream, within: .seconds(5)) == nil)
                #expect(await gateway.pause(id, within: .seconds(5)) == nil)
                #expect(await gateway.restore(id, within: .seconds(5)) == nil)
                #expect(await gateway.adopt(id)?.moved == 1)
                #expect(throws: (any Error).self) { while true { _ = try other.receive(exactly: 1 << 20) } }
                #expect(try client.ask("SET k v") == "+OK")
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `nonsense at any step gets an error or the end, and everybody else is served`(driver: LoopUnderTest)
        async throws
    {
        try await GatewayUnderTest.run(driver) { test in
            let steps = [
                "", "REPLCONF listening-port 1\r\n", "REPLCONF capa eof\r\n", "PSYNC ? -1\r\n", "REPLCONF ACK 0\r\n",
            ]
            let nonsense = [
                "PING\r\n", "REPLCONF ACK x\r\n", "REPLCONF ACK -9223372036854775808\r\n", "REPLCONF GETACK *\r\n",
                "REPLCONF bogus 1\r\n", "PSYNC ? -9223372036854775808\r\n", "PSYNC x 9223372036854775807\r\n",
                "SYNC\r\n",
                "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$-7\r\n", "\r\n\r\n", "\u{0}\u{1}\r\n", "QUIT\r\n",
                "MULTI\r\nEXEC\r\n",
                "SUBSCRIBE a\r\n", "BLPOP a 0\r\n", "RESET\r\n", "CLIENT REPLY OFF\r\n", "SET a b\r\n", "WAIT 1 0\r\n",
                "*1000000000\r\n", "SHUTDOWN\r\n", "REPLCONF ACK 9223372036854775807 ACK 5\r\n",
            ]
            let witness = try test.connect(as: GatewayUnderTest.web)
            for count in 1...steps.count {
                for words in nonsense {
                    let client = try test.connect(as: GatewayUnderTest.web)
                    try client.send(steps.prefix(count).joined())
                    try? client.send(words)
                    #expect(try witness.ask("INCR n").hasPrefix(":"))
                    client.close()
                }
            }
            try await eventually("all are gone") {
                try fields(witness, "replication")["connected_slaves"] == "0"
            }
            // Who has not logged in is told so.
            let stranger = try test.connect()
            for command in ["PSYNC ? -1", "SYNC", "REPLCONF ACK 1", "ROLE", "WAIT 0 0", "BGSAVE"] {
                #expect(try stranger.ask(command) == "-NOAUTH Authentication required.")
            }
        }
    }
}
