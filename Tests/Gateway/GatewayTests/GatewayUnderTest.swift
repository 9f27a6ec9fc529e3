import CacheEmulator
import EventLoop
import Gateway
import TestKit

/// A gateway with one endpoint of class `redis` on an ephemeral port, and an emulator to route it to.
final class GatewayUnderTest: Sendable {
    let loop: any EventLoop
    let gateway: Gateway
    let emulator: LoopBound<CacheEmulator>
    let address: SocketAddress
    static let endpoint = EndpointID("cache")
    static let web = Grant(holder: "attachment-1", user: "web", secret: "web-secret")
    static let worker = Grant(holder: "attachment-2", user: "worker", secret: "worker-secret")

    private init(loop: any EventLoop, gateway: Gateway, emulator: LoopBound<CacheEmulator>, address: SocketAddress) {
        self.loop = loop
        self.gateway = gateway
        self.emulator = emulator
        self.address = address
    }

    /// Runs `body` with an endpoint on a loop of the given driver; the loop ends with it.
    @discardableResult
    static func run<Value>(
        _ driver: LoopUnderTest, routed: Bool = true, longestHold: Duration = .seconds(10),
        _ body: (GatewayUnderTest) async throws -> Value
    ) async throws -> Value {
        try await driver.run { loop in
            let gateway = Gateway(loop: loop, longestHold: longestHold)
            let emulator = try await loop.onLoop { LoopBound(CacheEmulator(loop: loop), on: loop) }
            let address = SocketAddress.tcp(host: "127.0.0.1", port: try FreePort.find())
            try await gateway.open(endpoint, at: address)
            await gateway.grant(web, on: endpoint)
            await gateway.grant(worker, on: endpoint)
            if routed { await gateway.route(endpoint, to: .cache(emulator)) }
            return try await body(GatewayUnderTest(loop: loop, gateway: gateway, emulator: emulator, address: address))
        }
    }

    /// A client that has not said who it is.
    func connect() throws -> SocketClient {
        try SocketClient(to: address, timeout: .seconds(5))
    }

    /// A client with the secret of a grant.
    func connect(as grant: Grant) throws -> SocketClient {
        let client = try connect()
        try client.send("AUTH \(grant.secret)\r\n")
        guard try client.line() == "+OK" else { throw SocketClient.Failure.closed }
        return client
    }

    func connections() async -> Int {
        await gateway.statistics()[Self.endpoint]?.connections ?? -1
    }
}

extension SocketClient {
    /// The next line, without its end.
    func line() throws -> String {
        String(decoding: try receive(until: "\r\n").dropLast(2), as: UTF8.self)
    }

    /// Sends an inline command; returns the first line of the reply.
    func ask(_ command: String) throws -> String {
        try send(command + "\r\n")
        return try line()
    }

    /// True when the peer ends the connection without another byte.
    func isEnded() throws -> Bool {
        try receiveToEnd().isEmpty
    }
}
