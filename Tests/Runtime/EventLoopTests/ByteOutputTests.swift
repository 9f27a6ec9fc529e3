import EventLoop
import TestKit
import Testing

@Suite struct ByteOutputTests {
    private func text(_ output: ByteOutput) -> String {
        String(decoding: output.readable, as: UTF8.self)
    }

    @Test func `everything that is appended is readable in order`() {
        let output = ByteOutput(pool: BufferPool())
        #expect(output.readable.isEmpty)
        output.append("static ")
        output.append("string " + String(1))
        output.append(UInt8(ascii: " "))
        Array("bytes".utf8).withUnsafeBytes {
            output.append($0)
            output.append($0.baseAddress.unsafelyUnwrapped, 2)
        }
        output.append(UnsafeRawBufferPointer(start: nil, count: 0))
        output.reserve(3).copyMemory(from: "end", byteCount: 3)
        output.advance(by: 3)
        #expect(text(output) == "static string 1 bytesbyend")
        #expect(output.count == 26)
    }

    @Test func `consume takes from the front, truncate from the end`() {
        let output = ByteOutput(pool: BufferPool())
        output.append("0123456789")
        output.consume(3)
        #expect(text(output) == "3456789")
        output.truncate(to: 5)
        #expect(text(output) == "34567")
        output.consume(5)
        #expect(output.count == 0)
        output.append("again")
        #expect(text(output) == "again")
        output.removeAll()
        #expect(output.count == 0)
        #expect(output.readable.isEmpty)
    }

    @Test func `an output that is asked to hold too much holds nothing and says so`() {
        let output = ByteOutput(pool: BufferPool())
        let piece = [UInt8](repeating: 1, count: 100 << 20)
        var most = 0
        for _ in 0..<12 {
            piece.withUnsafeBytes { output.append($0) }
            most = max(most, output.count)
        }
        #expect(output.hasOverflowed)
        #expect(most <= ByteOutput.limit)
        output.truncate(to: 1000)
        output.append("more")
        #expect(output.count == 1004)
        output.removeAll()
        #expect(output.hasOverflowed)
    }

    @Test func `any mix of appending and consuming keeps the bytes`() {
        var random = SeededRandom(seed: 7)
        let output = ByteOutput(pool: BufferPool())
        var model: [UInt8] = []
        for step in 0..<3_000 {
            let sizes = [1, 100, 5_000, 70_000, 300_000]
            let size = Int(random.next() % UInt64(sizes[Int(random.next() % 5)])) + 1
            if random.next() % 5 < 2, model.count < 4 << 20 {
                let bytes = pattern(size, from: step)
                bytes.withUnsafeBytes { output.append($0) }
                model += bytes
            } else {
                let used = min(size, model.count)
                output.consume(used)
                model.removeFirst(used)
            }
            #expect(output.count == model.count)
            if step % 50 == 0 { #expect(Array(output.readable) == model) }
        }
    }

    @Test func `the driver is told once for each time bytes come to an empty output`() {
        let output = ByteOutput(pool: BufferPool())
        var told = 0
        output.becameNonEmpty = { told += 1 }
        output.append("a")
        output.append(String(repeating: "b", count: 100_000))
        output.consume(50)
        output.append("c")
        #expect(told == 1)
        output.consume(output.count)
        #expect(told == 1)
        output.append("d")
        #expect(told == 2)
    }

    @Test func `buffers go back to the pool and are used again`() {
        let pool = BufferPool()
        let (first, second) = (ByteOutput(pool: pool), ByteOutput(pool: pool))
        first.append("x")
        let address = first.readable.baseAddress
        first.consume(1)
        second.append("y")
        #expect(second.readable.baseAddress == address)
    }
}
