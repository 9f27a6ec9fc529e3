import RESPWire

/// What is counted of one row of the command table.
struct CommandCount {
    var calls = 0
    /// Refused before they ran.
    var rejected = 0
    /// Answered with an error.
    var failed = 0
    /// Of the calls: how many were timed, and how many nanoseconds these took together.
    var timed = 0
    var time = 0
    /// Calls that no histogram knows of, as `latency-tracking` was off; while it is off, those that one knows of.
    var untracked = 0

    /// Nanoseconds of all calls, from those that were timed.
    var estimatedTime: Double {
        timed == 0 ? 0 : Double(time) * (timed == calls ? 1 : Double(calls) / Double(timed))
    }
}

/// What INFO tells of commands and errors: `commandstats`, `errorstats`, `latencystats`.
///
/// Calls, refusals and failures are exact. Times are exact of commands that are timed anyway (`SlowLog`); of those that
/// are quick, which the clock would cost a tenth of their time, all are timed in one of `batchesPerSample` batches of
/// requests, and in the first ones: their `usec`, percentiles and histograms are estimates from these samples, scaled
/// to the number of calls.
struct CommandStatistics {
    /// By the number of a row; the emulator's, like the other block.
    let counted: UnsafeMutablePointer<CommandCount>
    /// Where commands count that are not to be counted.
    let uncounted: UnsafeMutablePointer<CommandCount>
    /// By the number of a row, made when it is first timed.
    private(set) var histograms: [LatencyHistogram?]
    /// By the first word of an error, as Redis takes it.
    private(set) var errors: [[UInt8]: Int] = [:]
    /// All replies that were errors, those within EXEC and scripts too.
    private(set) var errorReplies = 0
    private(set) var isTracking = true
    /// In percent, as they are set.
    private(set) var percentiles = ["50", "99", "99.9"]
    /// The last error of a command of the script that runs, without its sign.
    var errorOfScript: [UInt8] = []
    /// Batches until the next one that is timed, and how many are timed yet.
    var untilSample = 1
    private var firstSamples = Self.batchesAtFirst

    private let count: Int
    private static let batchesPerSample = 128
    private static let batchesAtFirst = 64
    /// Redis has no bound; a client that makes up errors fills no memory here.
    private static let mostKinds = 1000

    init(rows count: Int) {
        self.count = count
        counted = .allocate(capacity: count)
        uncounted = .allocate(capacity: count)
        counted.initialize(repeating: CommandCount(), count: count)
        uncounted.initialize(repeating: CommandCount(), count: count)
        histograms = Array(repeating: nil, count: count)
    }

    func deallocate() {
        counted.deallocate()
        uncounted.deallocate()
    }

    /// CONFIG RESETSTAT
    mutating func reset() {
        counted.update(repeating: CommandCount(), count: count)
        histograms = Array(repeating: nil, count: count)
        errors = [:]
        errorReplies = 0
        untilSample = 1
        firstSamples = Self.batchesAtFirst
    }

    mutating func configure(_ configuration: Configuration) {
        isTracking = configuration["latency-tracking"] == "yes"
        percentiles = configuration["latency-tracking-info-percentiles"].split(separator: " ").map(String.init)
    }

    /// A batch is timed; the next one that is comes some batches later.
    mutating func beginSample() {
        firstSamples = max(firstSamples - 1, 0)
        untilSample = firstSamples > 0 ? 1 : Self.batchesPerSample
    }

    /// A call has taken so many nanoseconds.
    mutating func noteTime(_ nanoseconds: Int, ofRow number: Int) {
        counted[number].timed &+= 1
        counted[number].time &+= nanoseconds
        guard isTracking else { return }
        if histograms[number] == nil { histograms[number] = LatencyHistogram() }
        histograms[number]?.note(nanoseconds)
    }

    /// An error was answered; `line` is what stands behind its sign.
    mutating func noteError(_ line: UnsafeRawBufferPointer) {
        errorReplies &+= 1
        let space = line.prefix(Self.longestWord).firstIndex(of: 0x20)
        let word = space.map { Array(line[..<$0]) } ?? Array("ERR".utf8)
        if let known = errors[word] {
            errors[word] = known &+ 1
        } else if errors.count < Self.mostKinds {
            errors[word] = 1
        }
    }

    /// A word that is longer is none; it counts as ERR.
    private static let longestWord = 31

    /// The calls that a row's histogram stands for.
    func trackedCalls(_ number: Int) -> Int {
        isTracking ? counted[number].calls - counted[number].untracked : counted[number].untracked
    }
}
