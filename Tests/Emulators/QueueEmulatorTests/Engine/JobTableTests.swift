import TestKit
import Testing

@testable import QueueEmulator

@Suite struct JobTableTests {
    private let tube = Array("t".utf8).withUnsafeBytes { Tube(name: $0, hash: 0) }

    private func job(_ id: UInt64) -> Job {
        Job(id: id, tube: tube, priority: 0, delay: 0, timeToRun: 1, bodySize: 0, createdAt: 0)
    }

    @Test func `it holds what a dictionary holds, through growth and shrinking`() {
        var generator = SeededRandom(seed: 12)
        var table = JobTable()
        var model: [UInt64: Job] = [:]
        var lastID: UInt64 = 0
        for round in 0..<6 {
            let target = [2000, 100, 5000, 0, 700, 10][round]
            while model.count != target {
                if model.count < target {
                    lastID += 1
                    let job = job(lastID)
                    table.insert(job)
                    model[lastID] = job
                } else {
                    let id = UInt64.random(in: 1...lastID, using: &generator)
                    table.remove(id)
                    model[id] = nil
                }
                #expect(table.count == model.count)
            }
            for id in 0...lastID { #expect(table[id] === model[id]) }
        }
    }
}
