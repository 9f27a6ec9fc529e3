import BrokerModel
import Foundation
import GRDB
import TestKit
import Testing

@testable import Ledger

@Suite struct BadLedgerTests {
    @Test func `a file that is no database is refused and kept`() throws {
        let folder = try TemporaryDirectory()
        let text = Data(String(repeating: "this is a letter, not a ledger. ", count: 200).utf8)
        try text.write(to: URL(filePath: folder.file("ledger.sqlite")))
        #expect(failure(folder)?.code == .ledgerUnusable)
        #expect(FileManager.default.contents(atPath: folder.file("ledger.sqlite")) == text)
        #expect(!FileManager.default.fileExists(atPath: folder.file("master.key")))
    }

    @Test func `another program's database is refused and kept`() throws {
        let folder = try TemporaryDirectory()
        let other = try DatabaseQueue(path: folder.file("ledger.sqlite"))
        try other.write { try $0.execute(sql: "CREATE TABLE songs (title TEXT)") }
        try other.close()
        let before = FileManager.default.contents(atPath: folder.file("ledger.sqlite"))
        #expect(failure(folder)?.code == .ledgerUnusable)
        #expect(FileManager.default.contents(atPath: folder.file("ledger.sqlite")) == before)
    }

    @Test func `a damaged ledger is refused and kept`() async throws {
        let test = try LedgerUnderTest()
        try await test.ledger.write { writer in
            for number in 0..<200 {
                let (resource, backing) = LedgerUnderTest.resource("cache-\(number)", port: 21000 + UInt16(number))
                try writer.insert(resource, .present, backing: backing)
            }
        }
        try test.ledger.close()
        let path = test.folder.file("ledger.sqlite")
        var bytes = try #require(FileManager.default.contents(atPath: path))
        // From the second page on: the header still says that it is a ledger.
        bytes.replaceSubrange(4096..<(bytes.count - 4096), with: Data(repeating: 0x5a, count: bytes.count - 8192))
        try bytes.write(to: URL(filePath: path))
        let error = failure(test.folder)
        #expect(error?.code == .ledgerUnusable)
        #expect(error?.what.contains("damaged") == true)
        #expect(FileManager.default.contents(atPath: path) == bytes)
    }

    @Test func `a ledger of a newer broker is refused and kept`() throws {
        let test = try LedgerUnderTest()
        try test.ledger.close()
        let newer = try DatabaseQueue(path: test.folder.file("ledger.sqlite"))
        try newer.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999-from-the-future')") }
        try newer.close()
        let error = failure(test.folder)
        #expect(error?.code == .ledgerUnusable)
        #expect(error?.what.contains("newer") == true)
    }

    @Test func `a folder that is not there is named`() {
        let error = #expect(throws: BrokerError.self) { try Ledger.open(path: "/no/such/ledger.sqlite") { 0 } }
        #expect(error?.code == .ledgerUnusable)
        #expect(error?.what.contains("/no/such/ledger.sqlite") == true)
    }

    @Test func `a full disk is a clear error, and the ledger is as it was`() async throws {
        let test = try LedgerUnderTest()
        let (kept, keptBacking) = LedgerUnderTest.resource("kept", port: 21000)
        try await test.ledger.write { try $0.insert(kept, .present, backing: keptBacking) }
        try test.ledger.limit(pages: 1)
        let error = await #expect(throws: BrokerError.self) {
            try await test.ledger.write { writer in
                for number in 0..<2000 {
                    let (resource, backing) = LedgerUnderTest.resource("cache-\(number)")
                    try writer.insert(resource, .present, backing: backing)
                }
            }
        }
        #expect(error?.code == .diskFull)
        #expect(try await test.ledger.read { try $0.resources().map(\.resource) } == [kept])
        try test.ledger.limit(pages: 100_000)
        let (later, laterBacking) = LedgerUnderTest.resource("later")
        try await test.ledger.write { try $0.insert(later, .present, backing: laterBacking) }
    }

    private func failure(_ folder: TemporaryDirectory) -> BrokerError? {
        do throws(BrokerError) {
            _ = try Ledger.open(path: folder.file("ledger.sqlite")) { 0 }
            return nil
        } catch {
            return error
        }
    }
}
