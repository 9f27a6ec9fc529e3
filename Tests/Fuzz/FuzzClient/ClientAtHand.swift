import EventLoop
package import RESPWire

@testable package import CacheEmulator

/// A client without a socket, which reads its replies as a client does.
package final class ClientAtHand {
    package let client: CacheClient
    private let batch: RequestBatch
    private var framer = ReplyFramer()

    package init(id: Int64, _ emulator: CacheEmulator, _ front: ScriptFront, _ batch: RequestBatch = RequestBatch()) {
        let connection = Connection(id: UInt64(id), pool: BufferPool(), peerAddress: "", localAddress: "")
        client = CacheClient(connection: connection, id: id, isAuthenticated: true, front: front)
        self.batch = batch
        emulator.clientConnected(client)
    }

    /// Runs the requests in `bytes`; false when the client is to be closed.
    package func run(_ bytes: [UInt8], _ emulator: CacheEmulator, countsReplies: Bool) -> Bool {
        var partial = PartialRequest()
        var rest = bytes[...]
        while true {
            var end = RequestBatch.End.needsMore
            var used = 0
            rest.withUnsafeBytes { raw in
                end = batch.parse(raw, limits: .authenticated, partial: &partial)
                used = batch.count > 0 ? batch[batch.count - 1].end : batch.skipped
                var next = 0
                while next < batch.count, !client.isEnding {
                    let done = emulator.execute(batch, from: next, for: client)
                    precondition(done > next, "execute does nothing")
                    endWait(emulator)
                    let replies = takeReplies()
                    precondition(
                        !countsReplies || client.isEnding || replies == done - next,
                        "\(replies) replies to \(done - next) requests")
                    next = done
                }
            }
            rest = rest.dropFirst(used)
            if client.isEnding { return false }
            switch end {
            case .full: continue
            case .needsMore: return true
            case .failed: return false
            }
        }
    }

    /// Nobody waits here: a command that blocks is answered as if its time were over.
    private func endWait(_ emulator: CacheEmulator) {
        if client.isWaiting { precondition(emulator.unblock(client, withError: false), "it waits in no command") }
    }

    /// Runs one command of words between spaces and returns the bytes of its reply.
    package func ask(_ command: String, _ emulator: CacheEmulator) -> [UInt8] {
        ask(command.split(separator: " ").map { Array($0.utf8) }, emulator)
    }

    package func ask(_ arguments: [[UInt8]], _ emulator: CacheEmulator) -> [UInt8] {
        var bytes = Array("*\(arguments.count)\r\n".utf8)
        for argument in arguments { bytes += Array("$\(argument.count)\r\n".utf8) + argument + [13, 10] }
        var partial = PartialRequest()
        bytes.withUnsafeBytes { raw in
            _ = batch.parse(raw, limits: .authenticated, partial: &partial)
            _ = emulator.execute(batch, from: 0, for: client)
        }
        endWait(emulator)
        let reply = Array(client.connection.output.readable)
        precondition(takeReplies() == 1)
        return reply
    }

    /// Takes what has been sent, whole replies only, and returns how many they were.
    @discardableResult
    package func takeReplies() -> Int {
        let output = client.connection.output
        let bytes = output.readable
        var position = 0
        var count = 0
        while position < bytes.count {
            guard case .unit(_, let end) = framer.next(bytes, from: position) else {
                preconditionFailure("no whole reply: \(String(decoding: bytes[position...], as: UTF8.self))")
            }
            position = end
            count += 1
        }
        output.consume(output.count)
        return count
    }
}

/// Answers what is the front's: OK, and what HELLO, RESET and QUIT change.
package final class ScriptFront: CacheFront {
    package init() {}

    package func run(_ command: FrontCommand, for client: CacheClient) {
        switch command.name.description {
        case "hello": client.version = command.count > 1 && command.arguments[1].integer == 3 ? 3 : 2
        case "quit": client.isEnding = true
        default: break
        }
        command.reply.ok()
    }

    package func end(_ client: CacheClient) {}
    package func drop(_ client: CacheClient) {}
}
