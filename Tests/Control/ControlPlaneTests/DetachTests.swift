import BrokerModel
import EventLoop
import Foundation
import Processes
import TestKit
import Testing

@testable import ControlPlane

#if os(Linux)
private let isLinux = true
#else
private let isLinux = false
#endif

@Suite struct DetachTests {
    @Test func `detach revokes the credential and closes that attachment's connections, nobody else's`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache", to: "web")
            try await broker.attach("cache", to: "worker")
            let url = try await broker.variable("CACHE_URL")
            let web = try RedisClient(url)
            let worker = try RedisClient(try await broker.variable("CACHE_URL", of: "worker"))
            try web.ask("PING")
            try worker.ask("PING")
            let outcome = try await broker.detach("cache")
            #expect(outcome.closed == 1)
            #expect(outcome.release == 2)
            #expect(outcome.removed == ["CACHE_URL", "REDIS_URL"])
            #expect(outcome.promoted == nil)
            #expect(web.isClosed)
            #expect(try worker.ask("PING") == "+PONG")
            #expect(throws: RedisClient.Refused.self) { try RedisClient(url) }
            #expect(try await broker.variables().isEmpty)
        }
    }

    @Test func `the usual variable goes to the oldest that remains, in the same release`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            try await broker.attach("sessions", class: "redis")
            try await broker.attach("limits", class: "redis")
            let outcome = try await broker.detach("cache")
            #expect(outcome.promoted == "SESSIONS")
            #expect(outcome.release == 4)
            let variables = try await broker.variables()
            #expect(variables["REDIS_URL"] == variables["SESSIONS_URL"])
            let release = try #require(try await broker.plane.releases(of: "web", in: broker.workspace).releases.first)
            #expect(release.version == 4)
            #expect(release.changed == ["REDIS_URL"])
            #expect(release.removed == ["CACHE_URL"])
        }
    }

    @Test func `detach from a queue closes the attachment's port`() async throws {
        try await BrokerUnderTest.run { broker in
            let outcome = try await broker.attach("queue")
            try await broker.attach("queue", to: "worker")
            let address = UInt16(outcome.attachment.port ?? 0)
            let client = try SocketClient(to: .tcp(host: "127.0.0.1", port: address))
            try client.send("list-tube-used\r\n")
            _ = try client.receive(until: "\r\n")
            #expect(try await broker.detach("queue").closed == 1)
            #expect(throws: SocketClient.Failure.refused) {
                try SocketClient(to: .tcp(host: "127.0.0.1", port: address))
            }
            #expect(try await broker.resource("queue")?.state == "ready")
        }
    }

    @Test func `detach from a file says that an open file cannot be revoked`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("db")
            let outcome = try await broker.detach("db")
            #expect(outcome.warning?.contains("open") == true)
            #expect(outcome.removed == ["DATABASE_URL", "DB_URL"])
        }
    }

    @Test func `what is not there is named`() async throws {
        try await BrokerUnderTest.run { broker in
            let resource = await #expect(throws: BrokerError.self) { try await broker.detach("cache") }
            #expect(resource?.code == .resourceNotFound)
            try await broker.create("cache")
            let attachment = await #expect(throws: BrokerError.self) { try await broker.detach("cache") }
            #expect(attachment?.code == .attachmentNotFound)
            let app = await #expect(throws: BrokerError.self) {
                try await broker.plane.environment(of: "nobody", in: broker.workspace)
            }
            #expect(app?.code == .appNotFound)
        }
    }

    @Test func `destroy is refused while attached, its fix works, and force detaches with releases`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            try await broker.attach("cache", to: "worker")
            let error = await #expect(throws: BrokerError.self) { try await broker.destroy("cache") }
            #expect(error?.code == .resourceAttached)
            #expect(
                error?.fix
                    == "broker detach cache --from web --as CACHE && broker detach cache --from worker --as CACHE && broker destroy cache"
            )
            let outcome = try await broker.destroy("cache", force: true)
            #expect(outcome.detached == ["web", "worker"])
            let status = try await broker.status()
            #expect(status.resources.isEmpty)
            // Who is attached to nothing is no longer shown; what it was can still be read.
            #expect(status.apps.isEmpty)
            for app in ["web", "worker"] {
                #expect(
                    try await broker.plane.releases(of: app, in: broker.workspace).releases.map(\.version) == [2, 1])
            }
            #expect(FreePort.isFree(broker.ports.lowerBound))
        }
    }

    @Test(.enabled(if: isLinux, "only Linux tells"))
    func `a store whose file a process has open is removed by force only`() async throws {
        try await BrokerUnderTest.run { broker in
            let path = try #require(try await broker.create("db").resource.path)
            var command = ProcessCommand("sleep", ["600"], environment: ["PATH": "/usr/bin:/bin"])
            let file = try #require(FileHandle(forReadingAtPath: path))
            command.input = .descriptor(file.fileDescriptor)
            let user = try ChildProcess.spawn(command)
            try file.close()
            let error = await #expect(throws: BrokerError.self) { try await broker.destroy("db") }
            #expect(error?.code == .unsafe)
            #expect(error?.why.hasPrefix("sleep (pid \(user.pid))") == true)
            #expect(error?.fix == "broker destroy db --force  # or end it first: kill \(user.pid)")
            #expect(broker.exists(path))
            let outcome = try await broker.destroy("db", force: true)
            #expect(outcome.warning?.contains("sleep (pid \(user.pid)) had its file open") == true)
            #expect(!broker.exists(path))
            await user.terminate(grace: .zero)
        }
    }

    @Test func `destroying a store removes its file`() async throws {
        try await BrokerUnderTest.run { broker in
            let path = try #require(try await broker.create("db").resource.path)
            #expect(broker.exists(path))
            try await broker.destroy("db")
            #expect(!broker.exists(path))
            #expect(broker.names(in: "resources").isEmpty)
        }
    }
}
