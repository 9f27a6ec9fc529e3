import RESPWire

/// Any bytes as requests: no crash, and the same requests however the bytes are cut.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRESPRequests(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let limits = start[0] & 1 == 0 ? RequestLimits.authenticated : .unauthenticated
    let cut = Int(start[0] >> 1) % (input.count + 1)
    let whole = requests(in: [input], limits)
    let parts = requests(in: [Array(input[..<cut]), Array(input[cut...])], limits)
    precondition(whole == parts, "cut at \(cut): \(whole) is not \(parts)")
    return 0
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
