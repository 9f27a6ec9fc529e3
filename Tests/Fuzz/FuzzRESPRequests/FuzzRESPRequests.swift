import RESPWire

/// Any bytes as requests: no crash, and the same requests however the bytes are cut.
///
/// The first four bytes say how: the limits, whether a large argument stands in front (only behind one is a partial
/// request remembered), and three cuts.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRESPRequests(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 4 else { return 0 }
    let mode = start[0]
    let limits = mode & 1 == 0 ? RequestLimits.authenticated : .unauthenticated
    var input = Array(UnsafeBufferPointer(start: start + 4, count: count - 4))
    if mode & 2 != 0 {
        let large = [UInt8](repeating: 120, count: 16 << 10)
        input = Array("*\(2 + mode >> 4)\r\n$\(large.count)\r\n".utf8) + large + [13, 10] + input
    }
    // Where a large argument stands in front, the cuts are behind it.
    let tail = count - 3
    let cuts = (1...3).map { input.count - Int(start[$0]) * tail / 256 }.sorted()
    let whole = requests(in: [input], limits)
    let parts = requests(in: pieces(of: input, at: cuts), limits)
    precondition(whole == parts, "cut at \(cuts): \(whole) is not \(parts)")
    return 0
}

private func pieces(of input: [UInt8], at cuts: [Int]) -> [[UInt8]] {
    zip([0] + cuts, cuts + [input.count]).map { Array(input[$0..<$1]) }
}

/// The requests in `pieces` and, last, the error that ended them.
private func requests(in pieces: [[UInt8]], _ limits: RequestLimits) -> [[[UInt8]]] {
    let batch = RequestBatch(capacity: 4)
    var partial = PartialRequest()
    var waiting: [UInt8] = []
    var found: [[[UInt8]]] = []
    for piece in pieces {
        waiting += piece
        while true {
            var used = 0
            let end = waiting.withUnsafeBytes { bytes in
                let end = batch.parse(bytes, limits: limits, partial: &partial)
                for index in 0..<batch.count {
                    let request = batch[index]
                    found.append((0..<request.count).map { batch.arguments[request.first + $0].array })
                    used = request.end
                }
                if batch.count == 0 { used = batch.skipped }
                return end
            }
            waiting.removeFirst(used)
            if case .failed(let error) = end { return found + [[Array("\(error)".utf8)]] }
            if end == .needsMore { break }
        }
    }
    return found
}
