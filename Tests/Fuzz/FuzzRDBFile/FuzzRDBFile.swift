import RDBWire

/// Any bytes as an RDB file: no crash, the same items and the same error however the source hands the bytes out, and
/// what a value was taken for can be written and taken for the same again. The first byte says how much comes at once.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRDBFile(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let file = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let whole = items(of: file, atOnce: .max)
    let parts = items(of: file, atOnce: Int(start[0]) % 32 + 1)
    precondition(whole.items == parts.items && whole.error == parts.error, "\(whole) is not \(parts)")
    for case .entry(let entry) in whole.items {
        guard let value = try? RDBValue.decode(entry.payload, limits: limits) else { continue }
        guard let written = try? encoded(value), let again = try? encoded(RDBValue.decode(written)) else {
            preconditionFailure("a value that cannot be written and read again: \(value)")
        }
        precondition(again == written, "\(value) is written as \(written) and then as \(again)")
    }
    return 0
}

private let limits = RDBLimits(stringBytes: 1 << 20, elements: 1 << 20)

private func encoded(_ value: RDBValue) throws(RDBError) -> [UInt8] {
    var encoder = RDBEncoder()
    return try encoder.encode(value)
}

private func items(of file: [UInt8], atOnce most: Int) -> (items: [RDBItem], error: RDBError?) {
    var position = 0
    var reader = RDBReader(limits: limits) { buffer in
        let given = file[position...].prefix(min(most, buffer.count))
        buffer.copyBytes(from: given)
        position += given.count
        return given.count
    }
    var items: [RDBItem] = []
    do throws(RDBError) {
        while true {
            let item = try reader.next()
            items.append(item)
            if item == .end { return (items, nil) }
        }
    } catch {
        return (items, error)
    }
}
