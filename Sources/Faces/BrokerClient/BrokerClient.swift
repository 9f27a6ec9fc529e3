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
    private let operation: OperationID
    let timeouts: Timeouts
    private let http: HTTPClient
    private let answeredVersion = Mutex<String?>(nil)

    /// How long calls may take.
    public struct Timeouts: Sendable {
        /// Of what the daemon answers from what it knows.
        public var quick: Duration
        /// Of what makes, moves or removes something: servers are started and stopped meanwhile.
        public var slow: Duration

        public init(quick: Duration = .seconds(5), slow: Duration = .seconds(150)) {
            self.quick = quick
            self.slow = slow
        }
    }

    /// - Parameters:
    ///   - socket: the path of the daemon's socket.
    ///   - operation: the id of the operation that it asks for, one at most: asked for again with the same id, also of
    ///     another daemon on the same ledger, it is done once.
    public init(socket: String, operation: OperationID = .random(), timeouts: Timeouts = Timeouts()) {
        self.socket = socket
        self.operation = operation
        self.timeouts = timeouts
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

    /// Asks for an operation. That takes its time, so the daemon is first asked who it is: one that hangs is noticed
    /// soon.
    func operate<Answer: Decodable>(
        _ method: HTTPMethod, _ path: RequestPath, body: (any Encodable & Sendable)? = nil
    ) async throws(BrokerError) -> Answer {
        _ = try await version()
        return try await call(method, path, body: body, operation: operation, within: timeouts.slow)
    }

    /// Sends one request and reads its answer, an error document included.
    func call<Answer: Decodable>(
        _ method: HTTPMethod, _ path: RequestPath, body: (any Encodable & Sendable)? = nil,
        operation: OperationID? = nil, within timeout: Duration? = nil
    ) async throws(BrokerError) -> Answer {
        let (status, bytes) = try await exchange(method, path, body, operation, timeout ?? timeouts.quick)
        guard (200..<300).contains(status) else { throw Self.refused(status, bytes, method, path) }
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

    /// Sends a POST whose answer has no end, and hands the answer's body out, unread. It has no time limit once it begins.
    func stream(
        _ path: RequestPath, body: any Encodable & Sendable
    ) async throws(BrokerError) -> HTTPClientResponse.Body {
        let refusal: Data
        let status: Int
        do {
            let request = try request(.POST, path, body, nil)
            let response = try await http.execute(request, deadline: .distantFuture)
            guard response.status.code != 200 else { return response.body }
            status = Int(response.status.code)
            refusal = Data(try await response.body.collect(upTo: Self.largestAnswer).readableBytesView)
        } catch {
            throw failure(error, of: "POST \(path.text)", isOperation: true, timeouts.slow)
        }
        throw Self.refused(status, refusal, .POST, path)
    }

    private static func refused(_ status: Int, _ bytes: Data, _ method: HTTPMethod, _ path: RequestPath) -> BrokerError
    {
        if let error = try? JSONDecoder().decode(BrokerError.self, from: bytes) { return error }
        return BrokerError(
            .daemonFailed, "the daemon answered with something else than an error document",
            why: "HTTP status \(status) to \(method.rawValue) \(path.text)", fix: "broker daemon stop")
    }

    private func request(
        _ method: HTTPMethod, _ path: RequestPath, _ body: (any Encodable & Sendable)?, _ operation: OperationID?
    ) throws -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "http+unix://\(RequestPath.encoded(socket))\(path.text)")
        request.method = method
        if let operation { request.headers.add(name: "idempotency-key", value: operation.rawValue) }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body)))
        }
        return request
    }

    private func exchange(
        _ method: HTTPMethod, _ path: RequestPath, _ body: (any Encodable & Sendable)?, _ operation: OperationID?,
        _ timeout: Duration
    ) async throws(BrokerError) -> (status: Int, body: Data) {
        do {
            let request = try request(method, path, body, operation)
            let response = try await http.execute(request, timeout: TimeAmount(timeout))
            answeredVersion.withLock { $0 = response.headers.first(name: "broker-version") }
            let bytes = try await response.body.collect(upTo: Self.largestAnswer)
            return (Int(response.status.code), Data(bytes.readableBytesView))
        } catch {
            let call = "\(method.rawValue) \(path.text)"
            let failure = failure(error, of: call, isOperation: operation != nil, timeout)
            guard failure.code == .timedOut, operation == nil, path.text != Self.versionPath.text, await answers()
            else { throw failure }
            throw BrokerError(
                .timedOut, "the daemon has not answered within \(timeout)",
                why: "it runs, and still works on \(call): a command or a script of that resource may run for long",
                fix: "broker status")
        }
    }

    private static let versionPath: RequestPath = ["v1", "version"]

    /// Whether the daemon answers anything.
    private func answers() async -> Bool {
        guard let request = try? request(.GET, Self.versionPath, nil, nil) else { return false }
        return (try? await http.execute(request, timeout: .seconds(2))) != nil
    }

    private func failure(
        _ error: any Error, of call: String, isOperation: Bool, _ timeout: Duration
    ) -> BrokerError {
        switch error {
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            isOperation
                ? BrokerError(
                    .timedOut, "the daemon has not finished within \(timeout)",
                    why: "it still works on \(call), and goes on", fix: "broker status")
                : hangs(call, timeout)
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            BrokerError(
                .daemonEnded, "the daemon ended while it worked", why: "the connection was closed during \(call)",
                fix: "broker status")
        default:
            SocketProbe.answers(socket)
                ? BrokerError(
                    .daemonFailed, "the daemon could not be asked", why: "\(call): \(error)", fix: "broker daemon stop")
                : .daemonNotRunning
        }
    }

    /// The daemon names its socket after its process.
    private func hangs(_ call: String, _ timeout: Duration) -> BrokerError {
        let name = socket.split(separator: "/").last.map { $0.prefix { $0 != "." } } ?? ""
        let pid = Int32(name)
        return BrokerError(
            .timedOut, "the daemon\(pid.map { " (pid \($0))" } ?? "") did not answer within \(timeout)",
            why: "it runs and hangs, or is stopped: no answer to \(call)",
            // It is built for that: what is on disk stays, and what was cut short is finished at the next start.
            fix: pid.map { "kill -9 \($0) && broker daemon start" } ?? "broker daemon stop")
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
