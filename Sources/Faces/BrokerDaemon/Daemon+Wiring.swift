import BrokerClient
import ControlPlane
import EventLoop
import Logging

#if os(Linux)
import EpollDriver
#else
import NIODriver
#endif

extension Daemon {
    /// The loop of the data plane: our own epoll on Linux, SwiftNIO elsewhere.
    static func makeLoop() throws -> any EventLoop {
        #if os(Linux)
        try EpollLoop(name: "endpoints")
        #else
        NIOLoop()
        #endif
    }

    static func makeControlPlane(
        _ settings: Settings, _ places: BrokerPlaces, _ loop: any EventLoop, _ logger: Logger
    ) async throws -> ControlPlane {
        ControlPlane()
    }
}
