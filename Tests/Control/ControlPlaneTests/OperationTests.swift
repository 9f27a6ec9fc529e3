import BrokerModel
import Ledger
import TestKit
import Testing

@testable import ControlPlane

@Suite struct OperationTests {
    @Test func `time is moved within the years 1970 to 9999, else nothing is`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            func move(_ action: ClockRequest.Action, _ amount: Int64) async throws -> Int64? {
                let request = ClockRequest(resources: ["cache"], action: action, to: amount, by: amount)
                return try await broker.plane.moveClock(request, in: BrokerUnderTest.workspace).resources.first?.time
            }
            let last: Int64 = 253_402_300_799_999
            _ = try await move(.freeze, 0)
            #expect(try await move(.set, 1000) == 1000)
            for (action, amount) in [
                (ClockRequest.Action.set, -1), (.set, last + 1), (.set, .max), (.advance, -1001), (.advance, last),
                (.advance, .max),
            ] {
                let error = await #expect(throws: BrokerError.self) { try await move(action, amount) }
                #expect(error?.code == .invalidRequest, "\(action) \(amount)")
                #expect(try await move(.show, 0) == 1000)
            }
            #expect(try await move(.set, last) == last)
        }
    }

    @Test func `a retry with the same id gets the first outcome`() async throws {
        try await BrokerUnderTest.run { broker in
            let ids = (0..<4).map { _ in OperationID.random() }
            let made = try await broker.create("other", class: "redis", operation: ids[0])
            let attached = try await broker.attach("cache", operation: ids[1])
            #expect(try await broker.attach("cache", operation: ids[1]) == attached)
            let detached = try await broker.detach("cache", operation: ids[2])
            #expect(try await broker.detach("cache", operation: ids[2]) == detached)
            let destroyed = try await broker.destroy("other", operation: ids[3])
            #expect(try await broker.destroy("other", operation: ids[3]) == destroyed)
            #expect(try await broker.create("other", class: "redis", operation: ids[0]) == made)
            #expect(try await broker.status().resources.map(\.name) == ["cache"])
        }
    }

    @Test func `an id is not for two requests`() async throws {
        try await BrokerUnderTest.run { broker in
            let id = OperationID.random()
            try await broker.attach("cache", operation: id)
            let error = await #expect(throws: BrokerError.self) {
                try await broker.attach("cache", to: "other", operation: id)
            }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test func `attaches at the same time make the resource once and number the releases without gaps`() async throws {
        try await BrokerUnderTest.run { broker in
            let plane = broker.plane
            let outcomes = try await withThrowingTaskGroup(of: AttachOutcome.self) { group in
                for number in 0..<12 {
                    let request = AttachRequest(
                        resource: "cache", app: "web", alias: "A\(number)", class: nil, provider: nil, direct: false)
                    group.addTask {
                        try await plane.attach(request, in: BrokerUnderTest.workspace, operation: .random())
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.filter(\.created).count == 1)
            #expect(outcomes.map(\.release).sorted() == Array(1...12))
            #expect(outcomes.filter { $0.attachment.variables.contains("REDIS_URL") }.count == 1)
        }
    }

    @Test func `of attaches of one alias at the same time exactly one wins, the others leave nothing behind`()
        async throws
    {
        try await BrokerUnderTest.run(ports: 12) { broker async throws in
            let plane = broker.plane
            let results = await withTaskGroup(of: Result<AttachOutcome, BrokerError>.self) { group in
                for number in 0..<8 {
                    let request = AttachRequest(
                        resource: "r\(number)", app: "web", alias: "SAME", class: "redis", provider: nil, direct: false)
                    group.addTask {
                        do throws(BrokerError) {
                            return .success(
                                try await plane.attach(request, in: BrokerUnderTest.workspace, operation: .random()))
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.compactMap { try? $0.get() }.count == 1)
            for case .failure(let error) in results { #expect(error.code == .aliasTaken) }
            #expect(try await broker.status().resources.count == 1)
            #expect(try await broker.ledger.read { try $0.ports() }.count == 1)
        }
    }

    @Test func `workspaces never meet`() async throws {
        try await BrokerUnderTest.run { broker in
            let other = WorkspaceName(unchecked: "other")
            let mine = try await broker.attach("cache")
            let theirs = try await broker.plane.attach(
                AttachRequest(resource: "cache", app: "web", alias: nil, class: nil, provider: nil, direct: false),
                in: other, operation: .random())
            #expect(theirs.created)
            #expect(mine.resource.port != theirs.resource.port)
            try RedisClient(try await broker.variable("CACHE_URL")).ask("SET k mine")
            let url = try await broker.plane.environment(of: "web", in: other).variables[0].value
            #expect(try RedisClient(url).ask("GET k") == "$-1")
            try await broker.destroy("cache", force: true)
            #expect(try await broker.plane.status(in: other).resources.count == 1)
        }
    }

    @Test func `what happens is in the log, by source and from a cursor on`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let first = try await broker.plane.logs(in: broker.workspace, source: nil, last: nil, after: nil)
            #expect(first.entries.map(\.source) == ["cache", "cache", "web"])
            #expect(first.entries.last?.message == "release v1: attach cache as CACHE")
            #expect(first.entries.first?.time == "2023-11-14T22:13:20.000Z")
            try await broker.detach("cache")
            let later = try await broker.plane.logs(in: broker.workspace, source: "web", last: 10, after: first.cursor)
            #expect(later.entries.map(\.message) == ["release v2: detach cache as CACHE"])
            let error = await #expect(throws: BrokerError.self) {
                try await broker.plane.logs(in: broker.workspace, source: nil, last: nil, after: "soon")
            }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test func `no credential is in a file of the home`() async throws {
        try await BrokerUnderTest.run { broker in
            try await broker.attach("cache")
            let url = try await broker.variable("CACHE_URL")
            let secret = try #require(try ProviderURL(url).secret?.reveal { $0 })
            #expect(broker.files(containing: secret) == [])
            #expect(broker.files(containing: "CACHE") != [])
        }
    }
}
