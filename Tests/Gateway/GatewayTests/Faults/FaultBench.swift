import BrokerModel
import EventLoop
import Gateway
import TestKit
import Testing

/// Where a fault is tried: over which driver, before whom.
struct FaultBench: CustomTestStringConvertible, Sendable {
    enum Side: String, CaseIterable, Sendable { case emulator, server }

    let driver: LoopUnderTest
    let side: Side

    var testDescription: String { "\(driver), \(side.rawValue)" }

    static let all = LoopUnderTest.allCases.flatMap { driver in
        Side.allCases.map { FaultBench(driver: driver, side: $0) }
    }

    func run(_ body: (GatewayUnderTest) async throws -> Void) async throws {
        switch side {
        case .emulator: try await GatewayUnderTest.run(driver) { try await body($0) }
        case .server:
            try await RealServer.run(.redisServer) { server in
                try await GatewayUnderTest.run(driver, routed: false) { test in
                    let upstream = Upstream.RedisServer(
                        address: server.address, user: nil, secret: nil, database: nil)
                    await test.gateway.route(GatewayUnderTest.endpoint, to: .redisServer(upstream))
                    try await body(test)
                }
            }
        }
    }
}

extension GatewayUnderTest {
    @discardableResult
    func fault(_ fault: Fault) async throws -> FaultID {
        try await gateway.addFault(fault, on: Self.endpoint)
    }

    func report(_ id: FaultID) async -> FaultReport? {
        await gateway.faults(on: Self.endpoint).first { $0.id == id }
    }
}

extension SocketClient {
    /// Sends inline commands at once; returns one line of reply for each.
    func askAll(_ commands: [String]) throws -> [String] {
        try send(commands.map { $0 + "\r\n" }.joined())
        return try commands.map { _ in try line() }
    }

    /// How the peer has ended the connection.
    func ending() -> Failure? {
        do throws(Failure) {
            return try receiveToEnd().isEmpty ? .closed : nil
        } catch {
            return error
        }
    }
}
