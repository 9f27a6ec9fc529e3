import BrokerClient
import BrokerModel
import ControlPlane
import EmulatedProviders
import EventLoop
import Gateway
import Ledger
import Logging
import ServerProviders

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

#if os(Linux)
import EpollDriver
#else
import NIODriver
#endif

extension Daemon {
    /// A loop of the data plane: our own epoll on Linux, SwiftNIO elsewhere.
    static func makeLoop() throws -> any EventLoop {
        #if os(Linux)
        try EpollLoop(name: "endpoints")
        #else
        NIOLoop()
        #endif
    }

    /// Ledger, endpoints and providers, put together.
    ///
    /// - Parameter path: where the programs of `exec:` providers are looked up.
    static func makeControlPlane(
        _ settings: Settings, _ places: BrokerPlaces, _ loops: LoopPool, path: String, _ logger: Logger
    ) throws(BrokerError) -> ControlPlane {
        let ledger = try Ledger.open(
            path: settings.ledger ?? Settings.ledger(in: places.home), masterKey: settings.masterKey,
            now: { Int64((Date().timeIntervalSince1970 * 1000).rounded()) })
        let folders = places.home + "/resources"
        try PrivateFolder.make(folders)
        // Snapshots end with the daemon; one that was killed has left its files.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folders)) ?? []
        where name.hasPrefix("snapshot-") {
            try? FileManager.default.removeItem(atPath: "\(folders)/\(name)")
        }
        var controlSettings = ControlPlaneSettings(ports: settings.ports)
        controlSettings.leaseRecords = places.home + "/leases"
        try PrivateFolder.make(places.home + "/leases")
        return ControlPlane(
            ledger: ledger, gateway: Gateway(loops: loops),
            providers: [
                EmulatorProvider(loops: loops, folders: folders),
                ExecProvider(folders: folders, runtime: places.runtime, path: path),
                URLProvider(runtime: places.runtime),
            ],
            settings: controlSettings, log: logger)
    }
}
