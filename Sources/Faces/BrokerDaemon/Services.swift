import BrokerModel
import ControlPlane
import EventLoop
import Logging
import Processes
import ServiceLifecycle

/// Keeps the endpoints until the daemon ends: then the control plane stops its resources, and the loops send what
/// waits to every client.
struct EndpointService: Service {
    let controlPlane: ControlPlane
    let loops: LoopPool
    /// Told where data may be lost.
    let failed: @Sendable (BrokerError) -> Void

    func run() async throws {
        // Thrown when the group is cancelled instead of shut down: the end is the same.
        try? await gracefulShutdown()
        if let error = await controlPlane.stop() { failed(error) }
        await loops.stop(grace: .seconds(2))
    }
}

/// Ends the daemon when a client asks for it.
final class StopRequest: Service {
    private let requests: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (requests, continuation) = AsyncStream.makeStream(of: Void.self)
    }

    /// Begins the end; returns at once.
    func make() {
        continuation.yield()
    }

    /// Returns at the first request; the group then shuts down.
    func run() async throws {
        for await _ in requests.cancelOnGracefulShutdown() { return }
    }
}

/// Ends the daemon when its home is removed or replaced under it: the lock that it holds is no longer the home's, and
/// the next command line will start another daemon.
struct HomeWatch: Service {
    private let lock: String
    private let logger: Logger
    private let ours: FileIdentity?
    private static let interval = Duration.seconds(1)

    /// - Parameter lock: the path of the lock file that this process holds.
    init(lock: String, logger: Logger) {
        self.lock = lock
        self.logger = logger
        ours = FileIdentity(of: lock)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await ContinuousClock().sleep(for: Self.interval)) != nil {
                guard FileIdentity(of: lock) == ours else {
                    logger.error("the home was removed or replaced: this daemon ends", metadata: ["lock": "\(lock)"])
                    return
                }
            }
        }
    }
}

/// Has a daemon that has nothing to do let go of the code that it has used, and again when it has done something since.
struct IdlePages: Service {
    private static let interval = Duration.seconds(5)
    /// Of the interval: what watching over the home and resting clients takes.
    private static let idle = Duration.milliseconds(20)
    /// Who has run for less since has not brought much of it back.
    private static let worth = Duration.milliseconds(10)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var before = ProgramPages.processorTime
            var atLast = Duration.zero
            while (try? await ContinuousClock().sleep(for: Self.interval)) != nil {
                let now = ProgramPages.processorTime
                if now - before < Self.idle, now - atLast > Self.worth {
                    ProgramPages.letGo()
                    atLast = ProgramPages.processorTime
                }
                before = now
            }
        }
    }
}
