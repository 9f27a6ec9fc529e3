import EventLoop
import Foundation
import TestKit
import Testing

/// Sends one inline command as the URL's user; returns the first line of its reply, or that of the login where it fails.
func redis(_ url: String, _ command: String) async throws -> String {
    let client = try SocketClient(to: try address(of: url))
    let login = try logIn(client, url)
    guard login == "+OK\r\n" else { return login }
    try client.send(command + "\r\n")
    return String(decoding: try client.receive(until: "\r\n"), as: UTF8.self)
}

/// A client that has said who it is.
func redisClient(_ url: String) throws -> SocketClient {
    let client = try SocketClient(to: try address(of: url))
    #expect(try logIn(client, url) == "+OK\r\n")
    return client
}

/// Where the server of a URL listens.
func address(of url: String) throws -> SocketAddress {
    let parts = try #require(URLComponents(string: url.trimmingCharacters(in: .whitespacesAndNewlines)))
    return .tcp(host: try #require(parts.host), port: UInt16(try #require(parts.port)))
}

private func logIn(_ client: SocketClient, _ url: String) throws -> String {
    let parts = try #require(URLComponents(string: url.trimmingCharacters(in: .whitespacesAndNewlines)))
    try client.send("AUTH \(parts.user ?? "") \(parts.password ?? "")\r\n")
    return String(decoding: try client.receive(until: "\r\n"), as: UTF8.self)
}
