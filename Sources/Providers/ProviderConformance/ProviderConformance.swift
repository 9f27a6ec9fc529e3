public import BrokerModel
public import ProviderKit

/// The contract of providers, checked over any provider: what the control plane relies on.
///
/// Each check makes backings of its own, and removes them. Data is written by the provider's own means (`Snapshots.seed`, a
/// `CopyTarget`) and read by its own (`AnswersQuestions`, a `CopyEnd`); a provider that has none of them is checked without
/// data. Of a server that already runs, keys are written and removed whose names begin with `broker-conformance:`.
public struct ProviderConformance: Sendable {
    let provider: any Provider
    let reference: ProviderReference
    let serviceClass: ServiceClass
    let aids: ConformanceAids

    /// - Parameters:
    ///   - provider: one instance serves all checks, one after the other.
    ///   - reference: what it is asked to serve.
    ///   - serviceClass: of what it is asked to serve; a provider of several classes is checked once for each.
    ///   - aids: what more there is for checks that need it.
    public init(
        _ provider: any Provider, reference: ProviderReference, serviceClass: ServiceClass,
        aids: ConformanceAids = ConformanceAids()
    ) {
        self.provider = provider
        self.reference = reference
        self.serviceClass = serviceClass
        self.aids = aids
    }

    /// All checks, one after the other; returns what came of each. Throws `ContractBreaches` with all that failed.
    @discardableResult
    public func run() async throws -> [ContractCheck: ContractOutcome] {
        var outcomes: [ContractCheck: ContractOutcome] = [:]
        var breaches: [ContractBreach] = []
        for check in ContractCheck.allCases {
            do throws(ContractBreach) {
                outcomes[check] = try await run(check)
            } catch {
                breaches.append(error)
            }
        }
        guard breaches.isEmpty else { throw ContractBreaches(breaches: breaches) }
        return outcomes
    }

    /// One check.
    @discardableResult
    public func run(_ check: ContractCheck) async throws(ContractBreach) -> ContractOutcome {
        do {
            let before = try await aids.leftovers?()
            var outcome = ContractOutcome.kept
            do {
                try await withLimit { try await body(of: check)() }
            } catch let refusal as DoesNotApply {
                outcome = .doesNotApply(refusal.reason)
            }
            let left = try await aids.leftovers?().subtracting(before ?? []) ?? []
            guard left.isEmpty else {
                throw ContractBreach(
                    check: .deprovisioningLeavesNothing,
                    evidence: "after \(check.rawValue) there is \(left.sorted().joined(separator: ", "))")
            }
            return outcome
        } catch let breach as ContractBreach {
            throw breach
        } catch let broken as Broken {
            throw ContractBreach(check: check, evidence: broken.evidence)
        } catch {
            throw ContractBreach(check: check, evidence: "an error came that the contract does not have: \(error)")
        }
    }

    private func body(of check: ContractCheck) -> @Sendable () async throws -> Void {
        switch check {
        case .offersWhatItServes: offersWhatItServes
        case .checkChangesNothing: checkChangesNothing
        case .provisioningAgainChangesNothing: provisioningAgainChangesNothing
        case .isReachedInOneWay: isReachedInOneWay
        case .deprovisioningNothingSucceeds: deprovisioningNothingSucceeds
        case .deprovisioningLeavesNothing: deprovisioningLeavesNothing
        case .memoryHasNoSecret: memoryHasNoSecret
        case .unkeptMemoryFailsTheProvision: unkeptMemoryFailsTheProvision
        case .cancelledProvisionLeavesNothing: cancelledProvisionLeavesNothing
        case .backingsAreApart: backingsAreApart
        case .backingsAreMadeAtOnce: backingsAreMadeAtOnce
        case .errorsSayWhatHelps: errorsSayWhatHelps
        case .bindingAgainAnswersTheSame: bindingAgainAnswersTheSame
        case .directModeAloneHasURL: directModeAloneHasURL
        case .maskedURLHidesSecret: maskedURLHidesSecret
        case .attachmentsHaveTheirOwnCredentials: attachmentsHaveTheirOwnCredentials
        case .credentialsAreNewAfterUnbind: credentialsAreNewAfterUnbind
        case .unboundIsShutOut: unboundIsShutOut
        case .unbindingAgainAnswersTheSame: unbindingAgainAnswersTheSame
        case .copyArrivesAsItWas: copyArrivesAsItWas
        case .changesFollowTheCopy: changesFollowTheCopy
        case .surveyCountsKeys: surveyCountsKeys
        case .sourceDoesNotBlock: sourceDoesNotBlock
        case .endOfServerIsReported: endOfServerIsReported
        case .frozenTimeStandsStill: frozenTimeStandsStill
        case .timeMovesAsFarAsAsked: timeMovesAsFarAsAsked
        case .timesAreApart: timesAreApart
        case .questionsAreAnswered: questionsAreAnswered
        case .foreignQuestionIsRefused: foreignQuestionIsRefused
        case .restoreGoesBack: restoreGoesBack
        case .branchBeginsWithSnapshot: branchBeginsWithSnapshot
        case .resetEmpties: resetEmpties
        case .lostSnapshotIsTold: lostSnapshotIsTold
        case .badSeedChangesNothing: badSeedChangesNothing
        case .suspendedComesBack: suspendedComesBack
        case .suspendedComesBackInNextDaemon: suspendedComesBackInNextDaemon
        case .fencedIsShutOut: fencedIsShutOut
        case .liftedCredentialsAreTheSame: liftedCredentialsAreTheSame
        }
    }

    /// A provider that hangs fails, where it lets itself be cancelled.
    private func withLimit(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await body() }
            group.addTask { [limit = aids.limit] in
                try await Task.sleep(for: limit)
                throw Broken(evidence: "it took longer than \(limit)")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
