import BrokerModel
import Foundation
import ProviderKit
import ReplicationWire
import TestKit
import Testing

@testable import ServerProviders

/// The providers open the ends of what they serve.
@Suite(.requires(.redisServer)) struct ProviderCopyTests {
    @Test func `a server that the broker runs is copied into a database of one elsewhere, and back`() async throws {
        let folder = try TemporaryDirectory()
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let exec = ExecProvider(folders: folder.path, runtime: folder.path, path: path)
        let url = URLProvider(runtime: "/nowhere")
        let own = Backing(
            id: .random(), resource: .random(), provider: .exec(program: "redis-server"), secret: .random(), memory: [:]
        )
        _ = try await exec.provision(
            ProvisionRequest(backing: own, serviceClass: .redis, plan: .durable) { _ in })
        try await RealServer.run(.redisServer, secret: "pw") { server in
            let reference = try ProviderReference("redis://:pw@127.0.0.1:\(server.port ?? 0)/2")
            let other = Backing(
                id: .random(), resource: .random(), provider: reference, secret: .random(), memory: [:])

            let back = try await url.openSource(
                CopySourceRequest(backing: other, serviceClass: .redis, contents: .changes))
            let source = try await exec.openSource(
                CopySourceRequest(backing: own, serviceClass: .redis, contents: .everything))
            let target = try await url.openTarget(CopyTargetRequest(backing: other, serviceClass: .redis))
            let writer = RedisEnd(
                CopyServer(login: await exec.login(of: own), scope: .all, name: "", isElsewhere: true))
            _ = try await writer.ask { connection throws(BrokerError) in try connection.ask("SET", "k", "v") }
            try await carry(source, to: target)
            #expect(try await target.counts() == [0: 1])
            #expect(try await differences(source, target) == [])

            let returned = try await exec.openTarget(CopyTargetRequest(backing: own, serviceClass: .redis))
            _ = try await writer.ask { connection throws(BrokerError) in try connection.ask("DEL", "k") }
            try await carry(back, to: returned)
            #expect(try await returned.counts() == [0: 1])
            for end in [back, source] as [any CopySource] { await end.close() }
            for end in [target, returned] as [any CopyTarget] { await end.close() }
            await writer.close()
        }
        _ = try await exec.deprovision(DeprovisionRequest(backing: own, serviceClass: .redis))
    }

    @Test func `only class redis can be copied, and only from a server that is there`() async throws {
        let url = URLProvider(runtime: "/nowhere")
        let reference = try ProviderReference("redis://127.0.0.1:\(try FreePort.find())/0")
        let backing = Backing(id: .random(), resource: .random(), provider: reference, secret: .random(), memory: [:])
        let error = await #expect(throws: BrokerError.self) {
            try await url.openTarget(CopyTargetRequest(backing: backing, serviceClass: .sqlite))
        }
        #expect(error?.code == .unsupported)
        let gone = await #expect(throws: BrokerError.self) {
            try await url.openSource(
                CopySourceRequest(backing: backing, serviceClass: .redis, contents: .everything))
        }
        #expect(gone?.code == .serverUnreachable)
    }
}
