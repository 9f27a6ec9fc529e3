import BrokerModel
import EventLoop
import TestKit

/// A client of a redis URL, as an app would be one.
struct RedisClient {
    let socket: SocketClient

    /// Connects and logs in as the URL says.
    init(_ text: String) throws {
        let url = try ProviderURL(text)
        switch url.place {
        case .tcp(let host, let port):
            socket = try SocketClient(to: .tcp(host: host, port: port), timeout: .seconds(10))
        case .unix(let path): socket = try SocketClient(to: .unix(path: path), timeout: .seconds(10))
        }
        guard let secret = url.secret?.reveal({ $0 }) else { return }
        let answer = try url.user.map { try ask("AUTH \($0) \(secret)") } ?? ask("AUTH \(secret)")
        guard answer == "+OK" else { throw Refused(answer: answer) }
    }

    struct Refused: Error, Equatable {
        let answer: String
    }

    /// The first line of the reply; of a bulk string, its content.
    @discardableResult
    func ask(_ command: String) throws -> String {
        try socket.send(command + "\r\n")
        let line = try self.line()
        guard line.hasPrefix("$"), line != "$-1" else { return line }
        return try self.line()
    }

    /// Whether the other side has closed: FIN or RST.
    var isClosed: Bool {
        do {
            return try socket.receiveToEnd().isEmpty
        } catch {
            return error == .reset
        }
    }

    func line() throws -> String {
        String(decoding: try socket.receive(until: "\r\n").dropLast(2), as: UTF8.self)
    }
}

extension RedisClient {
    /// The elements of an array of bulk strings.
    func lines(_ command: String) throws -> [String] {
        let head = try ask(command)
        guard head.hasPrefix("*"), let count = Int(head.dropFirst()) else { return [] }
        return try (0..<count).map { _ in
            _ = try line()
            return try line()
        }
    }
}

extension RedisClient {
    /// The whole of a bulk string.
    func text(_ command: String) throws -> String {
        try socket.send(command + "\r\n")
        guard let count = Int(try line().dropFirst()) else { return "" }
        return String(decoding: try socket.receive(exactly: count + 2).dropLast(2), as: UTF8.self)
    }
}
