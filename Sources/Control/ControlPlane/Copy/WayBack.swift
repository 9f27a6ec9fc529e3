import BrokerModel
import ProviderKit

/// The stream of a swap in the other direction: what is written at the target is carried back to the former provider,
/// so that a rollback keeps it.
///
/// Until `open` everything is thrown away: it is the swap's own copying.
actor WayBack {
    private let source: any CopySource
    private var target: (any CopyTarget)?
    private var pump: Task<Void, Never>?
    /// A `drain` whose time was over: it goes on.
    private var draining: Task<Void, Never>?
    private var drained: Result<Void, BrokerError>?
    private var position: Int64 = 0
    /// Commands that were carried back.
    private(set) var changes = 0
    /// Why there is no way back any more.
    private(set) var failure: BrokerError?

    init(source: any CopySource) {
        self.source = source
    }

    /// Follows the target from now on.
    func start() {
        pump = Task {
            await draining?.value
            draining = nil
            while !Task.isCancelled, failure == nil { await step() }
        }
    }

    /// Ends the following; returns when nothing of it runs.
    func halt() async {
        pump?.cancel()
        await pump?.value
        pump = nil
    }

    /// Throws away what was written so far: behind this call everything counts. To be called while nobody writes.
    func skip() async throws(BrokerError) {
        try await reach(try await source.position())
    }

    /// Carries back what comes from now on.
    func open(to target: any CopyTarget) {
        self.target = target
        start()
    }

    /// Carries back everything that was answered before this call; the following has to be halted. False when that takes
    /// longer than `limit`: then it goes on by itself, and `start` follows on behind it.
    func drain(within limit: Duration) async throws(BrokerError) -> Bool {
        if let failure { throw failure }
        drained = nil
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        draining = Task {
            do throws(BrokerError) {
                try await reach(try await source.position())
                drained = .success(())
            } catch {
                // What has failed once was not carried back, however often it is asked.
                failure = failure ?? error
                drained = .failure(error)
            }
            end.finish()
        }
        let timer = Task {
            try? await ContinuousClock().sleep(for: limit)
            end.finish()
        }
        for await _ in ended {}
        timer.cancel()
        guard let drained else { return false }
        draining = nil
        try drained.get()
        return true
    }

    /// Nothing is carried back any more; the following has to be halted.
    func closeTarget() async {
        await target?.close()
        target = nil
    }

    func close() async {
        pump?.cancel()
        await source.close()
        await target?.close()
        await pump?.value
        pump = nil
    }

    private func reach(_ fence: Int64) async throws(BrokerError) {
        while failure == nil, position < fence { await step() }
        if let failure { throw failure }
    }

    private func step() async {
        do throws(BrokerError) {
            let batch = try await source.next()
            if let target, !batch.segments.isEmpty {
                try await target.apply(batch)
                changes += batch.segments.reduce(0) { $0 + $1.commands }
            }
            position = max(position, batch.position ?? position)
        } catch {
            failure = error
        }
    }
}
