import CacheEmulator
import EventLoop
import Gateway
import Synchronization
import TestKit
import Testing

/// Replies that wait for the disk, as clients see them.
struct CommitTests {
    /// What an emulator's files would be told.
    private struct Disk: Sendable {
        let gateway: GatewayUnderTest
        let log: LoopBound<EffectLog>

        init(_ gateway: GatewayUnderTest) async throws {
            self.gateway = gateway
            log = try await gateway.loop.onLoop { [emulator = gateway.emulator, loop = gateway.loop] in
                let log = emulator.value.openEffects(limit: 1 << 20)
                emulator.value.holdReplies()
                return LoopBound(log, on: loop)
            }
        }

        /// How much has changed.
        func told() async throws -> Int64 {
            try await gateway.loop.onLoop { [log] in log.value.position }
        }

        func gate(_ body: @escaping @Sendable (CommitGate?) -> Void) async throws {
            try await gateway.loop.onLoop { [emulator = gateway.emulator] in body(emulator.value.commits) }
        }
    }

    /// Asks as a new client; the reply, and whether `flag` was set when it came.
    private func ask(
        _ command: String, as grant: Grant, at gateway: GatewayUnderTest, _ flag: Flag
    ) -> Task<Reply, any Error> {
        onThread {
            let text = try gateway.connect(as: grant).ask(command)
            return Reply(text: text, cameBehindFlag: flag.isSet)
        }
    }

    private struct Reply: Equatable, Sendable {
        let text: String
        let cameBehindFlag: Bool
    }

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { value.load(ordering: .sequentiallyConsistent) }
        func set() { value.store(true, ordering: .sequentiallyConsistent) }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a change is answered when it is on disk, and so is who has seen it`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { gateway in
            let disk = try await Disk(gateway)
            let reader = try gateway.connect(as: GatewayUnderTest.worker)
            #expect(try reader.ask("GET k") == "$-1")
            let isOnDisk = Flag()
            let written = ask("SET k 1", as: GatewayUnderTest.web, at: gateway, isOnDisk)
            try await eventually("it has changed") { try await disk.told() == 1 }
            let read = ask("EXISTS k", as: GatewayUnderTest.worker, at: gateway, isOnDisk)
            // Behind the change, and held with it.
            let other = try gateway.connect()
            try other.send("AUTH \(GatewayUnderTest.web.secret)\r\nSET other 1\r\n")
            try await eventually("that too") { try await disk.told() == 2 }
            isOnDisk.set()
            try await disk.gate { $0?.committed(1) }
            #expect(try await written.value == Reply(text: "+OK", cameBehindFlag: true))
            try await disk.gate { $0?.committed(2) }
            #expect(try await read.value == Reply(text: ":1", cameBehindFlag: true))
            #expect(try other.line() == "+OK")
            #expect(try other.line() == "+OK")
            // What is on disk is answered at once.
            #expect(try reader.ask("GET k") == "$1")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a disk that takes nothing ends those who wait for it, and nobody else`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { gateway in
            let disk = try await Disk(gateway)
            let writer = try gateway.connect(as: GatewayUnderTest.web)
            let reader = try gateway.connect(as: GatewayUnderTest.worker)
            try writer.send("SET k 1\r\n")
            try await eventually("it has changed") { try await disk.told() == 1 }
            try await disk.gate { $0?.refuse() }
            #expect(try writer.isEnded())
            #expect(try reader.ask("EXISTS k") == ":1")
            try await disk.gate {
                $0?.accept()
                $0?.committed(1)
            }
            let flag = Flag()
            let again = ask("DEL k", as: GatewayUnderTest.worker, at: gateway, flag)
            try await eventually("it has changed again") { try await disk.told() == 2 }
            flag.set()
            try await disk.gate { $0?.committed(2) }
            #expect(try await again.value == Reply(text: ":1", cameBehindFlag: true))
        }
    }

    @Test func `a disk that has taken one change and not the next confirms the one`() async throws {
        try await GatewayUnderTest.run(LoopUnderTest.allCases[0]) { gateway in
            let disk = try await Disk(gateway)
            let first = try gateway.connect(as: GatewayUnderTest.web)
            let second = try gateway.connect(as: GatewayUnderTest.worker)
            try first.send("SET a 1\r\n")
            try await eventually("it has changed") { try await disk.told() == 1 }
            try second.send("SET b 1\r\n")
            try await eventually("it has changed again") { try await disk.told() == 2 }
            try await disk.gate {
                $0?.committed(1)
                $0?.refuse()
            }
            #expect(try first.line() == "+OK")
            #expect(try second.isEnded())
        }
    }

    @Test func `a connection that is closed in order is told what was on disk by then`() async throws {
        try await GatewayUnderTest.run(LoopUnderTest.allCases[0]) { gateway in
            let disk = try await Disk(gateway)
            let writer = try gateway.connect(as: GatewayUnderTest.web)
            try writer.send("SET k 1\r\nQUIT\r\n")
            try await eventually("it has changed") { try await disk.told() == 1 }
            try await disk.gate { $0?.committed(1) }
            #expect(try writer.line() == "+OK")
            #expect(try writer.line() == "+OK")
            #expect(try writer.isEnded())
        }
    }
}
