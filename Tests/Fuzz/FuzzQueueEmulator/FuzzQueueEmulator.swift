import FuzzLines

/// A session of several clients: no crash, books that balance after every line, and the same replies however the bytes
/// are cut.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzQueueEmulator(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let whole = replies(to: input, cutEvery: .max)
    let parts = replies(to: input, cutEvery: 1 + input.count % 7)
    precondition(whole == parts, "\(whole) is not \(parts)")
    return 0
}

@_cdecl("LLVMFuzzerCustomMutator")
public func mutateQueueSession(
    _ place: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int, _ seed: UInt32
) -> Int {
    mutator.mutate(place, size, capacity, seed: seed)
}

private func replies(to input: [UInt8], cutEvery length: Int) -> [String] {
    let session = QueueSessionScript(cutEvery: length)
    for line in input.split(separator: UInt8(ascii: "\n")) { session.play(Array(line)) }
    session.end()
    return session.replies
}

private let mutator = LineMutator(
    beginnings: [
        "put", "use", "reserve", "reserve-with-timeout", "reserve-job", "delete", "release", "bury", "touch", "watch",
        "ignore", "peek", "peek-ready", "peek-delayed", "peek-buried", "kick", "kick-job", "stats", "stats-job",
        "stats-tube", "list-tubes", "list-tube-used", "list-tubes-watched", "pause-tube", "quit", "put 0 0 1 2\nhi",
        "put 5 0 60 2\nho", "put 1024 2 3 0\n", "@client 1", "@client 2", "@client 3", "@pass", "@gone", "@end",
        "@drain", "@serve", "aa",
    ],
    words: [
        "0", "1", "2", "3", "4", "5", "8", "10", "60", "1000", "-1", "1023", "1024", "65535", "65536", "4294967295",
        "4294967296", "18446744073709551615", "18446744073709551616", "default", "a", "b", "c", "-a", "", "\r", "x\r",
    ])
