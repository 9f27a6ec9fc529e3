import EventLoop
import TestKit
import Testing

@Suite struct PendingInputTests {
    @Test func `bytes are kept until they are consumed`() {
        var pending = PendingInput()
        #expect(pending.count == 0)
        #expect(pending.readable.isEmpty)
        pattern(10).withUnsafeBytes { pending.append($0) }
        pending.consume(4)
        pattern(5, from: 10).withUnsafeBytes { pending.append($0) }
        #expect(Array(pending.readable) == Array(pattern(15)[4...]))
        pending.consume(11)
        #expect(pending.count == 0)
        #expect(pending.readable.baseAddress == nil)
    }

    @Test func `what is written into room counts when it is added`() {
        var pending = PendingInput()
        let room = pending.room(atLeast: 100)
        #expect(room.count >= 100)
        room.copyBytes(from: pattern(60))
        #expect(pending.count == 0)
        pending.added(60)
        #expect(Array(pending.readable) == pattern(60))
    }

    @Test func `room grows by half and not by more`() {
        var pending = PendingInput()
        var largest = 0
        while pending.count < 16 << 20 {
            let room = pending.room(atLeast: 64 << 10)
            largest = max(largest, pending.count + room.count)
            #expect(pending.count + room.count <= max(pending.count + (64 << 10), pending.count * 3 / 2))
            pending.added(min(room.count, 64 << 10))
        }
        #expect(largest <= 24 << 20)
    }

    @Test func `move empties it into another buffer`() {
        var pending = PendingInput()
        pattern(10).withUnsafeBytes { pending.append($0) }
        pending.consume(3)
        var target = [UInt8](repeating: 0, count: 20)
        target.withUnsafeMutableBytes { pending.move(to: $0) }
        #expect(Array(target[..<7]) == Array(pattern(10)[3...]))
        #expect(pending.count == 0)
    }

    @Test func `any mix of appending and consuming keeps the bytes`() {
        var random = SeededRandom(seed: 11)
        var pending = PendingInput()
        var model: [UInt8] = []
        for step in 0..<5_000 {
            let size = Int(random.next() % 3_000) + 1
            if random.next() % 2 == 0 {
                let bytes = pattern(size, from: step)
                bytes.withUnsafeBytes { pending.append($0) }
                model += bytes
            } else {
                let used = min(size, model.count)
                pending.consume(used)
                model.removeFirst(used)
            }
            #expect(pending.count == model.count)
            if step % 20 == 0 { #expect(Array(pending.readable) == model) }
        }
    }
}
