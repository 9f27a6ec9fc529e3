import BrokerModel
import ProviderKit

/// What a test expects of a resource: which questions it takes, and whether the answers are the expected ones.
struct Expectation {
    /// What is looked at.
    private enum Subject {
        case key(String)
        case field(String, of: String)
        case tube(String)
        case query(String)
    }

    private let subject: Subject
    private let request: ExpectRequest
    /// For people.
    let text: String

    /// Throws `invalidRequest` where nothing, or not one thing, is looked at, and where nothing is expected of it.
    init(_ request: ExpectRequest) throws(BrokerError) {
        self.request = request
        switch (request.key, request.tube, request.query) {
        case (let key?, nil, nil): subject = request.field.map { .field($0, of: key) } ?? .key(key)
        case (nil, let tube?, nil): subject = .tube(tube)
        case (nil, nil, let query?): subject = .query(query)
        default: throw Self.invalid("exactly one of key, tube and query is looked at")
        }
        let counts: [(String, Int?)] = [
            ("ready", request.ready), ("reserved", request.reserved), ("delayed", request.delayed),
            ("buried", request.buried),
        ]
        let counted = counts.compactMap { name, count in count.map { "\($0) \(name)" } }
        var parts = counted
        if let equals = request.equals { parts.append("equal to \"\(equals)\"") }
        if let exists = request.exists { parts.append(exists ? "there" : "absent") }
        if let length = request.length { parts.append("of length \(length)") }
        guard !parts.isEmpty else { throw Self.invalid("nothing is expected of it") }
        if case .tube = subject {
            guard counted.count == parts.count else { throw Self.invalid("of a tube jobs are counted") }
        } else if !counted.isEmpty {
            throw Self.invalid("ready, reserved, delayed and buried are of a tube")
        }
        text = "\(Self.name(subject)) \(parts.joined(separator: ", "))"
    }

    /// Asks, and tells whether it is as expected, and what was seen.
    func look(_ ask: (Question.Kind) async throws(BrokerError) -> Answer) async throws(BrokerError) -> (Bool, String) {
        switch subject {
        case .tube(let tube):
            guard case .jobs(let jobs) = try await ask(.tube(tube)) else { return (false, "no jobs") }
            let isMet =
                (request.ready ?? jobs.ready) == jobs.ready && (request.reserved ?? jobs.reserved) == jobs.reserved
                && (request.delayed ?? jobs.delayed) == jobs.delayed && (request.buried ?? jobs.buried) == jobs.buried
            return (
                isMet,
                "\(jobs.ready) ready, \(jobs.reserved) reserved, \(jobs.delayed) delayed, \(jobs.buried) buried"
            )
        case .query(let query): return compare(try await ask(.query(query)), length: nil)
        case .field(let field, let key): return compare(try await ask(.command(["HGET", key, field])), length: nil)
        case .key(let key):
            guard case .text(let type) = try await ask(.command(["TYPE", key])), type != "none" else {
                return (request.exists == false, "absent")
            }
            guard type != "string" else {
                return compare(try await ask(.command(["GET", key])), length: nil)
            }
            guard request.equals == nil else { return (false, "a \(type)") }
            guard request.length != nil, let count = Self.counts[type] else {
                return (request.exists != false && request.length == nil, "a \(type)")
            }
            guard case .integer(let length) = try await ask(.command([count, key])) else { return (false, "a \(type)") }
            return (request.exists != false && Int(length) == request.length, "a \(type) of length \(length)")
        }
    }

    private static let counts = [
        "list": "LLEN", "hash": "HLEN", "set": "SCARD", "zset": "ZCARD", "stream": "XLEN",
    ]

    private func compare(_ answer: Answer, length: Int?) -> (Bool, String) {
        let value: String
        switch answer {
        case .text(let text): value = text
        case .integer(let number): value = "\(number)"
        case .null: return (request.exists == false && request.equals == nil && request.length == nil, "absent")
        case .list, .jobs: return (false, "something else than a value")
        }
        let isMet =
            request.exists != false && (request.equals ?? value) == value
            && (request.length ?? value.utf8.count) == value.utf8.count
        return (isMet, "\"\(value.prefix(200))\"")
    }

    private static func name(_ subject: Subject) -> String {
        switch subject {
        case .key(let key): "key \"\(key)\""
        case .field(let field, let key): "field \"\(field)\" of \"\(key)\""
        case .tube(let tube): "tube \"\(tube)\""
        case .query: "the query"
        }
    }

    private static func invalid(_ why: String) -> BrokerError {
        BrokerError(.invalidRequest, "cannot tell what is expected", why: why, fix: "broker expect --help")
    }
}
