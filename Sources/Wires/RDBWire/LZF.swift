/// The compression of long strings: runs of up to 32 literal bytes, and references of 3 to 264 bytes to the last 8 KiB.
///
/// A control byte below 32 announces literals, one more than its value. Others are a reference: the upper three bits
/// are the length less 2, 7 meaning that the next byte adds to it; the lower five and the following byte are the
/// distance less 1.
public enum LZF {
    /// No byte of compressed data becomes more bytes than this: a reference of three bytes becomes 264.
    static let largestRatio = 88
    static let longestLiteral = 32
    static let longestReference = 264
    /// Of a reference, counted from the byte that is to be written.
    static let farthest = 8 << 10

    /// The bytes that `packed` stands for, which are exactly `count`.
    public static func decompress(
        _ packed: UnsafeRawBufferPointer, count: Int, limit: Int = 512 << 20
    ) throws(RDBError) -> [UInt8] {
        guard count >= 0, count <= limit else { throw .tooLarge(limit: limit) }
        guard count <= packed.count.multipliedReportingOverflow(by: largestRatio).partialValue else {
            throw .malformed("compressed string of an impossible length")
        }
        var isComplete = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { output, written in
            guard let start = output.baseAddress, let source = packed.baseAddress else {
                isComplete = count == 0 && packed.isEmpty
                return
            }
            isComplete = expand(
                source.assumingMemoryBound(to: UInt8.self), packed.count, into: start, count, written: &written)
        }
        guard isComplete else { throw .malformed("compressed string") }
        return bytes
    }

    /// False when the input is broken or does not fill the output; `written` bytes are initialised in any case.
    private static func expand(
        _ input: UnsafePointer<UInt8>, _ inputCount: Int, into output: UnsafeMutablePointer<UInt8>, _ outputCount: Int,
        written: inout Int
    ) -> Bool {
        var from = 0
        var to = 0
        defer { written = to }
        while from < inputCount {
            let control = Int(input[from])
            from &+= 1
            if control < longestLiteral {
                let length = control &+ 1
                guard inputCount &- from >= length, outputCount &- to >= length else { return false }
                (output + to).update(from: input + from, count: length)
                from &+= length
                to &+= length
                continue
            }
            var length = control >> 5
            if length == 7 {
                guard from < inputCount else { return false }
                length &+= Int(input[from])
                from &+= 1
            }
            length &+= 2
            guard from < inputCount else { return false }
            let distance = ((control & 0x1f) << 8 | Int(input[from])) &+ 1
            from &+= 1
            guard distance <= to, outputCount &- to >= length else { return false }
            let place = output + to
            if distance >= length {
                place.update(from: place - distance, count: length)
            } else if distance == 1 {
                place.update(repeating: place[-1], count: length)
            } else {
                for index in 0..<length { place[index] = place[index &- distance] }
            }
            to &+= length
        }
        return to == outputCount
    }
}
