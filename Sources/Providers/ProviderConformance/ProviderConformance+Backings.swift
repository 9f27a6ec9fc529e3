import BrokerModel
import ProviderKit
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A backing of a check, with what the provider has asked to keep of it.
final class CheckedBacking: Sendable {
    private let fresh: Backing
    private let stored = Mutex<[String: String]?>(nil)

    init(_ reference: ProviderReference) {
        fresh = Backing(id: .random(), resource: .random(), provider: reference, secret: .random(), memory: [:])
    }

    /// As the control plane hands it to the provider.
    var backing: Backing {
        var backing = fresh
        backing.memory = memory ?? [:]
        return backing
    }

    /// Nil where nothing was remembered.
    var memory: [String: String]? {
        get { stored.withLock { $0 } }
        set { stored.withLock { $0 = newValue } }
    }
}

extension ProviderConformance {
    /// Whether the backings of a reference are one server that was there before.
    var isStanding: Bool {
        if case .url = reference { true } else { false }
    }

    /// Gives `body` a backing that was not made yet, and removes it behind it.
    func withBacking(
        of other: ProviderReference? = nil, _ body: (CheckedBacking) async throws -> Void
    ) async throws {
        let checked = CheckedBacking(other ?? reference)
        do {
            try await body(checked)
        } catch {
            try? await deprovision(checked)
            throw error
        }
        try await deprovision(checked)
    }

    /// Gives `body` a backing that serves.
    func withServingBacking(
        of other: ProviderReference? = nil, _ body: (CheckedBacking) async throws -> Void
    ) async throws {
        try await withBacking(of: other) { checked in
            try await provision(checked)
            try await body(checked)
        }
    }

    func offering() throws -> Offering {
        try require(provider.offering(for: serviceClass), "it offers nothing for class \(serviceClass)")
    }

    @discardableResult
    func provision(
        _ checked: CheckedBacking, plan: Plan? = nil, from snapshot: SnapshotID? = nil
    ) async throws -> ProvisionResponse {
        let plan = try plan ?? aids.plan ?? require(try offering().plans.first, "its offering has no plan")
        return try await provider.provision(
            ProvisionRequest(backing: checked.backing, serviceClass: serviceClass, plan: plan, from: snapshot) {
                checked.memory = $0
            })
    }

    func deprovision(_ checked: CheckedBacking) async throws {
        _ = try await provider.deprovision(DeprovisionRequest(backing: checked.backing, serviceClass: serviceClass))
    }

    /// Nothing of a backing that was made can be met any more; a server that was there before stays.
    func requireGone(_ checked: CheckedBacking, path: String?) async throws {
        if let path {
            try require(!FileManager.default.fileExists(atPath: path), "\"\(path)\" is still there")
        }
        guard !isStanding, let asked = provider as? any AnswersQuestions else { return }
        let question = Question(
            backing: checked.backing, serviceClass: serviceClass, kind: Mark("gone").question(serviceClass))
        let answer = try? await asked.ask(question)
        try require(answer == nil, "it still answers")
    }

    /// What is thrown is one of ours, and helps; returns it.
    @discardableResult
    func requireError(
        _ what: String, code: ErrorCode? = nil, of body: () async throws -> Void
    ) async throws -> BrokerError {
        do {
            try await body()
        } catch let error as BrokerError {
            if let code {
                try require(error.code == code, "\(what) is answered with \(error.code) instead of \(code): \(error)")
            }
            try require(!error.what.isEmpty, "the error of \(what) does not say what went wrong")
            try require(!error.what.hasSuffix("."), "what went wrong ends in a full stop: \"\(error.what)\"")
            try require(!error.why.isEmpty, "the error of \(what) does not say why: \(error.what)")
            try require(error.fix?.isEmpty == false, "the error of \(what) has no fix: \(error.what)")
            return error
        }
        throw Broken(evidence: "\(what) succeeds")
    }
}
