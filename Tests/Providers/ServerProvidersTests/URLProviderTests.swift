import BrokerModel
import ProviderKit
import TestKit
import Testing

@testable import ServerProviders

/// A server elsewhere that goes and comes back.
@Suite(.requires(.redisServer)) struct URLProviderTests {
    @Test func `a server that ends is reported, and again when it is back; a removed backing is asked no more`()
        async throws
    {
        let provider = URLProvider(runtime: "/nowhere", interval: .milliseconds(10))
        var reports = provider.health.makeAsyncIterator()
        let port = try FreePort.find()
        let reference = try ProviderReference("redis://127.0.0.1:\(port)/0")
        let backing = Backing(
            id: .random(), resource: .random(), provider: reference, secret: .random(), memory: [:])
        let request = ProvisionRequest(backing: backing, serviceClass: .redis, plan: .durable) { _ in }

        let first = try await RealServer.start(.redisServer, on: port)
        _ = try await provider.provision(request)
        await first.stop()
        let gone = await reports.next()
        #expect(gone?.backing == backing.id)
        guard case .failed(let why) = gone?.health else {
            Issue.record("\(String(describing: gone))")
            return
        }
        #expect(why.contains("cannot be reached"))

        let second = try await RealServer.start(.redisServer, on: port)
        #expect(await reports.next() == HealthReport(backing: backing.id, health: .ready))
        _ = try await provider.deprovision(DeprovisionRequest(backing: backing, serviceClass: .redis))
        await second.stop()
    }
}
