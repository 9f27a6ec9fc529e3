import BrokerModel
import GRDB
import TestKit
import Testing

@testable import Ledger

@Suite struct MigrationTests {
    @Test func `published migrations never change: the tables after each are golden`() throws {
        for migration in Migration.all {
            let database = try DatabaseQueue()
            try Migration.migrate(database, through: migration)
            try GoldenFile.expect("schema-\(migration.name).sql", try database.read(Migration.schema))
        }
    }

    @Test func `migrations are numbered without gaps`() {
        for (index, migration) in Migration.all.enumerated() {
            let number = "\(index + 1)"
            #expect(migration.name.hasPrefix(String(repeating: "0", count: 3 - number.count) + number + "-"))
        }
    }

    @Test func `a ledger that is opened again keeps what is in it`() async throws {
        let test = try LedgerUnderTest()
        let (resource, backing) = LedgerUnderTest.resource("cache", port: 21000)
        try await test.ledger.write { try $0.insert(resource, .present, backing: backing) }
        try test.ledger.close()
        let again = try test.reopened()
        #expect(try await again.read { try $0.resources().map(\.resource) } == [resource])
        #expect(try await again.read { try $0.backing(backing.id) } == backing)
    }
}
