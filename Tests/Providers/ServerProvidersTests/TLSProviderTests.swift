import BrokerModel
import Foundation
import ProviderKit
import ReplicationWire
import TestKit
import Testing

@testable import ServerProviders

/// A real server that is spoken to over TLS, and all that can be wrong with its certificate.
@Suite(.requires(.redisServer)) struct TLSProviderTests {
    private func check(_ text: String, _ folder: TemporaryDirectory) async throws -> String? {
        let reference = try ProviderReference(text)
        let provider = URLProvider(runtime: folder.path)
        return try await provider.check(CheckRequest(provider: reference, serviceClass: .redis)).server
    }

    private func refusal(_ text: String, _ folder: TemporaryDirectory) async throws -> String {
        let error = await #expect(throws: BrokerError.self) { try await check(text, folder) }
        #expect(error?.code == .serverUnreachable, "\(String(describing: error))")
        #expect(error?.fix?.contains("--tls") == true)
        return error?.why ?? ""
    }

    @Test func `the certificate is checked, and what is wrong with it is said`() async throws {
        let folder = try TemporaryDirectory()
        let (files, strangers) = (try await TLSFiles(), try await TLSFiles())
        let port = try FreePort.find()
        try await RealServer.run(.redisServer, arguments: files.arguments(port: port), secret: "pw") { server in
            let place = "rediss://:pw@127.0.0.1:\(port)/0"
            #expect(try await check("\(place)?ssl_ca_certs=\(files.authority)", folder)?.hasPrefix("redis ") == true)
            #expect(try await check("\(place)?ssl_cert_reqs=none", folder)?.hasPrefix("redis ") == true)
            #expect(try await refusal(place, folder).contains("not signed by this system's authorities"))
            #expect(
                try await refusal("\(place)?ssl_ca_certs=\(strangers.authority)", folder)
                    .contains("not signed by those of \(strangers.authority)"))
            #expect(
                try await refusal("\(place)?ssl_ca_certs=/nowhere.pem", folder)
                    == "no certificate can be read from /nowhere.pem")
            #expect(
                try await refusal("rediss://127.0.0.1:\(server.port ?? 0)?ssl_cert_reqs=none", folder)
                    == "it does not answer to TLS: redis:// speaks to a server in the clear")
            let closed = try FreePort.find()
            #expect(try await refusal("rediss://127.0.0.1:\(closed)", folder) == "Connection refused")
            let wrong = await #expect(throws: BrokerError.self) {
                try await check("rediss://:other@127.0.0.1:\(port)/0?ssl_ca_certs=\(files.authority)", folder)
            }
            #expect(wrong?.code == .credentialsRefused)
        }
        // Nobody holds a tunnel any more.
        try await eventually("the sockets are gone") {
            try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty
        }
    }

    @Test func `a certificate for another name, and a server that is none, are refused`() async throws {
        let folder = try TemporaryDirectory()
        let files = try await TLSFiles()
        let port = try FreePort.find()
        let arguments = files.arguments(port: port, certificate: files.elsewhere)
        try await RealServer.run(.redisServer, arguments: arguments) { (_) async throws -> Void in
            for host in ["localhost", "127.0.0.1"] {
                #expect(
                    try await refusal("rediss://\(host):\(port)?ssl_ca_certs=\(files.authority)", folder)
                        == "its certificate is for another name than \(host)")
            }
        }
        try await RealServer.run(.beanstalkd) { (server) async throws -> Void in
            #expect(
                try await refusal("rediss://127.0.0.1:\(server.port ?? 0)", folder)
                    == "it does not answer to TLS: redis:// speaks to a server in the clear")
        }
    }

    @Test func `a server that asks for a certificate gets it`() async throws {
        let folder = try TemporaryDirectory()
        let files = try await TLSFiles()
        let port = try FreePort.find()
        let arguments = files.arguments(port: port, asksClients: true)
        try await RealServer.run(.redisServer, arguments: arguments) { (_) async throws -> Void in
            let place = "rediss://127.0.0.1:\(port)/0?ssl_ca_certs=\(files.authority)"
            let shown = "\(place)&ssl_certfile=\(files.client)&ssl_keyfile=\(files.clientKey)"
            #expect(try await check(shown, folder)?.hasPrefix("redis ") == true)
            #expect(try await refusal(place, folder).contains("asks for a client certificate"))
            #expect(
                try await refusal("\(place)&ssl_certfile=\(files.client)", folder)
                    == "no private key can be read from \(files.client)")
        }
    }

    @Test func `a copy comes and goes over TLS`() async throws {
        let folder = try TemporaryDirectory()
        let files = try await TLSFiles()
        let port = try FreePort.find()
        let url = URLProvider(runtime: folder.path)
        try await RealServer.run(.redisServer, arguments: files.arguments(port: port)) { _ in
            func backing(_ database: Int) throws -> Backing {
                let text = "rediss://127.0.0.1:\(port)/\(database)?ssl_ca_certs=\(files.authority)"
                return Backing(
                    id: .random(), resource: .random(), provider: try ProviderReference(text), secret: .random(),
                    memory: [:])
            }
            let (from, to) = (try backing(1), try backing(2))
            let writer = try await url.openTarget(CopyTargetRequest(backing: from, serviceClass: .redis))
            // More than the buffers on the way hold.
            let value = [UInt8](repeating: 120, count: 300_000)
            var segment = CopyBatch.Segment(database: 0)
            for index in 0..<60 {
                let command = ReplicatedCommand([Array("SET".utf8), Array("k\(index)".utf8), value])
                segment.bytes += command.bytes
                segment.commands += 1
            }
            try await writer.apply(CopyBatch(segments: [segment]))
            let source = try await url.openSource(
                CopySourceRequest(backing: from, serviceClass: .redis, contents: .everything))
            let target = try await url.openTarget(CopyTargetRequest(backing: to, serviceClass: .redis))
            try await carry(source, to: target)
            #expect(try await target.counts() == [0: 60])
            #expect(try await differences(source, target) == [])
            await source.close()
            await target.close()
            await writer.close()
        }
    }
}
