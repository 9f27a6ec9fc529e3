import EventLoop
import RDBWire
import RESPWire
import Synchronization
import TestKit

@testable import CacheEmulator

/// An emulator with one client and neither sockets nor a thread: a test gives it commands and looks inside. When the
/// client waits in a command that blocks, another one takes its place.
final class EmulatorAtHand {
    let emulator: CacheEmulator
    private var client: CacheClient
    /// Those who wait, or have waited and were answered.
    private(set) var waiting: [CacheClient] = []
    private let front = SilentFront()
    private let batch = RequestBatch()
    private let pool = BufferPool()

    private let loop: StandingLoop

    /// `time` is the wall clock's, in milliseconds since 1970.
    init(time: Int64 = 1_700_000_000_000) {
        loop = StandingLoop(time)
        emulator = CacheEmulator(loop: loop)
        client = Self.makeClient(pool, front)
        emulator.clientConnected(client)
    }

    /// A branch, on the loop of the one whose image it is.
    init(from image: KeyspaceImage, beside other: EmulatorAtHand) {
        loop = other.loop
        emulator = CacheEmulator(loop: loop, from: image)
        client = Self.makeClient(pool, front)
        emulator.clientConnected(client)
    }

    private static func makeClient(_ pool: BufferPool, _ front: SilentFront) -> CacheClient {
        let connection = Connection(id: 1, pool: pool, peerAddress: "", localAddress: "")
        return CacheClient(connection: connection, id: 1, isAuthenticated: true, front: front)
    }

    /// What somebody who waits has been answered so far.
    func reply(toWaiting index: Int) -> String {
        String(decoding: waiting[index].connection.output.readable, as: UTF8.self)
    }

    /// Lets all but a few of those who wait go.
    func forgetWaiting(butFor few: Int = 0) {
        while waiting.count > few { emulator.clientGone(waiting.removeFirst()) }
    }

    private func replaceClient() {
        waiting.append(client)
        let database = client.database
        client = Self.makeClient(pool, front)
        client.database = database
        emulator.clientConnected(client)
    }

    func withClient<Result>(_ body: (CacheClient) -> Result) -> Result { body(client) }

    /// Milliseconds since 1970; stands still until it is set.
    var time: Int64 {
        get { loop.wallClock }
        set { loop.wallClock = newValue }
    }

    /// Every key with its value and expiry, by `database key`.
    func contents() -> [String: HeldValue] {
        var contents: [String: HeldValue] = [:]
        for database in emulator.databases {
            database.table.forEach { entry in
                let expiry = entry.hasExpiry ? entry.expiry : nil
                if let expiry, expiry <= time { return }
                contents["\(database.number) \(entry.key.text)"] = HeldValue(
                    value: database.value(of: entry), expiry: expiry)
            }
        }
        return contents
    }

    /// Runs one command of words between spaces; returns the bytes of its reply.
    @discardableResult
    func run(_ command: String) -> String {
        run(command.split(separator: " ").map { Array($0.utf8) })
    }

    @discardableResult
    func run(_ arguments: [[UInt8]]) -> String {
        var bytes = Array("*\(arguments.count)\r\n".utf8)
        for argument in arguments { bytes += Array("$\(argument.count)\r\n".utf8) + argument + [13, 10] }
        var partial = PartialRequest()
        bytes.withUnsafeBytes { raw in
            _ = batch.parse(raw, limits: .authenticated, partial: &partial)
            _ = emulator.execute(batch, from: 0, for: client)
        }
        if client.isWaiting {
            replaceClient()
            return ""
        }
        let output = client.connection.output
        defer { output.consume(output.count) }
        return String(decoding: output.readable, as: UTF8.self)
    }
}

/// A loop on which time stands still and nothing else happens.
private final class StandingLoop: EventLoop {
    let now: UInt64 = 1_000_000_000
    let isCurrent = true
    private let time: Atomic<Int64>

    init(_ time: Int64) {
        self.time = Atomic(time)
    }

    var wallClock: Int64 {
        get { time.load(ordering: .relaxed) }
        set { time.store(newValue, ordering: .relaxed) }
    }

    func post(_ work: @escaping @Sendable () -> Void) -> Bool { false }

    func listen(
        on address: SocketAddress, accept: @escaping (Connection) -> (any ConnectionHandler)?
    ) throws(SocketError) -> any Listener {
        preconditionFailure("it has no sockets")
    }

    func connect(
        to address: SocketAddress, timeout: Duration,
        completed: @escaping (Result<Connection, SocketError>) -> Void
    ) {
        preconditionFailure("it has no sockets")
    }

    func schedule(after delay: UInt64, _ work: @escaping () -> Void) -> TimerToken { TimerToken(id: 0) }
    func cancel(_ timer: TimerToken) {}
    func atEndOfTurn(_ work: @escaping () -> Void) {}
    func stop(grace: Duration) async {}
}

private final class SilentFront: CacheFront {
    func run(_ command: FrontCommand, for client: CacheClient) {}
    func end(_ client: CacheClient) {}
    func drop(_ client: CacheClient) {}
}
