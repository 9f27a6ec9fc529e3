/// The longest common subsequence of two strings, by dynamic programming over a table of (a+1) × (b+1) lengths.
struct CommonSubsequence {
    struct Range {
        var first: Int
        var second: Int
        var length: Int
    }

    let length: Int
    let bytes: [UInt8]
    /// The runs in which both are equal, the last one first.
    let ranges: [Range]

    /// The most memory for the table.
    private static let limit = 512 << 20

    /// Nil when the table would be larger than 512 MiB.
    init?(_ a: [UInt8], _ b: [UInt8]) {
        let width = b.count + 1
        let (cells, overflow) = (a.count + 1).multipliedReportingOverflow(by: width)
        guard !overflow, cells < Self.limit / 4 else { return nil }
        var table = [UInt32](repeating: 0, count: cells)
        for i in 0..<a.count {
            for j in 0..<b.count {
                let place = (i + 1) * width + j + 1
                table[place] =
                    a[i] == b[j] ? table[place - width - 1] + 1 : max(table[place - 1], table[place - width])
            }
        }
        length = Int(table[cells - 1])
        var found: [UInt8] = []
        var ranges: [Range] = []
        var current: Range?
        var i = a.count
        var j = b.count
        while i > 0, j > 0 {
            if a[i - 1] == b[j - 1] {
                found.append(a[i - 1])
                if let run = current, run.first == i, run.second == j {
                    current = Range(first: i - 1, second: j - 1, length: run.length + 1)
                } else {
                    if let run = current { ranges.append(run) }
                    current = Range(first: i - 1, second: j - 1, length: 1)
                }
                i -= 1
                j -= 1
            } else if table[(i - 1) * width + j] > table[i * width + j - 1] {
                i -= 1
            } else {
                j -= 1
            }
        }
        if let run = current { ranges.append(run) }
        bytes = found.reversed()
        self.ranges = ranges
    }
}
