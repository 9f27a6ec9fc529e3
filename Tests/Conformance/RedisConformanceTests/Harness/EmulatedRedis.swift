import CacheEmulator
import EventLoop
import Gateway
import TestKit

/// The emulator behind a gateway on a loop of its own, at a unix socket, with one grant.
final class EmulatedRedis: Sendable {
    static let user = "app"
    static let secret = "secret"

    let socketPath: String
    private let loop: any EventLoop
    private let gateway: Gateway

    init(_ driver: LoopUnderTest, directory: String, allowsDebug: Bool = false) async throws {
        socketPath = "\(directory)/\(driver.rawValue).sock"
        let loop = try driver.make()
        self.loop = loop
        gateway = Gateway(loop: loop)
        let id = EndpointID("cache")
        try await gateway.open(id, at: .unix(path: socketPath))
        await gateway.grant(Grant(holder: "tests", user: Self.user, secret: Self.secret), on: id)
        let emulator: LoopBound<CacheEmulator> = await withCheckedContinuation { made in
            loop.post {
                let emulator = CacheEmulator(loop: loop)
                emulator.allowsDebug = allowsDebug
                // Where saves are compared they are made, in a moment.
                if allowsDebug {
                    emulator.keepSnapshots { ended in _ = loop.schedule(after: 1_000_000) { ended(true) } }
                }
                made.resume(returning: LoopBound(emulator, on: loop))
            }
        }
        await gateway.route(id, to: .cache(emulator))
    }
}
