/// Jobs in the order they came, linked through themselves: a job can be taken out of the middle in O(1).
///
/// Safety of `unowned(unsafe)`: a job is taken out of its list before the job table lets it go.
struct JobList {
    private(set) unowned(unsafe) var first: Job?
    private unowned(unsafe) var last: Job?
    private(set) var count = 0

    mutating func append(_ job: Job) {
        job.previous = last
        job.next = nil
        if let last { last.next = job } else { first = job }
        last = job
        count += 1
    }

    /// `job` must be in this list.
    mutating func remove(_ job: Job) {
        if let previous = job.previous { previous.next = job.next } else { first = job.next }
        if let next = job.next { next.previous = job.previous } else { last = job.previous }
        job.previous = nil
        job.next = nil
        count -= 1
    }
}
