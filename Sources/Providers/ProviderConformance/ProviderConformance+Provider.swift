import BrokerModel
import Gateway
import ProviderKit

/// The checks of `Provider`, but for attachments.
extension ProviderConformance {
    func offersWhatItServes() async throws {
        try require(provider.serves(reference), "it does not serve \"\(reference)\"")
        let offering = try offering()
        try require(!offering.plans.isEmpty, "its offering has no plan")
        try require(!offering.modes.isEmpty, "its offering has no mode")
        let classes = provider.offerings.map(\.serviceClass)
        try require(Set(classes).count == classes.count, "it has two offerings for one class")
    }

    func checkChangesNothing() async throws {
        let request = CheckRequest(provider: reference, serviceClass: serviceClass)
        let first = try await provider.check(request)
        for _ in 0..<2 {
            let again = try await provider.check(request)
            try require(again == first, "it answers \(again) after \(first)")
        }
    }

    func provisioningAgainChangesNothing() async throws {
        try await withBacking { checked in
            let first = try await provision(checked)
            let memory = checked.memory
            let mark = Mark("again")
            let isWritten = try await doesApply { try await write(mark, to: checked) }
            let again = try await provision(checked)
            try require(again.path == first.path, "its path is \(again.path ?? "none") after \(first.path ?? "none")")
            try require(again.server == first.server, "its server is \(again.server ?? "unnamed") the second time")
            try require(place(again) == place(first), "its upstream is another one the second time")
            try require(checked.memory == memory, "it has other things remembered the second time")
            if isWritten { try require(try await holds(mark, checked), "what was written is gone") }
            try await erase([mark.key], checked)
        }
    }

    func isReachedInOneWay() async throws {
        try await withBacking { checked in
            let response = try await provision(checked)
            if serviceClass.isNetworked {
                try require(response.upstream != nil, "there is no upstream")
                try require(response.path == nil, "there is a path beside the upstream")
            } else {
                try require(response.upstream == nil, "a file has an upstream")
                let path = try require(response.path, "there is no path")
                try require(path.hasPrefix("/"), "the path \"\(path)\" is not absolute")
            }
        }
    }

    func deprovisioningNothingSucceeds() async throws {
        try await withBacking { checked in
            try await deprovision(checked)
            try await provision(checked)
            try await deprovision(checked)
            try await deprovision(checked)
        }
    }

    func deprovisioningLeavesNothing() async throws {
        var path: String?
        try await withBacking { checked in
            path = try await provision(checked).path
            _ = try await doesApply {
                guard !isStanding else { return }
                try await write(Mark("gone"), to: checked)
            }
            for mode in try offering().modes { _ = try await bind(checked, .random(), mode) }
            try await deprovision(checked)
            try await requireGone(checked, path: path)
        }
    }

    func memoryHasNoSecret() async throws {
        try await withServingBacking { checked in
            guard let memory = checked.memory else { throw DoesNotApply("it has nothing remembered") }
            let words = memory.flatMap { [$0.key, $0.value] }
            let isKept = checked.backing.secret.reveal { secret in words.allSatisfy { !$0.contains(secret) } }
            try require(isKept, "the backing's secret is among it")
            guard case .url(let url) = reference, let secret = url.secret else { return }
            try require(
                secret.reveal { text in words.allSatisfy { !$0.contains(text) } }, "the reference's secret is among it")
        }
    }

    func unkeptMemoryFailsTheProvision() async throws {
        let full = BrokerError(.diskFull, "nothing can be kept", why: "this is a check", fix: "none is needed")
        for plan in try offering().plans {
            try await withBacking { checked in
                let request = ProvisionRequest(backing: checked.backing, serviceClass: serviceClass, plan: plan) {
                    (_) throws(BrokerError) in
                    checked.memory = [:]
                    throw full
                }
                let refusal: BrokerError?
                do throws(BrokerError) {
                    _ = try await provider.provision(request)
                    refusal = nil
                } catch {
                    refusal = error
                }
                // Who has nothing remembered is not met by this.
                guard checked.memory != nil || refusal != nil else { return }
                let error = try require(refusal, "it serves, and nobody will find it again")
                try require(error == full, "it throws \(error) and not what was thrown")
                try await deprovision(checked)
                try await requireGone(checked, path: nil)
            }
        }
    }

