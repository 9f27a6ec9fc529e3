public import EventLoop

/// Writes replies to the end of a connection's output.
public struct ReplyWriter {
    private let output: ByteOutput

    public init(_ output: ByteOutput) {
        self.output = output
    }

    public func reply(_ reply: Reply) {
        output.append(reply.line)
    }

    public func inserted(id: UInt64) {
        output.append("INSERTED ")
        number(id)
        output.append("\r\n")
    }

    public func kicked(count: UInt32) {
        output.append("KICKED ")
        number(UInt64(count))
        output.append("\r\n")
    }

    public func watching(count: Int) {
        output.append("WATCHING ")
        number(UInt64(count))
        output.append("\r\n")
    }

    public func using(tube: UnsafeRawBufferPointer) {
        output.append("USING ")
        output.append(tube)
        output.append("\r\n")
    }

    /// `body` includes its CR LF; `missing` zero bytes stand for the end of a body that is still arriving.
    public func reserved(id: UInt64, body: UnsafeRawBufferPointer, missing: Int = 0) {
        output.append("RESERVED ")
        job(id: id, body: body, missing: missing)
    }

    /// `body` and `missing` as for `reserved`.
    public func found(id: UInt64, body: UnsafeRawBufferPointer, missing: Int = 0) {
        output.append("FOUND ")
        job(id: id, body: body, missing: missing)
    }

    public func ok(_ document: YAMLDocument) {
        output.append("OK ")
        number(UInt64(document.bytes.count))
        output.append("\r\n")
        document.bytes.withUnsafeBytes { output.append($0) }
        output.append("\r\n")
    }

    private func job(id: UInt64, body: UnsafeRawBufferPointer, missing: Int) {
        number(id)
        output.append(0x20)
        number(UInt64(body.count + missing - 2))
        output.append("\r\n")
        output.append(body)
        for _ in 0..<missing { output.append(0) }
    }

    private func number(_ value: UInt64) {
        let (start, digits) = (output.reserve(20), value.decimalDigits)
        var rest = value
        var index = digits
        repeat {
            index -= 1
            start.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: index, as: UInt8.self)
            rest /= 10
        } while index > 0
        output.advance(by: digits)
    }
}

extension UInt64 {
    /// How many digits its decimal form has: 1 to 20.
    fileprivate var decimalDigits: Int {
        var (digits, rest) = (1, self)
        while rest > 9 {
            digits += 1
            rest /= 10
        }
        return digits
    }
}
