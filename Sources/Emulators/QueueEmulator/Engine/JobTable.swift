/// Every job by id: the owner of the jobs.
///
/// Ids are given in sequence, so the table has pages of 64 neighbours, and only pages are hashed. It grows and shrinks
/// by a page at a time: a million jobs cost no pause in which everything is moved.
struct JobTable {
    private static let pageSize: UInt64 = 64

    private final class Page {
        var jobs = [Job?](repeating: nil, count: Int(pageSize))
        var count = 0
    }

    private var pages: [UInt64: Page] = [:]
    /// The page that was last added: most jobs are asked for soon after they were put.
    private var newest: (number: UInt64, page: Page)?
    private(set) var count = 0

    subscript(id: UInt64) -> Job? {
        page(id / Self.pageSize)?.jobs[Int(id % Self.pageSize)]
    }

    /// Ids are never inserted twice.
    mutating func insert(_ job: Job) {
        let number = job.id / Self.pageSize
        let page = page(number) ?? addPage(number)
        page.jobs[Int(job.id % Self.pageSize)] = job
        page.count += 1
        count += 1
    }

    mutating func remove(_ id: UInt64) {
        let number = id / Self.pageSize
        guard let page = page(number), page.jobs[Int(id % Self.pageSize)] != nil else { return }
        page.jobs[Int(id % Self.pageSize)] = nil
        page.count -= 1
        count -= 1
        // The newest page stays: it is about to be filled.
        if page.count == 0, number != newest?.number { pages[number] = nil }
    }

    /// In no order; `body` must not change the table.
    func forEach(_ body: (Job) -> Void) {
        for page in pages.values { for case let job? in page.jobs { body(job) } }
    }

    private func page(_ number: UInt64) -> Page? {
        if let newest, newest.number == number { return newest.page }
        return pages[number]
    }

    private mutating func addPage(_ number: UInt64) -> Page {
        if let newest, newest.page.count == 0 { pages[newest.number] = nil }
        let page = Page()
        pages[number] = page
        newest = (number, page)
        return page
    }
}
