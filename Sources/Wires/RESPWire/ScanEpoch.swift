/// Tells the cursors of SCAN, HSCAN, SSCAN and ZSCAN that one provider has handed out from those of another: they mean
/// nothing elsewhere, and travel between an app's connections.
///
/// The number of the epoch stands in the bits 46 to 52 of a cursor, so that it is exact as a double of JavaScript. Below
/// there is room for what providers hand out: the emulator's cursors end at bit 45, those of a server are below the size
/// of its tables. A cursor without an epoch (0, or one that was read inside MULTI) is left as it is.
public struct ScanEpoch: Hashable, Sendable {
    private static let shift: UInt64 = 46
    private static let most: UInt64 = 127

    /// From 1 to 127.
    private var number: UInt64

    /// Any other than that of a daemon before, but for one chance in 127.
    public static func random() -> ScanEpoch { ScanEpoch(number: .random(in: 1...most)) }

    public mutating func advance() {
        number = number % Self.most + 1
    }

    /// As it is handed out.
    public func tagged(_ cursor: UInt64) -> UInt64 {
        cursor == 0 || cursor >> Self.shift != 0 ? cursor : cursor | number << Self.shift
    }

    /// As the provider knows it; one of another epoch begins anew.
    public func opened(_ cursor: UInt64) -> UInt64 {
        let epoch = cursor >> Self.shift
        guard epoch > 0, epoch <= Self.most else { return cursor }
        return epoch == number ? cursor & (1 << Self.shift - 1) : 0
    }

    /// A reply with its cursor tagged: `*2`, a bulk string with the cursor, and the elements.
    public func tagged(reply: [UInt8]) -> [UInt8] {
        guard reply.starts(with: Array("*2\r\n$".utf8)), let begin = reply.dropFirst(5).firstIndex(of: 10),
            let end = reply[(begin + 1)...].firstIndex(of: 13),
            let cursor = UInt64(String(decoding: reply[(begin + 1)..<end], as: UTF8.self)), cursor != 0
        else { return reply }
        let text = "\(tagged(cursor))"
        return Array("*2\r\n$\(text.utf8.count)\r\n\(text)".utf8) + reply[end...]
    }
}
