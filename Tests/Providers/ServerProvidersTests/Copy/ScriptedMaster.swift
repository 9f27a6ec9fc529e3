import EventLoop
import Foundation
import Processes
import TestKit

@testable import ServerProviders

/// Something that listens like a server and answers what the test says, to one connection after the other.
final class ScriptedMaster: Sendable {
    let address: SocketAddress
    private let directory: TemporaryDirectory
    private let descriptor: Int32

    /// `greeting` answers what is asked before PSYNC; `answer` answers PSYNC.
    init(greeting: String = "+OK\r\n", answer: [UInt8]) throws {
        directory = try TemporaryDirectory()
        let path = directory.file("s.sock")
        address = .unix(path: path)
        descriptor = socket(AF_UNIX, streamType, 0)
        var local = sockaddr_un()
        local.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &local.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let result = withUnsafePointer(to: &local) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0, listen(descriptor, 8) == 0 else { throw NeverHappened("the test cannot listen") }
        DetachedThread.run { [descriptor] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                DetachedThread.run { Self.serve(connection, greeting, answer) }
            }
        }
    }

    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
        directory.remove()
    }

    /// Until the other side closes.
    private static func serve(_ connection: Int32, _ greeting: String, _ answer: [UInt8]) {
        defer { close(connection) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            let isLast = String(decoding: buffer[..<count], as: UTF8.self).contains("PSYNC")
            let reply = isLast ? answer : Array(greeting.utf8)
            _ = send(connection, reply, reply.count, 0)
        }
    }
}
