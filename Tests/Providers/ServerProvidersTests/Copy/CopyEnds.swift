import BrokerModel
import EventLoop
import Foundation
import ProviderKit
import ReplicationWire
import TestKit
import Testing

@testable import ServerProviders

extension CopyServer {
    /// A test's server, and what of it is the resource's.
    init(_ server: RealServer, _ scope: DatabaseScope = .all, user: String? = nil, secret: String? = nil) {
        self.init(address: server.address, scope, user: user, secret: secret)
    }

    init(address: SocketAddress, _ scope: DatabaseScope = .all, user: String? = nil, secret: String? = nil) {
        let place: ProviderURL.Place =
            switch address {
            case .tcp(let host, let port): .tcp(host: host, port: port)
            case .unix(let path): .unix(path: path)
            }
        self.init(
            login: RedisLogin(place: place, user: user, secret: secret.map { Secret($0) }), scope: scope,
            name: "\(address)", isElsewhere: true)
    }
}

extension RealServer {
    /// A connection of the test's own.
    func client() throws -> RedisConnection { try RedisConnection(CopyServer(self), Interruption()) }

    /// Asks one question.
    @discardableResult
    func ask(_ words: String...) throws -> RedisReply {
        let command = ReplicatedCommand(words.map { Array($0.utf8) })
        let reply = try client().ask(command.bytes, count: 1)[0]
        if case .error(let text) = reply { Issue.record("\(words) is answered \(text)") }
        return reply
    }

    /// A line of INFO.
    func fact(_ name: String) throws -> Int {
        let info = try ask("INFO", "everything").text ?? ""
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name + ":") }
        return line.flatMap { Int($0.dropFirst(name.count + 1)) } ?? -1
    }
}

/// Copies until the target has all that was answered before the call, or the time is over.
func carry(_ source: any CopySource, to target: any CopyTarget) async throws {
    let position = try await source.position()
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
        let batch = try await source.next()
        try await target.apply(batch)
        if let reached = batch.position, reached >= position { return }
    }
    throw NeverHappened("the stream does not reach \(position)")
}

/// All keys of an end.
func allKeys(_ end: any CopyEnd) async throws -> Set<CopyKey> {
    var keys: Set<CopyKey> = []
    var cursor: CopyCursor?
    repeat {
        let some = try await end.keys(from: cursor)
        keys.formUnion(some.keys)
        cursor = some.next
    } while cursor != nil
    return keys
}

/// The keys that are not the same at both ends.
func differences(_ one: any CopyEnd, _ other: any CopyEnd) async throws -> [CopyKey] {
    let keys = Array(try await allKeys(one).union(try await allKeys(other)))
    let (left, right) = (try await one.digests(of: keys), try await other.digests(of: keys))
    return zip(keys, zip(left, right)).filter { $1.0 != $1.1 }.map(\.0)
}

/// All keys are the same at both ends. What is about to expire may do so between two looks: it is looked at again.
func expectEqual(_ one: any CopyEnd, _ other: any CopyEnd) async throws {
    var last: [CopyKey] = []
    do {
        try await eventually("both ends are equal", within: .seconds(5)) {
            last = try await differences(one, other)
            return last.isEmpty
        }
    } catch is NeverHappened {
        let names = last.map { "\($0.database)/\(String(decoding: $0.name, as: UTF8.self))" }
        Issue.record("\(last.count) keys differ: \(names.sorted().prefix(20))")
    }
}
