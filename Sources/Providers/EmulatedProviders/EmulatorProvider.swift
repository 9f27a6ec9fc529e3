public import BrokerModel
import CacheEmulator
public import EventLoop
import Gateway
public import ProviderKit
import QueueEmulator
import Synchronization

/// Serves resources from the daemon itself: a cache and a queue in memory on the resource's loop, a store as a file. A
/// cache by a plan that is durable is written to files as well.
public struct EmulatorProvider: Provider, ReportsHealth {
    let shelf: EmulatorShelf
    let folders: String
    let durables = Durables()
    /// Of durable caches, whose files may fail.
    public let health: AsyncStream<HealthReport>
    private let reports: AsyncStream<HealthReport>.Continuation

    /// - Parameters:
    ///   - loops: the gateway's, since an emulator is called directly by the sessions of its endpoint.
    ///   - folders: where each file resource gets a folder of its own.
    public init(loops: LoopPool, folders: String) {
        self.folders = folders
        shelf = EmulatorShelf(loops)
        (health, reports) = AsyncStream.makeStream(of: HealthReport.self, bufferingPolicy: .bufferingNewest(256))
    }

    public let offerings = [
        Offering(.redis, plans: Plan.offered(for: .redis, by: .emulator), modes: [.endpoint]),
        Offering(.beanstalk, plans: Plan.offered(for: .beanstalk, by: .emulator), modes: [.endpoint]),
        Offering(.sqlite, plans: Plan.offered(for: .sqlite, by: .emulator), modes: [.direct]),
    ]

    public func serves(_ reference: ProviderReference) -> Bool { reference == .emulator }

    public func check(_ request: CheckRequest) async throws(BrokerError) -> CheckResponse {
        CheckResponse(server: Self.server(of: request.serviceClass))
    }

    public func provision(_ request: ProvisionRequest) async throws(BrokerError) -> ProvisionResponse {
        let id = request.backing.id
        let server = Self.server(of: request.serviceClass)
        switch request.serviceClass {
        case .redis:
            let image = try beginning(of: request)
            let cache = try shelf.cache(
                id, of: request.backing.resource.rawValue, from: image, allowsDebug: request.plan == .debug)
            if request.plan.isDurable { try await makeDurable(cache, id, request.plan, isFilled: image != nil) }
            if request.plan != .ephemeral { try await request.remember([Plan.memoryKey: request.plan.name]) }
            return ProvisionResponse(upstream: .cache(cache.emulator), server: server)
        case .beanstalk:
            let image = try await queueImage(of: try beginning(of: request))
            let queue = try shelf.queue(id, of: request.backing.resource.rawValue, from: image)
            return ProvisionResponse(upstream: .queue(queue.emulator), server: server)
        case .sqlite:
            let file = storeFile(of: id)
            if let snapshot = request.from { try await make(file, from: snapshot) }
            try file.make()
            return ProvisionResponse(upstream: nil, path: file.path, server: server)
        }
    }

    public func deprovision(_ request: DeprovisionRequest) async throws(BrokerError) -> DeprovisionResponse {
        let id = request.backing.id
        switch request.serviceClass {
        case .redis, .beanstalk:
            if let durable = durables.take(id) {
                try await durable.remove()
                await shelf.remove(id)
            } else {
                if request.serviceClass == .redis { try DurableFiles(folder: folder(of: id)).remove() }
                shelf.removeSoon(id)
            }
        case .sqlite: try storeFile(of: id).remove()
        }
        return DeprovisionResponse()
    }

    public func bind(_ request: BindRequest) async throws(BrokerError) -> BindResponse {
        guard request.serviceClass == .sqlite else { return BindResponse(direct: nil) }
        let url = "sqlite:///" + PercentCoding.encoded(path: storeFile(of: request.backing.id).path)
        return BindResponse(direct: DirectURL(url: Secret(url), masked: url))
    }

    public func unbind(_ request: UnbindRequest) async throws(BrokerError) -> UnbindResponse {
        let isFile = request.serviceClass == .sqlite
        return UnbindResponse(warning: isFile ? "a process that has the file open keeps it until it closes it" : nil)
    }

    func storeFile(of id: BackingID) -> StoreFile {
        StoreFile(folder: folder(of: id))
    }

    func folder(of id: BackingID) -> String { "\(folders)/\(id)" }

    /// A cache whose files cannot be loaded does not serve.
    private func makeDurable(
        _ cache: EmulatorShelf.Shelved<CacheEmulator>, _ id: BackingID, _ plan: Plan, isFilled: Bool
    ) async throws(BrokerError) {
        guard durables.isUnknown(id) else { return }
        do throws(BrokerError) {
            let durable = try await DurableCache.open(
                cache.emulator, on: cache.loop, folder: folder(of: id), isFilled: isFilled,
                isAlways: plan == .durableAlways
            ) { [reports] in reports.yield(HealthReport(backing: id, health: $0)) }
            durables.put(durable, id)
        } catch {
            await shelf.remove(id)
            throw error
        }
    }

    private static func server(of serviceClass: ServiceClass) -> String {
        switch serviceClass {
        case .redis: "redis \(CacheEmulator.redisVersion) emulator"
        case .beanstalk: "beanstalkd emulator"
        case .sqlite: "sqlite \(StoreFile.sqliteVersion)"
        }
    }
}

extension EmulatorProvider: SuspendsServers {
    /// What is left to be written to the files of a durable cache is written; nothing else has to be done.
    public func suspend(_ backing: Backing) async throws(BrokerError) {
        guard let durable = durables.take(backing.id) else { return }
        // What is loaded again is loaded into an empty cache.
        do throws(BrokerError) {
            try await durable.stop()
        } catch {
            await shelf.remove(backing.id)
            throw error
        }
        await shelf.remove(backing.id)
    }
}

/// The durable caches by backing.
final class Durables: Sendable {
    private let caches = Mutex<[BackingID: DurableCache]>([:])

    func isUnknown(_ id: BackingID) -> Bool { caches.withLock { $0[id] == nil } }

    func cache(_ id: BackingID) -> DurableCache? { caches.withLock { $0[id] } }

    func put(_ cache: DurableCache, _ id: BackingID) {
        caches.withLock { $0[id] = cache }
    }

    func take(_ id: BackingID) -> DurableCache? { caches.withLock { $0.removeValue(forKey: id) } }
}
