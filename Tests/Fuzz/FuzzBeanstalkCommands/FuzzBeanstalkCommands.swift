import BeanstalkWire

/// Any bytes as commands of beanstalkd: no crash, and the same messages however the bytes are cut.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzBeanstalkCommands(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let cut = Int(start[0]) % (input.count + 1)
    let whole = messages(in: [input])
    let parts = messages(in: [Array(input[..<cut]), Array(input[cut...])])
    precondition(whole == parts, "cut at \(cut): \(whole) is not \(parts)")
    return 0
}

/// The messages in `pieces` as text, the parts of a body put together.
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
                case .command(let command): found.append("\(command.name)")
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
