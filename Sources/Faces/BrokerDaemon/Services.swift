import ControlPlane
import EventLoop
import ServiceLifecycle

/// Keeps the endpoints until the daemon ends: then the control plane stops its resources, and the loop sends what
/// waits to every client.
struct EndpointService: Service {
    let controlPlane: ControlPlane
    let loop: any EventLoop

    func run() async throws {
        // Thrown when the group is cancelled instead of shut down: the end is the same.
        try? await gracefulShutdown()
        await controlPlane.stop()
        await loop.stop(grace: .seconds(2))
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
