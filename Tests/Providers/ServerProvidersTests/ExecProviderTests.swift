import BrokerModel
import Foundation
import Processes
import ProviderKit
import TestKit
import Testing

@testable import ServerProviders

@Suite(.requires(.redisServer)) struct ExecProviderTests {
    private let folder: TemporaryDirectory
    private let path = ProcessInfo.processInfo.environment["PATH"] ?? ""

    init() throws {
        folder = try TemporaryDirectory()
    }

    private func provider(firstRestart: Duration = .milliseconds(10)) -> ExecProvider {
        var limits = ExecProvider.Limits()
        limits.firstRestart = firstRestart
        return ExecProvider(folders: folder.path, runtime: folder.path, path: path, limits: limits)
    }

    private func backing(_ program: String = "redis-server", memory: [String: String] = [:]) -> Backing {
        Backing(
            id: BackingID(rawValue: "b0"), resource: .random(), provider: .exec(program: program),
            secret: Secret("s3cret-of-the-server"), memory: memory)
    }

    private func request(
        _ backing: Backing,
        remember: @escaping @Sendable ([String: String]) async throws(BrokerError) -> Void = { _ in }
    ) -> ProvisionRequest {
        ProvisionRequest(backing: backing, serviceClass: .redis, plan: .durable, remember: remember)
    }

    private func remove(_ backing: Backing, _ provider: ExecProvider) async throws {
        _ = try await provider.deprovision(DeprovisionRequest(backing: backing, serviceClass: .redis))
    }

    @Test func `a server that ends by itself is started again on its data, and both are told`() async throws {
        let provider = provider()
        _ = try await provider.provision(request(backing()))
        let login = await provider.login(of: backing())
        try await ask(login, "SET", "k", "v")
        let first = try #require(await provider.servers[backing().id]?.process.identity)
        // Everysec: what is written now is on disk a second later; SIGTERM writes at once.
        first.signal(SIGTERM)
        var reports = provider.health.makeAsyncIterator()
        let ended = try #require(await reports.next())
        guard case .failed(let why) = ended.health else { return #expect(Bool(false), "a failure comes first") }
        #expect(why.contains("exec:redis-server has ended"))
        #expect(await reports.next()?.health == .ready)
        let second = try #require(await provider.servers[backing().id]?.process.identity)
        #expect(first != second)
        #expect(try await ask(login, "GET", "k") == .text("v"))
        try await remove(backing(), provider)
        #expect(!second.isAlive)
    }

    @Test func `a process that an earlier daemon started is found by pid and start time`() async throws {
        let earlier = provider(firstRestart: .seconds(3600))
        let memory = AsyncStream.makeStream(of: [String: String].self)
        _ = try await earlier.provision(request(backing()) { memory.continuation.yield($0) })
        var memories = memory.stream.makeAsyncIterator()
        let kept = try #require(await memories.next())
        let identity = try #require(await earlier.servers[backing().id]?.process.identity)
        #expect(ProcessIdentity(memory: kept) == identity)

        let later = provider()
        _ = try await later.provision(request(backing(memory: kept)))
        #expect(await later.servers[backing().id]?.process.identity == identity)
        try await remove(backing(memory: kept), later)
        #expect(!identity.isAlive)
        try await remove(backing(), earlier)
    }

    @Test func `a process that was never remembered is found by its socket`() async throws {
        let earlier = provider(firstRestart: .seconds(3600))
        _ = try await earlier.provision(request(backing()))
        let identity = try #require(await earlier.servers[backing().id]?.process.identity)
        let later = provider()
        _ = try await later.provision(request(backing()))
        #expect(await later.servers[backing().id]?.process.identity == identity)
        try await remove(backing(), later)
        #expect(!identity.isAlive)
        try await remove(backing(), earlier)
    }

    @Test func `a suspended server comes back with its data`() async throws {
        let provider = provider()
        _ = try await provider.provision(request(backing()))
        let login = await provider.login(of: backing())
        try await ask(login, "SET", "k", "v")
        try await provider.suspend(backing())
        try await provider.suspend(backing())
        #expect(await provider.servers.isEmpty)
        _ = try await provider.provision(request(backing()))
        #expect(try await ask(login, "GET", "k") == .text("v"))
        try await remove(backing(), provider)
    }

    @Test func `a script cannot send keys to another host`() async throws {
        let provider = provider()
        _ = try await provider.provision(request(backing()))
        let login = await provider.login(of: backing())
        let script = "return redis.call('MIGRATE', '127.0.0.1', 1, 'k', 0, 1)"
        await #expect(throws: RedisProblem.self) { try await ask(login, "EVAL", script, "0") }
        #expect(try await ask(login, "EVAL", "return redis.call('SET', 'k', 'v').ok", "0") == .text("OK"))
        try await remove(backing(), provider)
    }

    @Test func `a secret is in no argument, no environment and no file`() async throws {
        let provider = provider()
        _ = try await provider.provision(request(backing()))
        let pid = try #require(await provider.servers[backing().id]?.process.identity.pid)
        for name in ["cmdline", "environ"] {
            guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/\(name)") else { continue }
            #expect(bytes.range(of: Data("s3cret".utf8)) == nil, "\(name)")
        }
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
            guard let bytes = FileManager.default.contents(atPath: folder.file(name)) else { continue }
            #expect(bytes.range(of: Data("s3cret-of-the-server".utf8)) == nil, "\(name)")
        }
        let mode = try FileManager.default.attributesOfItem(atPath: folder.file("b0/redis.conf"))[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o600)
        try await remove(backing(), provider)
    }

    @Test func `a server that does not start says why, with its log, and leaves no process`() async throws {
        let provider = provider()
        // A folder stands where the server's data file is to be.
        try FileManager.default.createDirectory(
            atPath: folder.file("b0/appendonlydir/appendonly.aof.1.base.rdb"), withIntermediateDirectories: true)
        try Data("file appendonly.aof.1.base.rdb seq 1 type b\n".utf8)
            .write(to: URL(filePath: folder.file("b0/appendonlydir/appendonly.aof.manifest")))
        let error = await #expect(throws: BrokerError.self) { try await provider.provision(request(backing())) }
        #expect(error?.code == .serverUnreachable)
        #expect(error?.why.contains("server.log") == true)
        #expect(await provider.servers.isEmpty)
        try await remove(backing(), provider)
        #expect(!FileManager.default.fileExists(atPath: folder.file("b0")))
    }

    @Test(arguments: [
        ("no-such-server-4711", ErrorCode.programNotFound), ("/no/such/redis-server", .programNotFound),
        ("true", .wrongServer), ("/etc/passwd", .wrongServer),
    ])
    func `a program that cannot serve is refused before anything is done`(program: String, code: ErrorCode) async throws
    {
        let request = CheckRequest(provider: .exec(program: program), serviceClass: .redis)
        let error = await #expect(throws: BrokerError.self) { try await provider().check(request) }
        #expect(error?.code == code)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }

    @Test func `a missing redis-server comes with its installation as a fix`() async throws {
        let provider = ExecProvider(folders: folder.path, runtime: folder.path, path: "/no/such")
        let request = CheckRequest(provider: .exec(program: "redis-server"), serviceClass: .redis)
        let error = await #expect(throws: BrokerError.self) { try await provider.check(request) }
        #expect(error?.code == .programNotFound)
        #expect(error?.fix?.hasSuffix("install redis-server") == true || error?.fix == "brew install redis")
    }

    @discardableResult
    private func ask(_ login: RedisLogin, _ words: String...) async throws -> RedisAnswer {
        try await RedisAdmin.run { () throws(RedisProblem) in
            let admin = try RedisAdmin.connect(login, timeout: .seconds(5))
            return words.count == 2 ? try admin.ask(words[0], words[1]) : try admin.ask(words[0], words[1], words[2])
        }
    }
}
