import Foundation
import TestKit

/// A reply, as far as the load looks at it.
indirect enum LoadReply: Equatable {
    case text(String)
    case error(String)
    case integer(Int)
    case null
    case list([LoadReply])
    /// Of RESP3: it answers nothing.
    case push([LoadReply])

    var elements: [LoadReply]? { if case .list(let elements) = self { elements } else { nil } }
    var text: String? { if case .text(let text) = self { text } else { nil } }
}

/// One connection of the load: it asks, awaits the reply, and remembers how long it waited the longest.
final class LoadClient {
    /// The connection ended before the reply: what was asked was done, or not.
    struct Broken: Error {}

    /// What a reply should have been.
    struct Unexpected: Error, CustomStringConvertible {
        let description: String
    }

    private let url: String
    /// Whether a connection that ends is made again.
    private let mayBreak: Bool
    private let stop: Flag
    private var socket: SocketClient
    /// What came while replies were awaited.
    var pushes: [[LoadReply]] = []
    private(set) var asked = 0
    private(set) var breaks = 0
    private(set) var longest = Duration.zero

    init(_ url: String, mayBreak: Bool, until stop: Flag) throws {
        self.url = url
        self.mayBreak = mayBreak
        self.stop = stop
        socket = try redisClient(url)
    }

    /// Asks a command that blocks: how long it takes says nothing of a gap.
    func wait(_ words: String...) throws -> LoadReply {
        let before = longest
        defer { longest = before }
        return try ask([words])[0]
    }

    /// Asks one command and returns its reply. Throws `Broken` behind a new connection where that may happen.
    func ask(_ words: String...) throws -> LoadReply {
        try ask([words])[0]
    }

    /// Asks a pipeline.
    func ask(_ commands: [[String]]) throws -> [LoadReply] {
        var bytes: [UInt8] = []
        for words in commands { Self.append(words, to: &bytes) }
        let began = ContinuousClock.now
        asked += commands.count
        do {
            try socket.send(bytes)
            let replies = try commands.map { _ in try reply() }
            longest = max(longest, began.duration(to: .now))
            return replies
        } catch let failure as SocketClient.Failure where mayBreak {
            breaks += 1
            try connectAgain(failure)
            throw Broken()
        }
    }

    private func connectAgain(_ failure: SocketClient.Failure) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            // The daemon is being started again, and the resource behind it.
            if let fresh = try? redisClient(url), (try? fresh.send("PING\r\n")) != nil,
                (try? fresh.receive(until: "\r\n")) == Array("+PONG\r\n".utf8)
            {
                socket = fresh
                return
            }
            usleep(20_000)
        }
        throw failure
    }

    private func reply() throws -> LoadReply {
        while true {
            let next = try next()
            guard case .push(let elements) = next else { return next }
            pushes.append(elements)
        }
    }

    /// The next push, of those that came already or that is yet to come.
    func push() throws -> [LoadReply] {
        if !pushes.isEmpty { return pushes.removeFirst() }
        guard case .push(let elements) = try next() else { throw Unexpected(description: "a reply to nothing") }
        return elements
    }

    /// The next reply or message.
    func next() throws -> LoadReply {
        let line = String(decoding: try socket.receive(until: "\r\n").dropLast(2), as: UTF8.self)
        let rest = line.dropFirst()
        switch line.first {
        case "+": return .text(String(rest))
        case "-": return .error(String(rest))
        case ":": return .integer(Int(rest) ?? 0)
        case "$":
            guard let count = Int(rest), count >= 0 else { return .null }
            let bytes = try socket.receive(exactly: count + 2)
            return .text(String(decoding: bytes.dropLast(2), as: UTF8.self))
        case "*":
            guard let count = Int(rest), count >= 0 else { return .null }
            return .list(try elements(count))
        case "%": return .list(try elements(2 * (Int(rest) ?? 0)))
        case ">": return .push(try elements(Int(rest) ?? 0))
        case "_": return .null
        default: throw Unexpected(description: "no reply: \(line)")
        }
    }

    private func elements(_ count: Int) throws -> [LoadReply] { try (0..<count).map { _ in try next() } }

    /// A reply that has to be a number.
    func number(_ words: String...) throws -> Int {
        let reply = try ask([words])[0]
        guard case .integer(let number) = reply else {
            throw Unexpected(description: "\(words.joined(separator: " ")): \(reply)")
        }
        return number
    }

    func expect(_ wanted: LoadReply, _ words: String...) throws {
        let reply = try ask([words])[0]
        guard reply == wanted else { throw Unexpected(description: "\(words.joined(separator: " ")): \(reply)") }
    }

    private static func append(_ words: [String], to bytes: inout [UInt8]) {
        bytes += Array("*\(words.count)\r\n".utf8)
        for word in words { bytes += Array("$\(word.utf8.count)\r\n\(word)\r\n".utf8) }
    }
}
