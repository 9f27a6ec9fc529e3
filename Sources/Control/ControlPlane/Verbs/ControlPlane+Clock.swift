public import BrokerModel
import ProviderKit

extension ControlPlane {
    /// Has the time of resources stand still, go on, or be moved; what lies between happens in its order.
    ///
    /// Of several resources all are asked first whether they can. A freeze leaves them at one instant. Throws
    /// `resourceNotFound`, and `unsupported` for what has no time that can be moved (a real server).
    public func moveClock(
        _ request: ClockRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> ClockDocument {
        let step = try Self.step(request)
        let isNamed = !request.resources.isEmpty
        var clocks: [(resource: LiveResource, clock: any ControlsClock)] = []
        for resource in try await live(request.resources, of: request.lease, in: workspace) {
            guard resource.serviceClass.isNetworked,
                let clock = try providers.provider(for: resource.backing.provider) as? any ControlsClock
            else {
                // Where all are meant, those are meant that have a time of their own.
                guard isNamed else { continue }
                throw Self.noClock(resource)
            }
            clocks.append((resource, clock))
        }
        guard !clocks.isEmpty else {
            throw BrokerError(
                .unsupported, "there is no resource whose time can be moved",
                why: "emulated caches and queues have a time of their own", fix: "broker status")
        }
        for (resource, clock) in clocks {
            try checkServes(resource)
            try Self.check(step, at: try await Self.move(resource, clock, .look), of: resource)
        }
        var readings: [ClockReading] = []
        for (resource, clock) in clocks { readings.append(try await Self.move(resource, clock, step)) }
        if step == .freeze, let latest = readings.map(\.time).max() {
            for (index, (resource, clock)) in clocks.enumerated() where readings[index].time < latest {
                readings[index] = try await Self.move(resource, clock, .set(latest))
            }
        }
        return ClockDocument(
            resources: zip(clocks, readings).map { clock, reading in
                ClockDocument.Reading(
                    resource: "\(clock.resource.reference)", time: reading.time, frozen: reading.isFrozen)
            })
    }

    /// From 1970 to the end of the year 9999, in milliseconds: outside of that times and ids would leave their ranges.
    private static let times: ClosedRange<Int64> = 0...253_402_300_799_999

    /// Caches can go back, queues cannot.
    private static func check(
        _ step: ClockMove.Step, at now: ClockReading, of resource: LiveResource
    ) throws(BrokerError) {
        let goesBack =
            switch step {
            case .set(let time): time < now.time
            case .advance(let milliseconds): milliseconds < 0
            case .freeze, .resume, .look: false
            }
        let target: Int64? =
            switch step {
            case .set(let time): time
            case .advance(let milliseconds): now.time.addingReportingOverflow(milliseconds).partialValue
            case .freeze, .resume, .look: nil
            }
        if let target, !times.contains(target) {
            throw BrokerError(
                .invalidRequest, "the time of \"\(resource.reference)\" cannot be moved so far",
                why: "times are of the years 1970 to 9999; nothing was moved",
                fix: "broker clock set 2030-01-01T00:00:00Z \(resource.reference)")
        }
        guard goesBack, resource.serviceClass == .beanstalk else { return }
        throw BrokerError(
            .unsupported, "the time of \"\(resource.reference)\" does not go back",
            why: "ages and delays of jobs would become negative; nothing was moved", fix: "choose a later time")
    }

    private static func move(
        _ resource: LiveResource, _ clock: any ControlsClock, _ step: ClockMove.Step
    ) async throws(BrokerError) -> ClockReading {
        try await clock.move(ClockMove(backing: resource.backing, serviceClass: resource.serviceClass, step: step))
    }

    private static func step(_ request: ClockRequest) throws(BrokerError) -> ClockMove.Step {
        switch request.action {
        case .freeze: return .freeze
        case .resume: return .resume
        case .show: return .look
        case .set:
            guard let to = request.to else { throw missing("to", "milliseconds since 1970") }
            return .set(to)
        case .advance:
            guard let by = request.by else { throw missing("by", "milliseconds") }
            return .advance(by)
        }
    }

    private static func missing(_ field: String, _ unit: String) -> BrokerError {
        BrokerError(
            .invalidRequest, "\"\(field)\" is missing", why: "time is moved by \(unit)", fix: "send \"\(field)\"")
    }

    private static func noClock(_ resource: LiveResource) -> BrokerError {
        let isFile = !resource.serviceClass.isNetworked
        return BrokerError(
            .unsupported, "the time of \"\(resource.reference)\" cannot be moved",
            why: isFile
                ? "SQLite asks the system's clock in the app's process"
                : "\(resource.backing.provider) is a real server, which asks the system's clock",
            fix: isFile ? "broker clock show" : "broker swap \(resource.reference.name) --to emulator")
    }
}