    func cancelledProvisionLeavesNothing() async throws {
        for delay in [0, 1, 5, 20, 100] {
            try await withBacking { checked in
                let task = Task { try await provision(checked) }
                try await Task.sleep(for: .milliseconds(delay))
                task.cancel()
                // It may have come to its end before.
                let path = try? await task.value.path
                try await deprovision(checked)
                try await requireGone(checked, path: path)
            }
        }
        // And it can go on.
        try await withServingBacking { _ in }
    }

    func backingsAreApart() async throws {
        let other = try otherReference()
        try await withBacking { one in
            let first = try await provision(one)
            try await withBacking(of: other) { two in
                let second = try await provision(two)
                if let path = first.path { try require(path != second.path, "both have the path \"\(path)\"") }
                if !isStanding, let place = place(first) {
                    try require(place != self.place(second), "both are reached at \(place)")
                }
                let mark = Mark("apart")
                try await write(mark, to: one)
                try require(try await holds(mark, one), "what was written is not there")
                try require(try await !holds(mark, two), "what was written to the one is in the other")
                try await deprovision(two)
                try require(try await holds(mark, one), "what was written is gone with the other one")
                try await erase([mark.key], one)
            }
        }
    }

    func backingsAreMadeAtOnce() async throws {
        let several = (0..<6).map { _ in CheckedBacking(reference) }
        let places = try await withThrowingTaskGroup(of: (String?, String?).self) { group in
            for checked in several {
                group.addTask {
                    let response = try await provision(checked)
                    return (response.path, place(response))
                }
            }
            var all: [(String?, String?)] = []
            do {
                while let next = try await group.next() { all.append(next) }
            } catch {
                for checked in several { try? await deprovision(checked) }
                throw error
            }
            return all
        }
        if !isStanding {
            for found in [places.compactMap(\.0), places.compactMap(\.1)] {
                try require(Set(found).count == found.count, "two of them are at one place: \(found.sorted())")
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for checked in several { group.addTask { try await deprovision(checked) } }
            try await group.waitForAll()
        }
        for checked in several { try await requireGone(checked, path: nil) }
    }

    func errorsSayWhatHelps() async throws {
        guard let unservable = aids.unservable else {
            throw DoesNotApply("no reference was given that cannot be served")
        }
        try await requireError("a check of \"\(unservable)\"") {
            _ = try await provider.check(CheckRequest(provider: unservable, serviceClass: serviceClass))
        }
        try await withBacking(of: unservable) { checked in
            let error = try await requireError("a provision of \"\(unservable)\"") { try await provision(checked) }
            try require(
                checked.backing.secret.reveal { !"\(error)".contains($0) }, "the error has the backing's secret")
        }
    }

    // MARK: parts

    /// Where a provider's data is that is not the reference's.
    func otherReference() throws -> ProviderReference {
        if let other = aids.other { return other }
        guard !isStanding else { throw DoesNotApply("no other reference was given for a server that already runs") }
        return reference
    }

    /// False where the provider has no way to do it.
    func doesApply(_ body: () async throws -> Void) async throws -> Bool {
        do {
            try await body()
            return true
        } catch is DoesNotApply {
            return false
        }
    }

    /// What tells a server's upstream from another one's; nil for an emulator, which is no place.
    private func place(_ response: ProvisionResponse) -> String? {
        guard case .redisServer(let server) = response.upstream else { return nil }
        return "\(server.address) \(server.database ?? -1)"
    }
}
