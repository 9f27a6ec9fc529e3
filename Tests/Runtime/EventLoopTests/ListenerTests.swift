import EventLoop
import Synchronization
import TestKit
import Testing

extension DriverTests {
    @Suite struct ListenerTests {
        @Test(arguments: LoopUnderTest.allCases)
        func `port 0 is answered with the port that the system chose`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let address = try await loop.serveEcho()
                guard case .tcp("127.0.0.1", let port) = address else {
                    Issue.record("\(address)")
                    return
                }
                #expect(port > 0)
                try SocketClient(to: address).echo(1)
            }
        }

        @Test(arguments: LoopUnderTest.allCases, Family.allCases)
        func `close frees the address and lets accepted connections live`(driver: LoopUnderTest, family: Family)
            async throws
        {
            try await driver.run { loop in
                let listener = Mutex<LoopBound<any Listener>?>(nil)
                let address = try await loop.onLoop {
                    let made = try loop.listen(on: family.fresh()) { _ in EchoHandler() }
                    listener.withLock { $0 = LoopBound(made, on: loop) }
                    return made.address
                }
                let client = try SocketClient(to: address)
                try client.echo(1)
                let bound = try #require(listener.withLock { $0 })
                try await loop.onLoop {
                    bound.value.close()
                    bound.value.close()
                }
                try client.echo(2)
                if case .unix(let path) = address { #expect(!fileExists(path)) }
                #expect(throws: SocketClient.Failure.self) { _ = try SocketClient(to: address) }
                let again = try await loop.onLoop { try loop.listen(on: address) { _ in EchoHandler() }.address }
                #expect(again == address)
                try SocketClient(to: again).echo(3)
                try client.echo(4)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a listener closed in the turn that made it accepts nobody and frees its address`(driver: LoopUnderTest)
            async throws
        {
            try await driver.run { loop in
                let address = try await loop.onLoop {
                    let listener = try loop.listen(on: Family.tcp.fresh()) { _ in EchoHandler() }
                    listener.close()
                    return listener.address
                }
                try await loop.nextTurn()
                #expect(throws: SocketClient.Failure.refused) { _ = try SocketClient(to: address) }
                _ = try await loop.onLoop { try loop.listen(on: address) { _ in EchoHandler() }.address }
                try SocketClient(to: address).echo(3)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `an address that cannot be had fails with the call and the reason`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let taken = try await loop.serveEcho()
                let failures: [(SocketAddress, String, Int32)] = [
                    (taken, "bind", addressInUse),
                    (.tcp(host: "localhost", port: 0), "address", invalid),
                    (.unix(path: ""), "address", invalid),
                    (.unix(path: "/nowhere/at/all"), "bind", fileMissing),
                    (.unix(path: String(repeating: "x", count: 200)), "address", nameTooLong),
                ]
                for (address, call, number) in failures {
                    let error = await #expect(throws: SocketError.self) {
                        try await loop.onLoop { _ = try loop.listen(on: address) { _ in nil } }
                    }
                    #expect(error?.call == call)
                    #expect(error?.errno == number)
                    #expect(error?.address == address)
                }
                try SocketClient(to: taken).echo(1)
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `accept refuses a connection by returning no handler`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let address = try await loop.serve { _ in nil }
                let client = try SocketClient(to: address)
                #expect(try client.receiveToEnd() == [])
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a connection that accept closes tells the handler that accept returns`(driver: LoopUnderTest)
            async throws
        {
            try await driver.run { loop in
                let log = EventLog()
                let address = try await loop.serve { connection in
                    connection.close()
                    return RecordingHandler(log)
                }
                #expect(try SocketClient(to: address).receiveToEnd() == [])
                try await eventually("it is told") { log.events == [.closed(.local)] }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `a burst of connections is accepted whole`(driver: LoopUnderTest) async throws {
            try await driver.run { loop in
                let address = try await loop.serveEcho()
                let hold = LoopHold(loop)
                let clients = try (0..<500).map { _ in try SocketClient(to: address) }
                hold.release()
                for client in clients { try client.echo(1) }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `accepting rests while descriptors have run out, and recovers`(driver: LoopUnderTest) async throws {
            await #expect(processExitsWith: .success) { [driver = driver as LoopUnderTest] in
                try await driver.run { loop in
                    let address = try await loop.serveEcho()
                    let first = try SocketClient(to: address)
                    try first.echo(1)
                    var taken = takeAllDescriptors(limit: 256)
                    closeDescriptor(taken.removeLast())
                    let second = try SocketClient(to: address)
                    try second.send("2")
                    let before = processorTime()
                    await withCheckedContinuation { done in
                        _ = loop.post { loop.schedule(after: 400_000_000) { done.resume() } }
                    }
                    let used = processorTime() - before
                    #expect(used < .milliseconds(200), "used \(used) of 400 ms")
                    try first.echo(3)
                    for descriptor in taken { closeDescriptor(descriptor) }
                    #expect(try second.receive(exactly: 1) == Array("2".utf8))
                }
            }
        }

        @Test(arguments: LoopUnderTest.allCases)
        func `sockets are closed on exec, and TCP does not hold back small pieces`(driver: LoopUnderTest) async throws {
            await #expect(processExitsWith: .success) { [driver = driver as LoopUnderTest] in
                try await driver.run { loop in
                    let before = inheritedSockets()
                    let address = try await loop.serveEcho()
                    let client = try SocketClient(to: address)
                    try client.echo(1)
                    let connected = EventLog()
                    try await loop.onLoop {
                        loop.connect(to: address, timeout: .seconds(20)) { _ in connected.add(.note("connected")) }
                    }
                    try await eventually("it connects") { connected.events.count == 1 }
                    try await loop.nextTurn()
                    #expect(inheritedSockets() == before)
                    #expect(delayingSockets() == [])
                }
            }
        }
    }
}
