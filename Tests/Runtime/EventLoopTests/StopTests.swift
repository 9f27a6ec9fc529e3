import EventLoop
import Synchronization
import TestKit
import Testing

extension DriverTests {
    @Suite struct StopTests {
        @Test(arguments: LoopUnderTest.allCases, Family.allCases)
        func `stop sends the replies that wait and FIN, and closes the listeners`(driver: LoopUnderTest, family: Family)
            async throws
        {
            let loop = try driver.make()
            let log = EventLog()
            let slot = ConnectionSlot()
            let address = try await loop.serveEcho(family, log: log, slot: slot)
            let reply = pattern(8 << 20)
            let client = try SocketClient(to: address, receiveBuffer: 64 << 10)
            try client.send("hello")
            _ = try client.receive(exactly: 5)
            try await slot.use { connection in reply.withUnsafeBytes { connection.output.append($0) } }
            async let stopped: Void = loop.stop(grace: .seconds(20))
            #expect(try client.receiveToEnd() == reply)
            client.close()
            await stopped
            // The reply may have gone out before the stop was heard of: then it was drained first.
            #expect(log.events.filter { $0 != .drained } == [.received("hello"), .closed(.shutdown)])
            #expect(throws: SocketClient.Failure.self) { _ = try SocketClient(to: address) }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a peer that does not take its replies is cut off when the grace is over`(driver: LoopUnderTest)
            async throws
        {
            let loop = try driver.make()
            let log = EventLog()
            let slot = ConnectionSlot()
            let client = try SocketClient(to: try await loop.serveEcho(log: log, slot: slot), receiveBuffer: 64 << 10)
            try client.echo(65)
            try await slot.use { connection in pattern(32 << 20).withUnsafeBytes { connection.output.append($0) } }
            let took = await ContinuousClock().measure { await loop.stop(grace: .milliseconds(200)) }
            #expect(took >= .milliseconds(200))
            #expect(took < .seconds(5))
            #expect(log.events == [.received("A"), .closed(.shutdown)])
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `an idle loop stops at once, whatever the grace, and as often as it is asked`(driver: LoopUnderTest)
            async throws
        {
            let loop = try driver.make()
            let took = await ContinuousClock().measure {
                async let first: Void = loop.stop(grace: .seconds(1000))
                async let second: Void = loop.stop(grace: .seconds(Int64.max))
                _ = await (first, second)
                await loop.stop(grace: .zero)
            }
            #expect(took < .seconds(10))
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `work posted after the end is refused, and all that was accepted has run`(driver: LoopUnderTest)
            async throws
        {
            for _ in 0..<20 {
                let loop = try driver.make()
                let (accepted, ran) = (Counter(), Counter())
                try await withThrowingTaskGroup { group in
                    for _ in 0..<2 {
                        group.addTask {
                            // Never far ahead of the loop: what is tried is the end, not a long queue.
                            while loop.post({ ran.value.add(1, ordering: .relaxed) }) {
                                let posted = accepted.value.add(1, ordering: .relaxed).newValue
                                while posted > ran.value.load(ordering: .relaxed) + 1000 { await Task.yield() }
                                if posted % 100 == 0 { await Task.yield() }
                            }
                        }
                    }
                    group.addTask {
                        try await eventually("work is posted") { accepted.value.load(ordering: .relaxed) > 100 }
                        await loop.stop(grace: .zero)
                    }
                    try await group.waitForAll()
                }
                #expect(accepted.value.load(ordering: .relaxed) == ran.value.load(ordering: .relaxed))
                #expect(!loop.post {})
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `what stop closes can still post, listen in vain and is seen by the end of a turn`(driver: LoopUnderTest)
            async throws
        {
            let loop = try driver.make()
            let log = EventLog()
            try await loop.onLoop {
                var seen = 0
                loop.atEndOfTurn {
                    let events = log.events.count
                    if events > seen { log.add(.note("end of turn")) }
                    seen = log.events.count
                }
            }
            final class Last: ConnectionHandler {
                let loop: any EventLoop
                let log: EventLog

                init(_ loop: any EventLoop, _ log: EventLog) {
                    self.loop = loop
                    self.log = log
                }

                func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection) -> Int { bytes.count }

                func closed(_ connection: Connection, because reason: CloseReason) {
                    log.add(.closed(reason))
                    do throws(SocketError) {
                        _ = try loop.listen(on: Family.tcp.fresh()) { _ in nil }
                    } catch {
                        log.add(.note("errno \(error.errno)"))
                    }
                    let log = log
                    let isAccepted = loop.post { log.add(.note("posted")) }
                    if !isAccepted { log.add(.note("refused")) }
                }
            }
            let address = try await loop.serve { connection in
                connection.output.append(".")
                return Last(loop, log)
            }
            let client = try SocketClient(to: address)
            _ = try client.receive(exactly: 1)
            await loop.stop(grace: .zero)
            let notes = log.events.filter { $0 != .note("end of turn") }
            #expect(notes == [.closed(.shutdown), .note("errno \(cancelled)"), .note("posted")])
            #expect(log.events.last == .note("end of turn"))
        }
    }
}

final class Counter: Sendable {
    let value = Atomic<Int>(0)
}
