import BrokerModel
import EmulatedProviders
import EventLoop
import Foundation
import ServerProviders
import TestKit
import Testing

@Suite struct ProviderConformanceTests {
    @Test(arguments: ServiceClass.allCases)
    func `the emulator keeps the contract`(serviceClass: ServiceClass) async throws {
        let folder = try TemporaryDirectory()
        try await LoopUnderTest.allCases[0].run { loop in
            try await ProviderConformance(
                provider: EmulatorProvider(loops: LoopPool(of: loop), folders: folder.path), reference: .emulator,
                serviceClass: serviceClass
            ).run()
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }

    @Test(.requires(.redisServer))
    func `a server process keeps the contract`() async throws {
        let folder = try TemporaryDirectory()
        let provider = ExecProvider(folders: folder.path, runtime: folder.path, path: path)
        try await ProviderConformance(
            provider: provider, reference: .exec(program: "redis-server"), serviceClass: .redis
        ).run()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }

    @Test(.requires(.redisServer), arguments: [nil, "pr0vider"], [RealServer.Place.port, .unixSocket])
    func `a server elsewhere keeps the contract`(secret: String?, place: RealServer.Place) async throws {
        try await RealServer.run(.redisServer, at: place, secret: secret) { server in
            let account = secret.map { ":\($0)@" } ?? ""
            let text =
                switch server.address {
                case .tcp(let host, let port): "redis://\(account)\(host):\(port)/3"
                case .unix(let path): "unix://\(account)\(path)?db=3"
                }
            try await ProviderConformance(
                provider: URLProvider(runtime: "/nowhere"), reference: ProviderReference(text), serviceClass: .redis
            ).run()
        }
    }

    private var path: String { ProcessInfo.processInfo.environment["PATH"] ?? "" }
}
