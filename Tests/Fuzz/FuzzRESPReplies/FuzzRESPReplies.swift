import RESPWire

/// Any bytes as replies: no crash, and the same ends however the bytes are cut.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRESPReplies(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let cut = Int(start[0]) % (input.count + 1)
    let whole = ends(in: [input])
    let parts = ends(in: [Array(input[..<cut]), Array(input[cut...])])
    precondition(whole == parts, "cut at \(cut): \(whole) is not \(parts)")
    return 0
}

/// Where the units in `pieces` end; -1 in the place of what is no reply.
private func ends(in pieces: [[UInt8]]) -> [Int] {
    var framer = ReplyFramer()
    var ends: [Int] = []
    var before = 0
    for piece in pieces {
        var position = 0
        loop: while true {
            switch piece.withUnsafeBytes({ framer.next($0, from: position) }) {
            case .unit(_, let end):
                ends.append(before + end)
                position = end
            case .needsMore: break loop
            case .malformed: return ends + [-1]
            }
        }
        before += piece.count
    }
    return ends
}
