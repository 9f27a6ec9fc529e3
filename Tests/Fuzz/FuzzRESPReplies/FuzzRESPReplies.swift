import RESPWire

/// Any bytes as replies: no crash, and the same units however the bytes are cut. The first three bytes say where.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRESPReplies(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 3 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start + 3, count: count - 3))
    let cuts = (0..<3).map { Int(start[$0]) * (input.count + 1) / 256 }.sorted()
    let whole = units(in: [input])
    let parts = units(in: zip([0] + cuts, cuts + [input.count]).map { Array(input[$0..<$1]) })
    precondition(whole == parts, "cut at \(cuts): \(whole) is not \(parts)")
    return 0
}

/// The units in `pieces` with their ends, and what is behind the last one.
private func units(in pieces: [[UInt8]]) -> [String] {
    var framer = ReplyFramer()
    var found: [String] = []
    var before = 0
    for piece in pieces {
        var position = 0
        loop: while true {
            switch piece.withUnsafeBytes({ framer.next($0, from: position) }) {
            case .unit(let unit, let end):
                precondition(end > position && framer.isAtBoundary)
                found.append("\(unit.type) \(unit.word?.rawValue ?? "") \(before + end)")
                position = end
            case .needsMore: break loop
            case .malformed: return found + ["malformed"]
            }
        }
        before += piece.count
    }
    return found + [framer.isAtBoundary ? "boundary" : "inside"]
}
