import EventLoop
import Synchronization
import TestKit
import Testing

extension DriverTests {
    @Suite struct TurnTests {
        @Test(arguments: LoopUnderTest.allCases)
        func `timers fire by deadline, those of one deadline in the order they were set, none early`(
            driver: LoopUnderTest
        ) async throws {
            try await driver.run { loop in
                let log = EventLog()
                try await loop.onLoop {
                    let start = loop.now
                    for (delay, name) in [(20, "c"), (5, "a"), (20, "d"), (10, "b"), (0, "now")] {
                        let due = start + UInt64(delay) * 1_000_000
                        loop.schedule(after: UInt64(delay) * 1_000_000) {
                            log.add(.note(loop.now >= due ? name : "\(name) came early"))
                        }
                    }
                }
                try await eventually("all fire") { log.events.count == 5 }
                #expect(log.events == ["now", "a", "b", "c", "d"].map { .note($0) })
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a cancelled timer does not fire, and cancelling one that fired is ignored`(driver: LoopUnderTest)
            async throws
        {
            try await driver.run { loop in
                let log = EventLog()
                try await loop.onLoop {
                    let never = loop.schedule(after: 1_000_000) { log.add(.note("never")) }
                    let both = loop.schedule(after: 3_000_000) { log.add(.note("cancelled by another")) }
                    let fired = loop.schedule(after: 0) { log.add(.note("fired")) }
                    loop.schedule(after: 3_000_000 - 1) { loop.cancel(both) }
                    loop.cancel(never)
                    loop.schedule(after: 5_000_000) {
                        loop.cancel(fired)
                        loop.cancel(never)
                        log.add(.note("last"))
                    }
                }
                try await eventually("the last fires") { log.contains(.note("last")) }
                #expect(log.events == [.note("fired"), .note("last")])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `ten thousand timers fire in order`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let fired = Mutex<[UInt64]>([])
                try await loop.onLoop {
                    for index in 0..<10_000 as Range<UInt64> {
                        let delay = index &* 7_919 % 10_007 * 1000
                        let token = loop.schedule(after: delay) { fired.withLock { $0.append(delay) } }
                        if index % 10 == 0 { loop.cancel(token) }
                    }
                }
                try await eventually("all fire") { fired.withLock { $0.count } == 9_000 }
                #expect(fired.withLock { $0 == $0.sorted() })
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a timer that always sets itself again starves nobody, and an endless one never fires`(
            driver: LoopUnderTest
        ) async throws {
            try await driver.run { loop in
                let address = try await loop.serveEcho()
                let rounds = Counter()
                try await loop.onLoop {
                    loop.schedule(after: .max) { Issue.record("the end of time has come") }
                    setAgain(on: loop, counting: rounds)
                }
                let client = try SocketClient(to: address)
                for index in 0..<100 { try client.echo(UInt8(index)) }
                try await eventually("it comes round") { rounds.value.load(ordering: .relaxed) > 100 }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `posted work runs in the order of posting, whichever thread posts`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let logs = (0..<8).map { _ in EventLog() }
                await withTaskGroup { group in
                    for log in logs {
                        group.addTask {
                            for index in 0..<1000 { loop.post { log.add(.note("\(index)")) } }
                        }
                    }
                }
                try await loop.onLoop {}
                let order = (0..<1000).map { EventLog.Event.note("\($0)") }
                for log in logs { #expect(log.events == order) }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `work that posts work is not run inside the call`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let log = EventLog()
                try await loop.onLoop {
                    loop.post { log.add(.note("posted")) }
                    log.add(.note("posting"))
                }
                try await eventually("it runs") { log.events == [.note("posting"), .note("posted")] }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `the end of a turn comes after its events and before its replies`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let slots = Mutex<[ConnectionSlot]>([])
                try await loop.onLoop {
                    loop.atEndOfTurn {
                        for slot in slots.withLock({ $0 }) {
                            slot.withConnection { if $0.output.count > 0 { $0.output.append("end") } }
                        }
                    }
                }
                let address = try await loop.serve { connection in
                    let slot = ConnectionSlot()
                    slot.put(connection, on: loop)
                    slots.withLock { $0.append(slot) }
                    return EchoHandler()
                }
                for _ in 0..<3 {
                    let client = try SocketClient(to: address)
                    try client.send("begin-")
                    #expect(try client.receive(exactly: 9) == Array("begin-end".utf8))
                }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `the clocks stand still within a turn and go on between turns`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let times = try await loop.onLoop {
                    let before = (loop.now, loop.wallClock)
                    let deadline = ContinuousClock.now + .milliseconds(5)
                    while ContinuousClock.now < deadline {}
                    return [before.0 == loop.now, before.1 == loop.wallClock]
                }
                #expect(times == [true, true])
                let first = try await loop.onLoop { loop.now }
                let second = try await loop.onLoop { loop.now }
                #expect(second > first)
                #expect(abs(try await loop.onLoop { loop.wallClock } - wallClock()) < 5_000)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `isCurrent holds on the loop's thread alone`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                #expect(try await loop.onLoop { loop.isCurrent })
                #expect(!loop.isCurrent)
                let other = try driver.make()
                #expect(try await !other.onLoop { loop.isCurrent })
                await other.stop(grace: .zero)
                #expect(!other.isCurrent)
            }
        }
    }
}

/// Sets a timer that is due at once, and when it fires sets it again.
private func setAgain(on loop: any EventLoop, counting rounds: Counter) {
    rounds.value.add(1, ordering: .relaxed)
    loop.schedule(after: 0) { setAgain(on: loop, counting: rounds) }
}
