public import EventLoop
import NIODriver

#if os(Linux)
import EpollDriver
#endif

/// The drivers that a test of the runtime runs over: `@Test(arguments: LoopUnderTest.allCases)`.
public enum LoopUnderTest: String, CaseIterable, Codable, Sendable {
    #if os(Linux)
    case epoll
    #endif
    case nio

    /// A fresh loop; whoever makes it stops it.
    public func make() throws(SocketError) -> any EventLoop {
        switch self {
        #if os(Linux)
        case .epoll: try EpollLoop(name: "test")
        #endif
        case .nio: NIOLoop()
        }
    }

    /// Runs `body` with a fresh loop, which is stopped when it returns or throws.
    public func run<Value>(_ body: (any EventLoop) async throws -> Value) async throws -> Value {
        let loop = try make()
        do {
            let value = try await body(loop)
            await loop.stop(grace: .zero)
            return value
        } catch {
            await loop.stop(grace: .zero)
            throw error
        }
    }
}

/// Work was handed to a loop that has ended.
public struct LoopHasEnded: Error {
    public init() {}
}

extension EventLoop {
    /// Runs `work` on the loop and returns its value.
    public func onLoop<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { done in
            let isAccepted = post { done.resume(with: Result { try work() }) }
            if !isAccepted { done.resume(throwing: LoopHasEnded()) }
        }
    }
}
