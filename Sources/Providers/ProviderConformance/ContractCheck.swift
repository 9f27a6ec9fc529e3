/// One sentence of the contract of providers, and the check of it.
///
/// Those of a protocol that a provider does not conform to do not apply to it.
public enum ContractCheck: String, CaseIterable, Sendable {
    // MARK: Provider

    /// There is an offering for what is served.
    case offersWhatItServes
    /// `check` only looks.
    case checkChangesNothing
    /// `provision` finds again what it has made.
    case provisioningAgainChangesNothing
    /// An upstream or a path.
    case isReachedInOneWay
    /// `deprovision` of nothing.
    case deprovisioningNothingSucceeds
    /// `deprovision` of something.
    case deprovisioningLeavesNothing
    /// What `remember` is given.
    case memoryHasNoSecret
    /// `remember` throws.
    case unkeptMemoryFailsTheProvision
    /// The task of a `provision` is cancelled.
    case cancelledProvisionLeavesNothing
    /// One backing does not see another one.
    case backingsAreApart
    /// Verbs of several backings at once.
    case backingsAreMadeAtOnce
    /// What is thrown.
    case errorsSayWhatHelps

    // MARK: attachments

    /// `bind` twice.
    case bindingAgainAnswersTheSame
    /// What the two modes answer.
    case directModeAloneHasURL
    /// `DirectURL.masked`.
    case maskedURLHidesSecret
    /// Two attachments in direct mode.
    case attachmentsHaveTheirOwnCredentials
    /// `unbind`, and `bind` again.
    case credentialsAreNewAfterUnbind
    /// A client that comes by the URL of what was unbound.
    case unboundIsShutOut
    /// `unbind` twice, and of nothing.
    case unbindingAgainAnswersTheSame

    // MARK: CopiesData

    /// The snapshot of a source in a target.
    case copyArrivesAsItWas
    /// What is written behind the snapshot.
    case changesFollowTheCopy
    /// `survey`, before and after.
    case surveyCountsKeys
    /// `next` where nothing changes.
    case sourceDoesNotBlock

    // MARK: ReportsHealth

    /// A server that ends by itself.
    case endOfServerIsReported

    // MARK: ControlsClock

    /// `freeze` and `resume`.
    case frozenTimeStandsStill
    /// `advance` and `set`.
    case timeMovesAsFarAsAsked
    /// Time is a backing's own.
    case timesAreApart

    // MARK: AnswersQuestions

    /// Questions see what was written.
    case questionsAreAnswered
    /// A question of another class.
    case foreignQuestionIsRefused

    // MARK: Snapshots

    /// `snapshot` and `restore`.
    case restoreGoesBack
    /// `provision` with `from`.
    case branchBeginsWithSnapshot
    /// `reset`.
    case resetEmpties
    /// `removeSnapshot`, and `restore` behind it.
    case lostSnapshotIsTold
    /// `seed` from a file that cannot be taken.
    case badSeedChangesNothing

    // MARK: SuspendsServers

    /// `suspend`, and `provision` behind it.
    case suspendedComesBack
    /// `suspend`, and `provision` by another instance.
    case suspendedComesBackInNextDaemon

    // MARK: FencesDirect

    /// A client that comes by the URL of what is fenced.
    case fencedIsShutOut
    /// `bind` behind a `fence` and its `lift`.
    case liftedCredentialsAreTheSame

    /// The sentence of the contract that is broken where the check fails.
    public var sentence: String {
        switch self {
        case .offersWhatItServes: "A provider serves its reference, and offers its class with a plan and a mode."
        case .checkChangesNothing: "A check changes nothing, and answers the same when it is done again."
        case .provisioningAgainChangesNothing: "Provisioning again changes nothing, and answers the same."
        case .isReachedInOneWay:
            "What clients connect to has an upstream and no path; a file has a path and no upstream."
        case .deprovisioningNothingSucceeds: "What is gone already, or never was, is deprovisioned with success."
        case .deprovisioningLeavesNothing: "Deprovisioning leaves nothing of a backing behind."
        case .memoryHasNoSecret: "What a provider has remembered has no secret in it."
        case .unkeptMemoryFailsTheProvision:
            "A provision whose memory cannot be kept throws, and leaves nothing behind."
        case .cancelledProvisionLeavesNothing:
            "A provision that is cancelled leaves nothing behind that a deprovision does not remove."
        case .backingsAreApart: "Two backings are apart: what is in the one is not in the other."
        case .backingsAreMadeAtOnce: "Backings that are made and removed at once do not disturb each other."
        case .errorsSayWhatHelps: "An error says what went wrong and why, and has a fix."
        case .bindingAgainAnswersTheSame: "Binding again answers the same."
        case .directModeAloneHasURL: "Binding answers with a URL in direct mode, and only there."
        case .maskedURLHidesSecret: "The masked form of a URL does not have its secret."
        case .attachmentsHaveTheirOwnCredentials:
            "Attachments have credentials of their own, or unbinding warns that they have not."
        case .credentialsAreNewAfterUnbind:
            "After an unbind the credentials are new, or unbinding warns that they stay."
        case .unboundIsShutOut:
            "Who was let in by a URL is shut out when it is unbound, or unbinding warns that they are not."
        case .unbindingAgainAnswersTheSame: "Unbinding again, or what was never bound, answers the same."
        case .copyArrivesAsItWas: "What a source hands out and a target takes in is the same data."
        case .changesFollowTheCopy: "Every write that was answered before a position is in the batches up to it."
        case .surveyCountsKeys: "A survey counts the keys; a backing that was not made yet holds none."
        case .sourceDoesNotBlock:
            "A source that has nothing to hand out answers soon, and is closed twice with success."
        case .endOfServerIsReported:
            "A server that ends by itself is reported as failed, and as ready when it serves again."
        case .frozenTimeStandsStill: "Frozen time stands still until it is resumed."
        case .timeMovesAsFarAsAsked: "Time moves exactly as far as it is asked to."
        case .timesAreApart: "Moving one backing's time moves no other one's."
        case .questionsAreAnswered: "A question is answered by what the backing holds, and changes nothing."
        case .foreignQuestionIsRefused: "A question that a class does not have is refused as unsupported."
        case .restoreGoesBack: "A backing goes back to what it held at the snapshot, which stays as it was taken."
        case .branchBeginsWithSnapshot:
            "A backing that is provisioned from a snapshot begins with it, and goes its own way."
        case .resetEmpties: "A reset empties a backing."
        case .lostSnapshotIsTold:
            "A snapshot is removed twice with success, and is then answered with snapshotNotFound."
        case .badSeedChangesNothing: "Of a file in which something cannot be taken nothing is taken."
        case .suspendedComesBack: "What was suspended comes back with its data."
        case .suspendedComesBackInNextDaemon:
            "What was suspended comes back with its data in the next daemon's provider, which can remove it."
        case .fencedIsShutOut: "Direct attachments are shut out by a fence until it is lifted."
        case .liftedCredentialsAreTheSame: "Lifting a fence lets direct attachments in again with the same credentials."
        }
    }
}

extension ContractCheck: CustomStringConvertible {
    /// The sentence.
    public var description: String { sentence }
}
