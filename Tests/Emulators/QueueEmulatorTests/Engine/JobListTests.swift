import Testing

@testable import QueueEmulator

@Suite struct JobListTests {
    @Test func `jobs stay in order, whichever leaves`() {
        let tube = Array("t".utf8).withUnsafeBytes { Tube(name: $0, hash: 0) }
        let jobs = (1...5).map {
            Job(id: $0, tube: tube, priority: 0, delay: 0, timeToRun: 1, bodySize: 0, createdAt: 0)
        }
        var list = JobList()
        for job in jobs { list.append(job) }
        func ids() -> [UInt64] {
            var ids: [UInt64] = []
            var next = list.first
            while let job = next {
                ids.append(job.id)
                next = job.next
            }
            return ids
        }
        list.remove(jobs[2])
        #expect(ids() == [1, 2, 4, 5])
        list.remove(jobs[0])
        list.remove(jobs[4])
        #expect(ids() == [2, 4])
        list.append(jobs[0])
        #expect(ids() == [2, 4, 1])
        list.remove(jobs[1])
        list.remove(jobs[0])
        list.remove(jobs[3])
        #expect(list.first == nil)
        #expect(list.count == 0)
        withExtendedLifetime(jobs) {}
    }
}
