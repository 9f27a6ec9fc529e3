import AsyncHTTPClient
public import BrokerModel
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Talks to the daemon's admin API over its unix socket: one method per verb, every failure a `BrokerError`.
///
/// It opens no connection before the first call. Whoever makes one closes it.
public final class BrokerClient: Sendable {
    private let socket: String
    private let timeout: Duration
    private let http: HTTPClient
    private let answeredVersion = Mutex<String?>(nil)

    /// - Parameters:
    ///   - socket: the path of the daemon's socket.
    ///   - timeout: how long each call may take.
    public init(socket: String, timeout: Duration = .seconds(60)) {
        self.socket = socket
        self.timeout = timeout
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(2)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        http = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }

    /// Ends the connections; calls that are under way fail.
    public func close() async {
        // The one error is "closed already".
        try? await http.shutdown()
    }

    /// What the daemon called itself in its latest answer; nil before the first one.
    public var daemonVersion: String? { answeredVersion.withLock { $0 } }

    /// Sends one request and reads its answer, an error document included.
    func call<Answer: Decodable>(
        _ method: HTTPMethod, _ path: RequestPath, body: (any Encodable & Sendable)? = nil,
        operation: OperationID? = nil
    ) async throws(BrokerError) -> Answer {
        let (status, bytes) = try await exchange(method, path, body: body, operation: operation)
        guard (200..<300).contains(status) else {
            if let error = try? JSONDecoder().decode(BrokerError.self, from: bytes) { throw error }
            throw BrokerError(
                .daemonFailed, "the daemon answered with something else than an error document",
                why: "HTTP status \(status) to \(method.rawValue) \(path.text)", fix: "broker daemon stop")
        }
        do {
            return try JSONDecoder().decode(Answer.self, from: bytes)
        } catch {
            throw BrokerError(
                .daemonFailed, "cannot read the daemon's answer to \(method.rawValue) \(path.text)",
                why:
                    "this is broker \(BrokerVersion.current), the daemon is \(daemonVersion ?? "of an unknown version")",
                fix: "broker daemon stop")
        }
    }

    private func exchange(
        _ method: HTTPMethod, _ path: RequestPath, body: (any Encodable & Sendable)?, operation: OperationID?
    ) async throws(BrokerError) -> (status: Int, body: Data) {
        do {
            var request = HTTPClientRequest(url: "http+unix://\(RequestPath.encoded(socket))\(path.text)")
            request.method = method
            if let operation { request.headers.add(name: "idempotency-key", value: operation.rawValue) }
            if let body {
                request.headers.add(name: "content-type", value: "application/json")
                request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body)))
            }
            let response = try await http.execute(request, timeout: TimeAmount(timeout))
            answeredVersion.withLock { $0 = response.headers.first(name: "broker-version") }
            let bytes = try await response.body.collect(upTo: Self.largestAnswer)
            return (Int(response.status.code), Data(bytes.readableBytesView))
        } catch {
            throw failure(error, of: "\(method.rawValue) \(path.text)")
        }
    }

    private func failure(_ error: any Error, of call: String) -> BrokerError {
        switch error {
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            BrokerError(
                .timedOut, "the daemon did not answer within \(timeout)", why: "no answer to \(call)",
                fix: "broker status")
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            BrokerError(
                .daemonFailed, "the daemon ended while it worked", why: "the connection was closed during \(call)",
                fix: "broker status")
        default:
            SocketProbe.answers(socket)
                ? BrokerError(.daemonFailed, "the daemon could not be asked", why: "\(call): \(error)")
                : .daemonNotRunning
        }
    }

    /// More than any status of a real workspace; a bound, so that a peer cannot fill the memory.
    private static let largestAnswer = 64 << 20
}

extension BrokerError {
    /// Nobody listens on the socket.
    public static var daemonNotRunning: BrokerError {
        BrokerError(
            .daemonNotRunning, "the daemon is not running", why: "nobody answers on its socket",
            fix: "broker daemon start")
    }
}
