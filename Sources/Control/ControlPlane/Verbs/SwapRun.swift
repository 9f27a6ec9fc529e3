import BrokerModel
import Gateway
import Ledger
import ProviderKit

/// What is asked of a swap beside its target.
struct SwapOptions: Sendable {
    /// How long clients may be kept waiting.
    var maxPause = Duration.milliseconds(250)
    /// How the copy is compared; nil compares all keys up to a million, and a sample of more.
    var verify: SwapRequest.Verification?
    /// How long the former provider follows.
    var undoWindow = Duration.seconds(1800)
    var mode = SwapFitness.DataMode.copy
    var isRollback = false
    /// Direct attachments are shut out at the pause, and get the target's URL.
    var fences = false
    /// Go back although not everything could be carried back.
    var discards = false

    /// So many keys are compared where not all are.
    static let sample = 100_000
    static let mostCompared = 1_000_000

    init() {}

    init(_ request: SwapRequest) {
        self.init()
        if let maxPause = request.maxPause { self.maxPause = .milliseconds(max(maxPause, 1)) }
        if let undoWindow = request.undoWindow { self.undoWindow = .seconds(max(undoWindow, 0)) }
        verify = request.verify
        fences = request.fence == true
        mode =
            switch request.existing {
            case _ where request.cold == true: .cold
            case .overwrite: .overwrite
            case .adopt: .adopt
            case nil: .copy
            }
    }
}

/// What a swap works with while it runs.
struct SwapRun: Sendable {
    let operation: Operation
    let options: SwapOptions
    /// As it was before the swap; of a swap that is resumed after the switch, as it is.
    let resource: Resource
    let target: Backing
    /// Nil when it is gone already.
    let former: Backing?
    let attachments: [StoredAttachment]
    let endpoints: [EndpointID]
    var outcome: SwapOutcome
    /// How the target serves, once it does.
    var response: ProvisionResponse?
    var isTargetRemoved = false
    /// The copy has begun to write to the target.
    var hasWritten = false
    /// What the direct attachments are told at the target.
    var direct: [AttachmentID: DirectURL] = [:]
    var isFenced = false
    /// Keys that the target had thrown away before the copy.
    var evictedBefore: Int?
    /// That the clients had asked before the swap.
    var requestsBefore: UInt64 = 0
    /// How long each client waited that had asked for something within the pause.
    var waits: [Duration] = []
    var pausedAt = ContinuousClock.now
    /// The events of keys that the target was made to publish.
    var events: KeyspaceEventSet?
    /// How much memory the former provider may take, and the target, as both said before the pause.
    var bound: MemoryBound?
    var targetBound: MemoryBound?
    /// Carries the data across.
    var copy: DataCopy?
    /// Carries back what is written after the switch; of a rollback, what has done so until now.
    var wayBack: WayBack?

    /// What was asked, without the pause.
    var command: String {
        guard !options.isRollback else {
            return "broker rollback \(resource.name)" + (options.discards ? " --discard" : "")
                + (options.fences ? " --fence" : "")
        }
        var command = "broker swap \(resource.name) --to \(target.provider.argument)"
        switch options.mode {
        case .copy: break
        case .overwrite: command += " --overwrite"
        case .adopt: command += " --adopt"
        case .cold: command += " --cold"
        }
        if let verify = options.verify { command += " --verify \(verify.rawValue)" }
        if options.undoWindow != SwapOptions().undoWindow {
            command += " --undo-window \(Int(options.undoWindow / .seconds(1)))s"
        }
        return command + (options.fences ? " --fence" : "")
    }

    init(
        _ operation: Operation, _ intent: Intent, _ options: SwapOptions, _ ledger: Ledger
    ) async throws(BrokerError) {
        self.operation = operation
        self.options = options
        let (resource, target, former, attachments, releases) = try await ledger.read { reader in
            let resource = try ControlPlane.found(try reader.resource(operation.resource)).resource
            let attachments = try reader.attachments(of: operation.resource)
            var releases: [String: Int] = [:]
            for app in Set(attachments.map(\.attachment.app)) where operation.phase == .switched {
                releases[app.rawValue] = try reader.latestRelease(of: app, in: resource.workspace)
            }
            return (
                resource, try ControlPlane.found(try intent.target.map { try reader.backing($0) } ?? nil),
                try intent.former.map { try reader.backing($0) } ?? nil, attachments, releases
            )
        }
        self.resource = resource
        self.target = target
        self.former = former
        self.attachments = attachments
        endpoints = EndpointSpecification.all(of: resource, attachments).map(\.id)
        outcome = SwapOutcome(
            resource: resource.name.rawValue, from: (former?.provider ?? resource.provider).description,
            to: target.provider.description, server: intent.server, cold: false, closed: 0, pause: 0,
            releases: releases, undo: (former?.provider).map { "broker swap \(resource.name) --to \($0.argument)" })
    }
}
