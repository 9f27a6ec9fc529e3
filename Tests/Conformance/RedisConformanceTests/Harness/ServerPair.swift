import Foundation
import TestKit
import Testing

/// A real server and an emulator on each driver, which get the same commands.
final class ServerPair: Sendable {
    let real: RealRedis
    private let emulated: [LoopUnderTest: EmulatedRedis]

    /// The pair that the running test has to itself.
    @TaskLocal static var current: ServerPair?

    private init(allowsDebug: Bool) async throws {
        guard let executable = RealRedis.executable else { throw HarnessError("redis-server is not installed") }
        real = try RealRedis(executable: executable, allowsDebug: allowsDebug)
        try await Self.wait(until: real.socketPath)
        var emulated: [LoopUnderTest: EmulatedRedis] = [:]
        for driver in LoopUnderTest.allCases {
            emulated[driver] = try await EmulatedRedis(
                driver, directory: real.directory, allowsDebug: allowsDebug)
        }
        self.emulated = emulated
    }

    /// The emulator's unix socket.
    func emulatorPath(_ driver: LoopUnderTest) throws -> String {
        try #require(emulated[driver]).socketPath
    }

    /// Waits until a server answers at a path.
    private static func wait(until path: String) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            if let client = try? RedisClient(path: path), (try? client.call("PING")) != nil { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw HarnessError("redis-server did not start")
    }

    /// Hands out the process's pairs, one test at a time each; they are started when first needed.
    actor Pool {
        static let shared = Pool(allowsDebug: false)
        /// Of servers that run DEBUG.
        static let debugged = Pool(allowsDebug: true)

        private static let most = 2
        private var idle: [ServerPair] = []
        private var started = 0
        private var waiting: [CheckedContinuation<Void, Never>] = []
        private let allowsDebug: Bool

        private init(allowsDebug: Bool) {
            self.allowsDebug = allowsDebug
        }

        func take() async throws -> ServerPair {
            while true {
                if let pair = idle.popLast() { return pair }
                if started < Self.most {
                    started += 1
                    return try await ServerPair(allowsDebug: allowsDebug)
                }
                await withCheckedContinuation { waiting.append($0) }
            }
        }

        func giveBack(_ pair: ServerPair) {
            idle.append(pair)
            if !waiting.isEmpty { waiting.removeFirst().resume() }
        }
    }
}

/// Gives each test a pair of servers, or skips it where there is no redis-server.
///
/// With BROKER_REQUIRE_SERVERS=1 nothing is skipped: tests without a server fail.
struct ComparedWithRedis: SuiteTrait, TestTrait, TestScoping {
    private let condition = ConditionTrait.enabled(
        if: RealRedis.executable != nil || ProcessInfo.processInfo.environment["BROKER_REQUIRE_SERVERS"] == "1",
        "redis-server is not installed")

    var isRecursive: Bool { true }

    /// Around the whole suite, too.
    func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? {
        test.isSuite || testCase != nil ? self : nil
    }

    func prepare(for test: Test) async throws {
        try await condition.prepare(for: test)
    }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        guard !test.isSuite else {
            try await ComparedCases.$suite.withValue(test.name) { try await function() }
            return try ComparedCases.check(test.name, sourceLocation: test.sourceLocation)
        }
        let pair = try await ServerPair.Pool.shared.take()
        let result: Result<Void, any Error>
        do {
            try await ServerPair.$current.withValue(pair) { try await function() }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await ServerPair.Pool.shared.giveBack(pair)
        try result.get()
    }
}

extension Trait where Self == ComparedWithRedis {
    static var comparedWithRedis: Self { Self() }
}

/// Runs a test with a pair of servers that run DEBUG.
func withDebuggedPair(_ body: () throws -> Void) async throws {
    let pair = try await ServerPair.Pool.debugged.take()
    let result = Result { try ServerPair.$current.withValue(pair) { try body() } }
    await ServerPair.Pool.debugged.giveBack(pair)
    try result.get()
}
