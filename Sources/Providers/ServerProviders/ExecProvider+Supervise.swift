import BrokerModel
import ProviderKit

/// Noticing the end of a server, and starting it again.
extension ExecProvider {
    /// A server that has run for this long has got over what ended it: the next restart is a first one again.
    private static let recovered = Duration.seconds(30)

    /// Runs until it is cancelled: with `deprovision` and `suspend`, which end the server on purpose.
    func supervise(_ request: ProvisionRequest) async {
        let id = request.backing.id
        let clock = ContinuousClock()
        var pause = limits.firstRestart
        while let process = servers[id]?.process {
            let began = clock.now
            guard let how = await process.end(), !Task.isCancelled else { return }
            if began.duration(to: clock.now) > Self.recovered { pause = limits.firstRestart }
            servers[id]?.isRestarting = true
            report(id, .failed("\(request.backing.provider) has ended (\(how)) and is started again"))
            guard await restart(request, &pause) else { return }
            servers[id]?.isRestarting = false
            report(id, .ready)
        }
    }

    /// Tries until the server runs; false when it was cancelled.
    private func restart(_ request: ProvisionRequest, _ pause: inout Duration) async -> Bool {
        while (try? await ContinuousClock().sleep(for: pause)) != nil {
            pause = min(pause * 2, limits.longestRestart)
            do throws(BrokerError) {
                let server = try await launch(request)
                servers[request.backing.id]?.process = server.process
                servers[request.backing.id]?.name = server.name
                return true
            } catch {
                if Task.isCancelled { return false }
                report(request.backing.id, .failed("\(error.what): \(error.why)"))
            }
        }
        return false
    }

    private func report(_ backing: BackingID, _ health: HealthReport.Health) {
        reports.yield(HealthReport(backing: backing, health: health))
    }
}
