import BrokerModel
import Foundation
import TestKit
import Testing

@testable import Ledger

@Suite struct SealingTests {
    @Test func `a sealed secret opens in its place and nowhere else`() throws {
        let sealer = Sealer(Data(repeating: 7, count: 32))
        let sealed = try sealer.seal(Secret("hush"), for: "credentials/a/secret/1")
        #expect(try sealer.open(sealed, for: "credentials/a/secret/1") == Secret("hush"))
        #expect(throws: BrokerError.self) { try sealer.open(sealed, for: "credentials/b/secret/1") }
        #expect(throws: BrokerError.self) { try sealer.open(sealed.dropLast(), for: "credentials/a/secret/1") }
    }

    @Test func `the same secret is never sealed to the same bytes`() throws {
        let sealer = Sealer(Data(repeating: 7, count: 32))
        #expect(try sealer.seal(Secret("hush"), for: "x") != sealer.seal(Secret("hush"), for: "x"))
    }

    @Test func `another key is refused with a clear error, and nothing is changed`() async throws {
        let test = try LedgerUnderTest(masterKey: Self.key(1))
        try test.ledger.close()
        let before = try test.bytes()
        let error = #expect(throws: BrokerError.self) { try test.reopened(masterKey: Self.key(2)) }
        #expect(error?.code == .masterKeyWrong)
        #expect(error?.fix == "unset BROKER_MASTER_KEY")
        #expect(try test.bytes()["ledger.sqlite"] == before["ledger.sqlite"])
        _ = try test.reopened(masterKey: Self.key(1))
    }

    @Test func `a missing key file is not replaced by a new key`() throws {
        let test = try LedgerUnderTest()
        try test.ledger.close()
        try FileManager.default.moveItem(atPath: test.folder.file("master.key"), toPath: test.folder.file("kept"))
        let error = #expect(throws: BrokerError.self) { try test.reopened() }
        #expect(error?.code == .masterKeyWrong)
        #expect(!FileManager.default.fileExists(atPath: test.folder.file("master.key")))
    }

    @Test func `the key file and the ledger are the owner's alone, and a key file of others is refused`() throws {
        let test = try LedgerUnderTest()
        for name in ["master.key", "ledger.sqlite", "ledger.sqlite-wal"] {
            let mode = try FileManager.default.attributesOfItem(atPath: test.folder.file(name))[.posixPermissions]
            #expect((mode as? NSNumber)?.intValue == 0o600, "\(name)")
        }
        try test.ledger.close()
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: test.folder.file("master.key"))
        let error = #expect(throws: BrokerError.self) { try test.reopened() }
        #expect(error?.code == .unsafe)
        #expect(error?.fix == "chmod 600 \(test.folder.file("master.key"))")
    }

    @Test(arguments: ["", "short", "AAAA", String(repeating: "A", count: 44)])
    func `a key that is no key is refused without repeating it`(text: String) throws {
        let error = #expect(throws: BrokerError.self) { try LedgerUnderTest(masterKey: Secret(text)) }
        #expect(error?.code == .masterKeyWrong)
        if !text.isEmpty { #expect(error?.description.contains(text) == false) }
    }

    @Test func `no secret reaches a file in the clear`() async throws {
        let canary = "canary-7f3b1c"
        let test = try LedgerUnderTest()
        var url = try ProviderURL("redis://app@localhost:6379/0")
        url.secret = Secret("\(canary)-provider")
        let (resource, made) = LedgerUnderTest.resource("cache", provider: .url(url))
        let backing = Backing(
            id: made.id, resource: resource.id, provider: .url(url), secret: Secret("\(canary)-backing"), memory: [:])
        let direct = DirectURL(url: Secret("redis://:\(canary)-direct@localhost/0"), masked: "redis://:***@localhost/0")
        let attachment = LedgerUnderTest.attachment(canary, of: resource.id, sequence: 1, direct: direct)
        try await test.ledger.write { writer in
            try writer.insert(resource, .present, backing: backing)
            var stored = attachment
            stored.attachment.credential = Credential(user: "web", secret: Secret("\(canary)-app"), generation: 1)
            try writer.insert(stored)
        }
        #expect(try await test.ledger.read { try $0.backing(backing.id) } == backing)
        #expect(try await test.ledger.read { try $0.attachments(of: resource.id).first?.direct } == direct)
        for suffix in ["provider", "backing", "direct", "app"] {
            let needle = Data("\(canary)-\(suffix)".utf8)
            for (name, bytes) in try test.bytes() { #expect(bytes.range(of: needle) == nil, "\(suffix) in \(name)") }
        }
    }

    static func key(_ byte: UInt8) -> Secret { Secret(Data(repeating: byte, count: 32).base64EncodedString()) }
}
