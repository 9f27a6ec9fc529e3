import BrokerModel
import EmulatedProviders
import EventLoop
import Foundation
import Gateway
import Ledger
import Logging
import ProviderKit
import TestKit

@testable import ControlPlane
@testable import ServerProviders

/// A control plane with real parts below it: a ledger on disk, a gateway on a loop, all providers. It can be stopped,
/// killed and started again on the same folder.
final class BrokerUnderTest {
    static let workspace = WorkspaceName(unchecked: "shop")

    let folder: TemporaryDirectory
    let ports: ClosedRange<UInt16>
    /// The clock of the retries.
    let clock = ManualClock()
    /// From the next restart on: before a server that has ended is started again.
    var firstRestart = Duration.seconds(3600)
    var reached: @Sendable (CrashPoint) async -> Void = { _ in }
    private(set) var plane: ControlPlane
    private(set) var ledger: Ledger
    private(set) var loop: any EventLoop
    private(set) var exec: ExecProvider
    /// Serves `exec:fake`.
    private(set) var fake: FakeProvider
    /// What the next control plane gets.
    var patience = Duration.seconds(30)
    var failsFromTheStart: Set<FakeProvider.Verb> = []
    var gateFromTheStart: AsyncStream<Void>?

    var workspace: WorkspaceName { Self.workspace }

    /// Runs `body` with a started control plane, which is stopped when it returns or throws.
    static func run(ports count: Int = 8, _ body: (BrokerUnderTest) async throws -> Void) async throws {
        let broker = try BrokerUnderTest(ports: count)
        try await broker.plane.start()
        do {
            try await body(broker)
        } catch {
            await broker.stop()
            throw error
        }
        await broker.stop()
    }

    private init(ports count: Int) throws {
        folder = try TemporaryDirectory()
        ports = try FreePort.range(of: count)
        try FileManager.default.createDirectory(atPath: folder.file("resources"), withIntermediateDirectories: true)
        var settings = ControlPlaneSettings(ports: ports)
        settings.clock = clock
        settings.reached = reached
        (ledger, loop, exec, fake, plane) = try Self.make(folder, settings)
    }

    private static func make(
        _ folder: TemporaryDirectory, _ settings: ControlPlaneSettings, firstRestart: Duration = .seconds(3600)
    ) throws -> (Ledger, any EventLoop, ExecProvider, FakeProvider, ControlPlane) {
        let ledger = try Ledger.open(path: folder.file("ledger.sqlite")) { 1_700_000_000_000 }
        let loop = try LoopUnderTest.allCases[0].make()
        var limits = ExecProvider.Limits()
        // A control plane that was "killed" must not start its servers again behind the next one's back.
        limits.firstRestart = firstRestart
        let exec = ExecProvider(
            folders: folder.file("resources"), runtime: folder.path,
            path: ProcessInfo.processInfo.environment["PATH"] ?? "", limits: limits)
        let emulator = EmulatorProvider(loops: LoopPool(of: loop), folders: folder.file("resources"))
        let fake = FakeProvider(emulator)
        let plane = ControlPlane(
            ledger: ledger, gateway: Gateway(loop: loop),
            providers: [emulator, fake, exec, URLProvider(runtime: folder.path)],
            settings: settings, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return (ledger, loop, exec, fake, plane)
    }

    /// A graceful end.
    func stop() async {
        await plane.stop()
        await loop.stop(grace: .seconds(1))
    }

    /// What kill -9 does: the sockets are gone, nothing else happens. Server processes run on.
    func kill() async {
        await loop.stop(grace: .zero)
    }

    /// A new control plane on what the former one has left. `reached` is its own from then on.
    func restart(afterKill: Bool = false) async throws {
        if afterKill { await kill() } else { await stop() }
        var settings = ControlPlaneSettings(ports: ports)
        settings.clock = clock
        settings.reached = reached
        settings.patience = patience
        (ledger, loop, exec, fake, plane) = try Self.make(folder, settings, firstRestart: firstRestart)
        fake.failing = failsFromTheStart
        if let gateFromTheStart { fake.wait(for: gateFromTheStart) }
        try await plane.start()
    }

    // MARK: verbs in short

    @discardableResult
    func attach(
        _ resource: String, to app: String = "web", as alias: String? = nil, class serviceClass: String? = nil,
        provider: String? = nil, direct: Bool = false, operation: OperationID = .random()
    ) async throws -> AttachOutcome {
        let request = AttachRequest(
            resource: resource, app: app, alias: alias, class: serviceClass,
            provider: try provider.map { try ProviderDocument($0) }, direct: direct)
        return try await plane.attach(request, in: workspace, operation: operation)
    }

    @discardableResult
    func create(
        _ name: String, class serviceClass: String? = nil, provider: String? = nil, plan: String? = nil,
        operation: OperationID = .random()
    ) async throws -> CreateOutcome {
        let request = CreateRequest(
            name: name, class: serviceClass, provider: try provider.map { try ProviderDocument($0) }, plan: plan)
        return try await plane.create(request, in: workspace, operation: operation)
    }

    @discardableResult
    func detach(
        _ resource: String, from app: String = "web", as alias: String? = nil, operation: OperationID = .random()
    ) async throws -> DetachOutcome {
        try await plane.detach(resource: resource, app: app, alias: alias, in: workspace, operation: operation)
    }

    @discardableResult
    func destroy(
        _ name: String, force: Bool = false, operation: OperationID = .random()
    ) async throws -> DestroyOutcome {
        try await plane.destroy(name, in: workspace, force: force, operation: operation)
    }

    @discardableResult
    func swap(
        _ resource: String, to provider: String, cold: Bool = true, maxPause: Int? = nil, undoWindow: Int? = nil,
        existing: SwapRequest.ExistingData? = nil, operation: OperationID = .random()
    ) async throws -> SwapOutcome {
        let request = SwapRequest(
            to: try ProviderDocument(provider), cold: cold ? true : nil, maxPause: maxPause, undoWindow: undoWindow,
            existing: existing)
        return try await plane.swap(resource, request, in: workspace, operation: operation)
    }

    @discardableResult
    func rollback(_ resource: String, discard: Bool = false) async throws -> SwapOutcome {
        try await plane.rollback(
            resource, RollbackRequest(discard: discard), in: workspace, operation: .random())
    }

    func status() async throws -> StatusDocument { try await plane.status(in: workspace) }

    func resource(_ name: String) async throws -> ResourceStatus? {
        try await status().resources.first { $0.name == name }
    }

    func variables(of app: String = "web") async throws -> [String: String] {
        let document = try await plane.environment(of: app, in: workspace)
        return Dictionary(uniqueKeysWithValues: document.variables.map { ($0.name, $0.value) })
    }

    func variable(_ name: String, of app: String = "web") async throws -> String {
        guard let value = try await variables(of: app)[name] else {
            throw NeverHappened("\(app) has no \(name)")
        }
        return value
    }

    /// Waits until the resource is in the state.
    func isEventually(_ state: String, _ resource: String) async throws {
        try await eventually("\(resource) is \(state)") { try await self.resource(resource)?.state == state }
    }
}
