import EventLoop
import Synchronization
import TestKit
import Testing

extension DriverTests {
    @Suite struct ConnectTests {
        @Test(arguments: LoopUnderTest.allCases, Family.allCases)
        func `a connection that the loop opens speaks in both directions`(driver: LoopUnderTest, family: Family)
            async throws
        {
            try await driver.run { loop in
                let (log, served) = (EventLog(), EventLog())
                let address = try await loop.serveEcho(family, log: served)
                let peer = try await loop.connected(to: address) { connection in
                    connection.handler = RecordingHandler(log) { bytes, connection in
                        if bytes.count < 4 { return 0 }
                        connection.closeAfterFlush()
                        return 4
                    }
                    connection.output.append("ping")
                    return connection.peerAddress
                }
                #expect(peer == address.description)
                try await eventually("both are closed") { log.closes.count + served.closes.count == 2 }
                #expect(log.events.suffix(2) == [.received("ping"), .closed(.local)])
                #expect(served.events == [.received("ping"), .inputEnded, .closed(.local)])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `an address where nobody listens refuses`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let silent = try SilentSocket(backlog: nil)
                let error = await loop.failureToConnect(to: silent.address)
                #expect(error?.errno == connectionRefused)
                #expect(error?.call == "connect")
                #expect(error?.address == silent.address)
                let nothing = Family.unix.fresh()
                #expect(await loop.failureToConnect(to: nothing)?.errno == fileMissing)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a peer that does not answer is given up when the time is over`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let full = try SilentSocket(backlog: 0)
                full.fillBacklog()
                let began = ContinuousClock.now
                let error = await loop.failureToConnect(to: full.address, timeout: .milliseconds(200))
                #expect(error?.errno == timedOut)
                #expect(ContinuousClock.now - began >= .milliseconds(200))
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `an endless timeout is no overflow`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let address = try await loop.serveEcho()
                for timeout in [Duration.seconds(Int64.max), .seconds(18_446_744_073), .seconds(3600)] {
                    let isOpen = try await loop.connected(to: address, timeout: timeout) { $0.isOpen }
                    #expect(isOpen)
                }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `an address that is none fails with the reason`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                #expect(await loop.failureToConnect(to: .tcp(host: "localhost", port: 1))?.errno == invalid)
                #expect(await loop.failureToConnect(to: .unix(path: ""))?.errno == invalid)
                let long = String(repeating: "x", count: 200)
                #expect(await loop.failureToConnect(to: .unix(path: long))?.errno == nameTooLong)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `completed comes once, and later than connect returns`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let log = EventLog()
                let good = try await loop.serveEcho(.unix)
                try await loop.onLoop {
                    for address in [good, .unix(path: "/nowhere/at/all"), .tcp(host: "no address", port: 1)] {
                        loop.connect(to: address, timeout: .seconds(20)) { result in
                            log.add(.note((try? result.get()) == nil ? "failed" : "connected"))
                        }
                    }
                    log.add(.note("returned"))
                }
                try await eventually("all three are told") { log.events.count == 4 }
                try await loop.nextTurn()
                #expect(log.events.first == .note("returned"))
                #expect(log.events.filter { $0 == .note("failed") }.count == 2)
                #expect(log.events.filter { $0 == .note("connected") }.count == 1)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a connect under way when the loop stops is cancelled, and so is a later one`(driver: LoopUnderTest)
            async throws
        {
            let loop = try driver.make()
            let full = try SilentSocket(backlog: 0)
            full.fillBacklog()
            let target = full.address
            let errors = Mutex<[Int32]>([])
            let note: @Sendable (Result<Connection, SocketError>) -> Void = { result in
                guard case .failure(let error) = result else { return }
                errors.withLock { $0.append(error.errno) }
            }
            try await loop.onLoop {
                loop.connect(to: target, timeout: .seconds(20)) { result in
                    note(result)
                    loop.connect(to: target, timeout: .seconds(20)) { note($0) }
                }
            }
            await loop.stop(grace: .seconds(20))
            #expect(errors.withLock { $0 } == [cancelled, cancelled])
        }
    }
}

extension EventLoop {
    /// Opens a connection and runs `use` with it on the loop.
    fileprivate func connected<Value: Sendable>(
        to address: SocketAddress, timeout: Duration = .seconds(20),
        use: @escaping @Sendable (Connection) -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { done in
            post {
                self.connect(to: address, timeout: timeout) { result in done.resume(with: result.map(use)) }
            }
        }
    }

    /// Why no connection could be opened; nil when one was.
    fileprivate func failureToConnect(to address: SocketAddress, timeout: Duration = .seconds(20)) async
        -> SocketError?
    {
        do {
            try await connected(to: address, timeout: timeout) { $0.close() }
            return nil
        } catch {
            return error as? SocketError
        }
    }
}
