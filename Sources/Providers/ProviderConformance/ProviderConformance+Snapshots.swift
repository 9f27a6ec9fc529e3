import BrokerModel
import ProviderKit

/// The checks of `Snapshots`.
extension ProviderConformance {
    func restoreGoesBack() async throws {
        try await withSnapshot { kept, checked, id in
            let later = Mark("later")
            try await write(later, to: checked)
            // What is kept already under an id stays as it is.
            try await snapshot(kept, checked, id)
            for _ in 0..<2 {
                _ = try await kept.restore(restoreRequest(checked, id))
                try require(try await holds(Mark("before"), checked), "what it held is not there")
                try require(try await !holds(later, checked), "what was written since is still there")
            }
        }
    }

    func branchBeginsWithSnapshot() async throws {
        try await withSnapshot { _, origin, id in
            try await withBacking { branch in
                try await provision(branch, from: id)
                try require(try await holds(Mark("before"), branch), "the snapshot's data is not in it")
                let own = Mark("own")
                try await write(own, to: branch)
                try require(try await !holds(own, origin), "what is written to it is where the snapshot was taken")
                // One that is found again has what it had.
                try await provision(branch, from: id)
                try require(try await holds(own, branch), "provisioned again it begins anew")
            }
        }
    }

    func resetEmpties() async throws {
        try await withSnapshot { kept, checked, _ in
            for _ in 0..<2 {
                _ = try await kept.reset(ResetRequest(backing: checked.backing, serviceClass: serviceClass))
                try require(try await !holds(Mark("before"), checked), "what it held is still there")
            }
            try await write(Mark("after"), to: checked)
            try require(try await holds(Mark("after"), checked), "it does not take anything afterwards")
        }
    }

    func lostSnapshotIsTold() async throws {
        try await withSnapshot { kept, checked, id in
            try await kept.removeSnapshot(id)
            try await kept.removeSnapshot(id)
            try await requireError("a restore to what was removed", code: .snapshotNotFound) {
                _ = try await kept.restore(restoreRequest(checked, id))
            }
            try require(try await holds(Mark("before"), checked), "the restore that failed has changed something")
            try await withBacking { branch in
                try await requireError("a provision from what was removed", code: .snapshotNotFound) {
                    try await provision(branch, from: id)
                }
            }
        }
    }

    func badSeedChangesNothing() async throws {
        try await withSnapshot { kept, checked, _ in
            let (format, text) = Mark("half").file(serviceClass)
            let error = try await requireError("a file that ends in nonsense") {
                try await seed(text + "nonsense (\n", format, kept, checked)
            }
            try require(error.code == .invalidRequest, "it is answered with \(error.code)")
            try require(try await holds(Mark("before"), checked), "what it held is gone")
            try require(try await !holds(Mark("half"), checked), "the file's beginning was taken")
        }
    }

    // MARK: parts

    /// Gives `body` a backing that holds the mark `before`, and a snapshot of it.
    private func withSnapshot(
        _ body: (any Snapshots, CheckedBacking, SnapshotID) async throws -> Void
    ) async throws {
        guard let kept = provider as? any Snapshots else { throw DoesNotApply("it takes no snapshots") }
        let id = SnapshotID.random()
        try await withServingBacking { checked in
            try await write(Mark("before"), to: checked)
            try await snapshot(kept, checked, id)
            do {
                try await body(kept, checked, id)
            } catch {
                try? await kept.removeSnapshot(id)
                throw error
            }
            try await kept.removeSnapshot(id)
        }
    }

    private func snapshot(_ kept: any Snapshots, _ checked: CheckedBacking, _ id: SnapshotID) async throws {
        let part = SnapshotRequest.Part(id: id, backing: checked.backing, serviceClass: serviceClass)
        let facts = try await kept.snapshot(SnapshotRequest(parts: [part])).facts
        try require(facts.count == 1, "one part is answered with \(facts.count) facts")
    }

    private func restoreRequest(_ checked: CheckedBacking, _ id: SnapshotID) -> RestoreRequest {
        RestoreRequest(backing: checked.backing, serviceClass: serviceClass, snapshot: id)
    }
}
