public import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A look at a status for somebody who is typing: one request on a blocking socket, with nothing of an HTTP client to set
/// up, and given up soon.
public enum StatusPeek {
    /// Nil when the daemon does not answer with a status in time.
    public static func status(
        of workspace: WorkspaceName, socket path: String, within milliseconds: Int = 40
    ) -> StatusDocument? {
        let clock = ContinuousClock()
        let deadline = clock.now + .milliseconds(milliseconds)
        guard let descriptor = SocketProbe.connection(to: path) else { return nil }
        defer { close(descriptor) }
        let target = RequestPath(["v1", "workspaces", workspace.rawValue, "status"]).text
        let request = Array("GET \(target) HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n".utf8)
        guard send(descriptor, request, request.count, noSignal) == request.count else { return nil }
        var answer: [UInt8] = []
        while answer.count < largest {
            let left = Int((deadline - clock.now) / .milliseconds(1))
            var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&event, 1, Int32(left)) == 1 else { return nil }
            let count = withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 1) { buffer in
                let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
                if count > 0 { answer += buffer[..<count] }
                return count
            }
            guard count >= 0 else { return nil }
            if count == 0 { break }
        }
        guard let head = answer.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        return try? JSONDecoder().decode(StatusDocument.self, from: Data(answer[head.upperBound...]))
    }

    private static let largest = 4 << 20

    #if canImport(Darwin)
    private static let noSignal: Int32 = 0
    #else
    private static let noSignal = Int32(MSG_NOSIGNAL)
    #endif
}
