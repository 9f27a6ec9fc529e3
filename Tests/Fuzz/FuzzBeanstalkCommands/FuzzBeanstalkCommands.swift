import BeanstalkWire

/// Any bytes as commands of beanstalkd: no crash, and the same messages however the bytes are cut. The first three bytes
/// say where.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzBeanstalkCommands(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 3 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start + 3, count: count - 3))
    let cuts = (0..<3).map { Int(start[$0]) * (input.count + 1) / 256 }.sorted()
    let whole = messages(in: [input])
    let parts = messages(in: zip([0] + cuts, cuts + [input.count]).map { Array(input[$0..<$1]) })
    precondition(whole == parts, "cut at \(cuts): \(whole) is not \(parts)")
    return 0
}

/// The messages in `pieces` as text, the parts of a body put together; the bodies of urgent jobs are not wanted.
private func messages(in pieces: [[UInt8]]) -> [String] {
    var decoder = CommandDecoder(maximumBodySize: 20)
    var waiting: [UInt8] = []
    var body: [UInt8] = []
    var found: [String] = []
    for piece in pieces {
        waiting += piece
        let used = waiting.withUnsafeBytes { buffer in
            var offset = 0
            while let message = decoder.next(in: buffer, from: &offset) {
                switch message {
                case .command(let command):
                    found.append(text(of: command))
                    if case .put(let header) = command, header.priority < 5 { decoder.discardBody() }
                case .body(let part, let progress):
                    body += Array(part)
                    guard progress != .partial else { continue }
                    found.append("body \(body) \(progress)")
                    body = []
                case .bodyDiscarded: found.append("body discarded")
                case .badFormat(let counted): found.append("bad format \(String(describing: counted))")
                case .unknownCommand(let word): found.append("unknown \(Array(word))")
                }
            }
            return offset
        }
        waiting.removeFirst(used)
    }
    return found
}

private func text(of command: Command) -> String {
    switch command {
    case .use(let tube), .watch(let tube), .ignore(let tube), .statsTube(let tube): "\(command.name) \(Array(tube))"
    case .pauseTube(let tube, let seconds): "pause \(Array(tube)) \(seconds)"
    default: "\(command)"
    }
}
