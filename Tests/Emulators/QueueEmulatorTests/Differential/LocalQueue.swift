#if os(Linux)
import EventLoop
import QueueEmulator
import TestKit

/// Our emulator behind a TCP port, on a loop of its own.
final class LocalQueue: Sendable {
    let port: UInt16
    private let loop: any EventLoop
    private let emulator: LoopBound<QueueEmulator>
    private let listener: LoopBound<any Listener>

    init(_ driver: LoopUnderTest) async throws {
        let loop = try driver.make()
        self.loop = loop
        (port, emulator, listener) = try await withCheckedThrowingContinuation { done in
            loop.post {
                let emulator = QueueEmulator(clock: QueueClock(loop: loop))
                do {
                    let listener = try loop.listen(on: .tcp(host: "127.0.0.1", port: 0)) {
                        QueueSession(emulator: emulator, connection: $0)
                    }
                    guard case .tcp(_, let port) = listener.address else { throw SocketFailure("no port") }
                    done.resume(returning: (port, LoopBound(emulator, on: loop), LoopBound(listener, on: loop)))
                } catch {
                    done.resume(throwing: error)
                }
            }
        }
    }

    func drain() {
        loop.post { [emulator] in emulator.value.isDraining = true }
    }

    func stop() async {
        await loop.stop(grace: .milliseconds(200))
    }
}
#endif
