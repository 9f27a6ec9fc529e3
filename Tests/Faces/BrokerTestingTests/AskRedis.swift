import EventLoop
import Foundation
import TestKit
import Testing

/// Asks one command as the URL's user; returns the reply as it came.
func ask(_ url: String, _ words: String...) throws -> String {
    let parts = try #require(URLComponents(string: url))
    let port = try #require(parts.port.flatMap { UInt16(exactly: $0) })
    let client = try SocketClient(to: .tcp(host: parts.host ?? "", port: port))
    let commands = [["AUTH", parts.user ?? "", parts.password ?? ""], words]
    for command in commands {
        try client.send("*\(command.count)\r\n" + command.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined())
    }
    #expect(String(decoding: try client.receive(until: "\r\n"), as: UTF8.self) == "+OK\r\n")
    try client.send("*1\r\n$4\r\nQUIT\r\n")
    let rest = String(decoding: try client.receiveToEnd(), as: UTF8.self)
    return String(rest.dropLast("+OK\r\n".count))
}
