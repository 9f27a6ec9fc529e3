import BrokerModel
import Testing

@testable import Gateway

/// How faults hold a stream's bytes up: the shaper as a dialogue, times in milliseconds.
struct StreamShaperTests {
    private static func shaper(_ effects: FaultEffect...) -> StreamShaper {
        var shaper = StreamShaper()
        for (number, effect) in effects.enumerated() {
            shaper.add(effect, by: FaultID(rawValue: UInt64(number)), seed: 1, now: 0)
        }
        return shaper
    }

    private static func step(_ shaper: inout StreamShaper, _ waiting: Int, _ time: Double) -> StreamShaper.Step {
        shaper.step(waiting: waiting, now: UInt64(time * 1e6))
    }

    @Test func `without faults all passes`() {
        var shaper = Self.shaper()
        #expect(Self.step(&shaper, 10, 0) == .init(pass: 10))
    }

    @Test func `each byte comes later by the latency`() {
        var shaper = Self.shaper(.latency(100, jitter: 0, .down))
        #expect(Self.step(&shaper, 10, 0) == .init(pass: 0, wakeAt: 100_000_000))
        #expect(Self.step(&shaper, 30, 50) == .init(pass: 0, wakeAt: 100_000_000))
        #expect(Self.step(&shaper, 30, 100) == .init(pass: 10, wakeAt: 150_000_000))
        let isAtLimit = shaper.passed(10, now: 100_000_000)
        #expect(!isAtLimit)
        #expect(Self.step(&shaper, 20, 149) == .init(pass: 0, wakeAt: 150_000_000))
        #expect(Self.step(&shaper, 20, 150) == .init(pass: 20))
    }

    @Test func `two latencies count as the longer wait of each byte`() {
        var shaper = Self.shaper(.latency(100, jitter: 0, .down), .latency(200, jitter: 0, .down))
        #expect(Self.step(&shaper, 10, 0).pass == 0)
        #expect(Self.step(&shaper, 10, 100).pass == 0)
        #expect(Self.step(&shaper, 10, 200).pass == 10)
    }

    @Test func `a bandwidth lets so much pass in a second, whatever waits`() {
        var shaper = Self.shaper(.bandwidth(1, .down))
        var passed = 0
        for time in stride(from: 0.0, through: 10_000, by: 10) {
            let step = Self.step(&shaper, 1 << 20, time)
            #expect(step.wakeAt != nil)
            _ = shaper.passed(step.pass, now: UInt64(time * 1e6))
            passed += step.pass
        }
        #expect((9_900...10_100).contains(passed))
    }

    @Test func `slices are of about a size, and apart`() {
        var shaper = Self.shaper(.slicer(size: 10, variation: 3, delay: 1000, .down))
        var (waiting, time, sizes) = (200, 0.0, [Int]())
        while waiting > 0 {
            let step = Self.step(&shaper, waiting, time)
            _ = shaper.passed(step.pass, now: UInt64(time * 1e6))
            sizes.append(step.pass)
            waiting -= step.pass
            if waiting > 0 { #expect(Self.step(&shaper, waiting, time).pass == 0) }
            time += 1
        }
        #expect(sizes.dropLast().allSatisfy { (7...13).contains($0) })
        #expect(Set(sizes).count > 2)
    }

    @Test func `a limit ends the stream behind so many bytes`() {
        var shaper = Self.shaper(.limitData(bytes: 15, .down))
        #expect(Self.step(&shaper, 10, 0) == .init(pass: 10))
        let isEarly = shaper.passed(10, now: 0)
        #expect(!isEarly)
        #expect(Self.step(&shaper, 10, 0) == .init(pass: 5))
        let isAtLimit = shaper.passed(5, now: 0)
        #expect(isAtLimit)
        #expect(Self.step(&shaper, 5, 0) == .init(pass: 0, ends: true))
    }

    @Test func `what is swallowed counts as gone, and a removed fault lets the rest pass`() {
        var shaper = Self.shaper(.timeout(0, .down), .latency(10, jitter: 0, .down))
        #expect(Self.step(&shaper, 10, 0).swallows)
        #expect(shaper.swallower == FaultID(rawValue: 0))
        shaper.swallowed(10)
        shaper.remove(FaultID(rawValue: 0))
        #expect(Self.step(&shaper, 5, 20).pass == 0)
        shaper.remove(FaultID(rawValue: 1))
        #expect(Self.step(&shaper, 5, 21) == .init(pass: 5))
        #expect(shaper.isEmpty)
    }

    @Test func `marks of a latency are bounded by its time, not by its bytes`() {
        var shaper = Self.shaper(.latency(1000, jitter: 200, .down))
        var waiting = 0
        for number in 0..<100_000 {
            waiting += 1
            let time = Double(number) / 100
            let step = Self.step(&shaper, waiting, time)
            _ = shaper.passed(step.pass, now: UInt64(time * 1e6))
            waiting -= step.pass
        }
        #expect(Self.step(&shaper, waiting, 1e6).pass == waiting)
    }
}
