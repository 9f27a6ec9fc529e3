import Foundation
import RESPWire
import TestKit
import Testing

@testable import CacheEmulator

/// CONFIG knows every parameter of Redis 7.0, and says of each what comes of it.
@Suite(.comparedWithRedis)
struct ConfigurationDifferentialTests {
    /// What is each server's own: where it is, and what the pair was started with.
    private static let own: Set<String> = [
        "bind", "daemonize", "dir", "pidfile", "port", "unixsocket", "unixsocketperm", "requirepass", "save",
        "always-show-logo", "logfile", "enable-debug-command", "appendonly", "aclfile", "maxclients", "protected-mode",
        "enable-protected-configs", "loglevel",
    ]

    private func all(_ client: RedisClient) throws -> [String: String] {
        let elements = try #require(try client.call("CONFIG", "GET", "*").elements)
        let pairs = stride(from: 0, to: elements.count, by: 2).map {
            (elements[$0].text ?? "", elements[$0 + 1].text ?? "")
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    @Test func `the parameters and their values are those of Redis`() throws {
        let (ours, theirs) = try Dialogue(version: 2).connection("A")
        let (known, all) = (try all(ours), try all(theirs))
        #expect(Set(known.keys).symmetricDifference(all.keys).isEmpty)
        for (name, value) in all where !Self.own.contains(name) {
            #expect(known[name] == value, "\(name)")
        }
    }

    @Test func `what a parameter cannot be is refused in the same words`() throws {
        let values = [
            "nonsense!", "-9000000000000000000", "1gx", "", "yes", "5%", "99999999999999999999", "normal 1 2",
            "0 x 1 1",
        ]
        var steps: [Step] = []
        for parameter in Configuration.initial where !Self.own.contains(parameter.name) {
            if case .text = parameter.kind { continue }
            let isChanged = parameter.effect != .fixed
            for value in values {
                let refused = Configuration().accepts(parameter.name, value) == nil
                // What Redis takes and the emulator does not is the rest of the table.
                if ["maxmemory", "maxmemory-clients", "cluster-link-sendbuf-limit"].contains(parameter.name),
                    value.count > 19
                {
                    continue
                }
                if isChanged || refused { steps.append(Step("CONFIG SET \(parameter.name) \"\(value)\"")) }
            }
            if isChanged {
                steps.append(Step("CONFIG GET \(parameter.name)"))
                steps.append(Step("CONFIG SET \(parameter.name) \"\(parameter.value)\""))
                steps.append(Step("CONFIG GET \(parameter.name)"))
            }
        }
        #expect(steps.count > 500)
        try compare(steps, versions: [2])
    }

    @Test func `a password for all is refused, and said why`() throws {
        let ours = try Dialogue(version: 2).connection("A").ours
        let refusal = try #require(try ours.call("CONFIG", "SET", "requirepass", "x").text)
        #expect(refusal.hasPrefix("ERR CONFIG SET failed (possibly related to argument 'requirepass') - each "))
        #expect(try ours.call("CONFIG", "GET", "requirepass").elements?.last?.text?.isEmpty == true)
        #expect(try ours.call("CONFIG", "SET", "requirepass", "").text == "OK")
    }

    @Test func `limits of output are changed class by class`() throws {
        let values = [
            "normal 1gb 2kb 3", "pubsub 50mb 60mb 7", "replica 100mb 2gb 3", "slave 256mb 64mb 60", "foo 1 2 3",
            "normal 1 2",
            "normal -1 0 0", "normal 0 0 x", "Normal 0 0 0 PUBSUB 32mb 8mb 60", "normal 0 0 0 foo 1 2 3",
        ]
        try compare(
            values.flatMap {
                [Step("CONFIG SET client-output-buffer-limit \"\($0)\""), "CONFIG GET client-output-buffer-limit"]
            })
        let percentiles = [
            " 5", "5 ", "5  6", " ", "nan", "inf", "50", "0 100", "101", "-1", "a", "99.99 50.5", "50 50", "100.0", "",
            "50 99 99.9",
        ]
        try compare(
            percentiles.flatMap {
                [
                    Step("CONFIG SET latency-tracking-info-percentiles \"\($0)\""),
                    "CONFIG GET latency-tracking-info-percentiles",
                ]
            })
    }

    @Test func `values and names are read as in Redis`() throws {
        let scores = [
            "", "1 2", "1 2 3", " 1 2 3", "1 2 3 ", "1  2 3", "a 2 3", "-2001 2 3", "3 2 1", "1 2 3 4", "+1 02 -3",
            "1.5 2 3",
            "0 200 800",
        ]
        let name = "oom-score-adj-values"
        try compare(scores.flatMap { [Step("CONFIG SET \(name) \"\($0)\""), Step("CONFIG GET \(name)")] })
        let sizes = ["K", "kb", "b", "g", "x", "-1", "-1k", " 1", "1 ", "xk", "0"]
        try compare(sizes.flatMap { [Step("CONFIG SET maxmemory \"\($0)\""), "CONFIG GET maxmemory"] })
        try compare([
            "CONFIG GET MAXMEMORY maxmemory", "CONFIG GET hz HZ hz", "CONFIG GET maxmemor[y] maxmemory MAXMEMORY",
        ])
    }

    private static let document = URL(filePath: #filePath)
        .appending(path: "../../../../docs/reference/redis-configuration.md").standardizedFileURL

    @Test func `the document says what comes of each parameter`() throws {
        let rows = Configuration.initial.map { parameter in
            let effect =
                switch (parameter.kind, parameter.effect) {
                case (.immutable, _): "immutable, as in Redis"
                case (.protected, _): "protected, as in Redis"
                case (_, .honoured):
                    Configuration.ceiling(of: parameter.name).map { "honoured, up to \($0)" } ?? "honoured"
                case (_, .kept): "kept, without effect"
                case (_, .fixed): "a change is refused"
                }
            return "| `\(parameter.name)` | \(parameter.value.isEmpty ? "" : "`\(parameter.value)`") | \(effect) |"
        }
        let text = """
            # CONFIG of the emulated cache

            Every parameter of Redis 7.0 with its first value. What is *kept* tells a server how to work, not what to do: it is
            shown as it was set, and nothing comes of it. A change that would not be done is refused. This page is made by a
            test.

            | parameter | first value | CONFIG SET |
            |---|---|---|
            \(rows.joined(separator: "\n"))

            """
        if ProcessInfo.processInfo.environment["BROKER_UPDATE_GOLDEN"] == "1" {
            return try Data(text.utf8).write(to: Self.document)
        }
        let found = try? String(contentsOf: Self.document, encoding: .utf8)
        #expect(found == text, "docs/reference/redis-configuration.md: BROKER_UPDATE_GOLDEN=1 writes it anew")
    }
}

extension Configuration {
    /// The value as it would be shown, or nil where the kind of the parameter does not allow it.
    fileprivate func accepts(_ name: String, _ value: String) -> String? {
        guard let parameter = parameters.first(where: { $0.name == name }), parameter.kind.refusal == nil else {
            return nil
        }
        return Array(value.utf8).withBytes {
            if case .taken(let shown) = parameter.kind.check($0) { shown } else { nil }
        }
    }
}
