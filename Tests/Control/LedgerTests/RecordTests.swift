import BrokerModel
import TestKit
import Testing

@testable import Ledger

@Suite struct RecordTests {
    typealias Values = LedgerUnderTest

    @Test func `a port belongs to one endpoint, of a resource or of an attachment`() async throws {
        let test = try LedgerUnderTest()
        let (cache, backing) = Values.resource("cache", port: 21000)
        try await test.ledger.write { try $0.insert(cache, .present, backing: backing) }
        let (other, otherBacking) = Values.resource("other", port: 21000)
        await #expect(throws: BrokerError.self) {
            try await test.ledger.write { try $0.insert(other, .present, backing: otherBacking) }
        }
        await #expect(throws: BrokerError.self) {
            try await test.ledger.write {
                try $0.insert(Values.attachment("web", of: cache.id, sequence: 1, port: 21000))
            }
        }
        #expect(try await test.ledger.read { try $0.ports() } == [21000])
        #expect(try await test.ledger.read { try $0.resources().count } == 1)
    }

    @Test func `removing a resource frees its name, its port, its aliases and its credentials`() async throws {
        let test = try LedgerUnderTest()
        let (cache, backing) = Values.resource("cache", port: 21000)
        for _ in 0..<2 {
            try await test.ledger.write { writer in
                try writer.insert(cache, .present, backing: backing)
                try writer.insert(
                    Values.attachment("web", of: cache.id, sequence: try writer.nextSequence(), port: 21001))
            }
            try await test.ledger.write { try $0.remove(cache.id) }
        }
        #expect(try await test.ledger.read { try $0.ports() } == [])
        #expect(try await test.ledger.read { try $0.backings() } == [])
    }

    @Test func `an alias is unique in its app`() async throws {
        let test = try LedgerUnderTest()
        let (cache, backing) = Values.resource("cache")
        try await test.ledger.write { writer in
            try writer.insert(cache, .present, backing: backing)
            try writer.insert(Values.attachment("web", of: cache.id, sequence: 1))
        }
        await #expect(throws: BrokerError.self) {
            try await test.ledger.write { try $0.insert(Values.attachment("web2", of: cache.id, sequence: 2)) }
        }
    }

    @Test func `an error in a transaction undoes all of it`() async throws {
        struct Halt: Error {}
        let test = try LedgerUnderTest()
        let (cache, backing) = Values.resource("cache")
        await #expect(throws: BrokerError.self) {
            try await test.ledger.write { writer in
                try writer.insert(cache, .present, backing: backing)
                throw Halt()
            }
        }
        #expect(try await test.ledger.read { try $0.resources() } == [])
    }

    @Test func `releases are numbered from 1 within their app and read newest first`() async throws {
        let test = try LedgerUnderTest()
        let web = AppName(unchecked: "web")
        try await test.ledger.write { writer in
            _ = try writer.insert(Values.resource("x").0, .present, backing: Values.resource("x").1)
            #expect(
                try writer.addRelease(of: web, in: Values.workspace, "one", added: ["A"], changed: [], removed: []) == 1
            )
            #expect(
                try writer.addRelease(of: web, in: Values.workspace, "two", added: [], changed: ["A"], removed: []) == 2
            )
        }
        let releases = try await test.ledger.read { try $0.releases(of: web, in: Values.workspace) }
        #expect(releases.map(\.version) == [2, 1])
        #expect(releases.map(\.changed) == [["A"], []])
        #expect(
            try await test.ledger.read { try $0.latestRelease(of: AppName(unchecked: "api"), in: Values.workspace) }
                == 0)
    }

    @Test func `an operation is unfinished until it has succeeded or failed`() async throws {
        let test = try LedgerUnderTest()
        let ids = (1...3).map { OperationID(rawValue: "o\($0)") }
        let error = BrokerError(.serverUnreachable, "gone", why: "it is off", fix: "turn it on")
        try await test.ledger.write { writer in
            for id in ids {
                let operation = Operation(
                    id: id, workspace: Values.workspace, kind: .swap, resource: ResourceID(rawValue: "r"),
                    phase: .intended)
                try writer.begin(StoredOperation(operation: operation, request: "{}", intent: "{}"))
            }
            try writer.succeed(ids[0], outcome: "[1]")
            try writer.fail(ids[1], error)
            try writer.advance(ids[2], to: .switched)
        }
        let unfinished = try await test.ledger.read { try $0.unfinishedOperations() }
        #expect(unfinished.map(\.operation.id) == [ids[2]])
        #expect(unfinished.map(\.operation.phase) == [.switched])
        #expect(try await test.ledger.read { try $0.operation(ids[0])?.outcome } == "[1]")
        #expect(try await test.ledger.read { try $0.operation(ids[1])?.error } == error)
    }

    @Test func `events are read newest last, by source, and from a cursor on`() async throws {
        let test = try LedgerUnderTest()
        let (cache, web) = (ResourceName(unchecked: "cache"), AppName(unchecked: "web"))
        try await test.ledger.write { writer in
            for number in 1...3 { try writer.note(cache, in: Values.workspace, "c\(number)") }
            try writer.note(web, in: Values.workspace, "w")
        }
        let all = try await test.ledger.read { try $0.events(in: Values.workspace, source: nil, last: 2, after: nil) }
        #expect(all.map(\.message) == ["c3", "w"])
        let one = try await test.ledger.read { try $0.events(in: Values.workspace, source: "cache", last: 9, after: 1) }
        #expect(one.map(\.message) == ["c2", "c3"])
        #expect(try await test.ledger.read { try $0.latestEvent() } == 4)
    }
}
