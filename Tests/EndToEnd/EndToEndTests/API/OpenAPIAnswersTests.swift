import BrokerClient
import Foundation
import Processes
import TestKit
import Testing

/// `docs/reference/openapi.json` against a running daemon: a whole session of somebody who has read nothing else.
@Suite(.serialized) struct OpenAPIAnswersTests {
    /// Operations that no test exercises, with the reason: none.
    private static let unexercised: Set<String> = []

    @Test(.requires(.redisServer), arguments: APISession.Way.allCases)
    func `what the daemon takes and answers is what openapi json says`(way: APISession.Way) async throws {
        try await Broker.use { broker in
            let api = try await APISession(broker, by: way)
            try api.ask("GET", "/v1/version")
            try resources(api)
            let url = try attachments(api)
            try await commands(api, url)
            try faults(api)
            try clock(api)
            try expectations(api, broker)
            try snapshots(api)
            try await leases(api)
            try swap(api)
            try denied(api, way)
            try removal(api)
            try api.ask("POST", "/v1/shutdown")
            #expect(api.file.names.subtracting(api.exercised) == Self.unexercised)
            #expect(api.exercised.count > 30)
        }
    }

    private func resources(_ api: APISession) throws {
        let key = APISession.Extras(headers: ["Idempotency-Key": "0123456789abcdef"])
        let made = try api.ask("POST", "resources", body: ["name": "cache"], key)
        #expect(made["created"] == true)
        #expect(try api.ask("POST", "resources", body: ["name": "cache"], key)["created"] == true)
        #expect(try api.ask("POST", "resources", body: ["name": "cache"])["created"] == false)
        try api.ask("POST", "resources", body: ["name": "jobs", "class": "beanstalk", "plan": "ephemeral"])
        let store = try api.ask("POST", "resources", body: ["name": "db", "provider": ["reference": "emulator"]])
        #expect(store["resource"]["host"] == .null)

        try api.ask("POST", "resources", body: ["name": "-"], status: 400, code: "E0201")
        try api.ask("POST", "resources", body: ["name": "other"], status: 400, code: "E0206")
        try api.ask("POST", "resources", body: ["name": "cache", "class": "sqlite"], status: 409, code: "E0402")
        let program: JSON = ["name": "further", "class": "redis", "provider": ["reference": "exec:no-such-server"]]
        try api.ask("POST", "resources", body: program, status: 404, code: "E0305")
        let wrong = APISession.Extras(isWrong: true)
        for body: JSON in [[:], ["name": 7], ["name": "x", "provider": "emulator"], [1], ["name": .null]] {
            try api.ask("POST", "resources", body: body, status: 400, code: "E0205", wrong)
        }
        try api.ask("POST", "resources", status: 400, code: "E0205", wrong)
        try api.ask("DELETE", "resources/{R}", ["R": "none"], status: 404, code: "E0301")
        try api.ask("GET", "status", ["W": "a%2Fb"], status: 400, code: "E0201")
    }

    /// Returns the URL of the app's cache.
    private func attachments(_ api: APISession) throws -> String {
        let attached = try api.ask(
            "POST", "attachments", body: ["resource": "cache", "app": "web", "alias": "SESSIONS", "direct": false])
        #expect(attached["attached"] == true)
        for resource in ["jobs", "db"] {
            let body: JSON = ["resource": .text(resource), "app": "web", "direct": .flag(resource == "db")]
            try api.ask("POST", "attachments", body: body)
        }
        let again: JSON = ["resource": "jobs", "app": "web", "alias": "SESSIONS", "direct": false]
        try api.ask("POST", "attachments", body: again, status: 409, code: "E0401")
        try api.ask("DELETE", "resources/{R}", ["R": "cache"], status: 409, code: "E0403")
        try api.ask("GET", "apps/{A}/releases", ["A": "web"])
        try api.ask("GET", "apps/{A}/releases", ["A": "none"], status: 404, code: "E0302")
        try api.ask("GET", "apps/{A}/environment", ["A": "none"], status: 404, code: "E0302")
        let status = try api.ask("GET", "status")
        #expect(status["resources"].items.count == 3)
        // A queue has an endpoint for each attachment, and none of its own.
        #expect(status["resources"].items.contains { $0["name"] == "jobs" && $0["port"] == .null })
        let environment = try api.ask("GET", "apps/{A}/environment", ["A": "web"])
        let variable = environment["variables"].items.first { $0["name"] == "SESSIONS_URL" }
        return try #require(variable?["value"].string)
    }

    private func commands(_ api: APISession, _ url: String) async throws {
        let names = ["R": "cache"]
        #expect(try api.ask("POST", "resources/{R}/commands", names, body: ["mark": true])["begins"] == true)
        #expect(try await redis(url, "SET a 1") == "+OK\r\n")
        let seen = try api.ask("POST", "resources/{R}/commands", names, body: ["mark": false])
        #expect(seen["counts"]["set"] == 1)
        #expect(seen["last"].items.contains { $0["keys"] == ["a"] })
        let wrong = APISession.Extras(isWrong: true)
        try api.ask("POST", "resources/{R}/commands", names, body: ["mark": 1], status: 400, code: "E0205", wrong)
        try api.ask("POST", "resources/{R}/commands", ["R": "no"], body: ["mark": true], status: 404, code: "E0301")
        try api.ask("POST", "resources/{R}/commands", ["R": "db"], body: ["mark": true], status: 422, code: "E0702")
    }

    private func faults(_ api: APISession) throws {
        let names = ["R": "cache"]
        let commands: JSON = [
            ["commands": ["get"], "key": "user:*", "nth": 3, "effect": ["error": "loading"]],
            ["client": "web", "every": 2, "seed": 7, "effect": ["error": ["text": "READONLY no"]]],
            ["first": 1, "probability": 0.5, "count": 9, "for": 60000, "effect": ["delay": ["ms": 2, "jitter": 1]]],
            ["effect": ["cut": ["bytes": 6]]], ["effect": ["reset": ["when": "after"]]],
            ["effect": ["drop": ["executed": true]]],
        ]
        let connections: JSON = [
            ["toxicity": 0.0, "effect": ["latency": ["ms": 1, "jitter": 0, "direction": "up"]]],
            ["effect": ["bandwidth": ["rate": 1000]]], ["effect": ["timeout": ["ms": 0]]],
            ["effect": ["slow-close": ["ms": 1]]], ["effect": ["reset-peer": ["ms": 60000]]],
            ["effect": ["slicer": ["size": 10, "variation": 3, "delay": 1, "direction": "down"]]],
            ["effect": ["limit-data": ["bytes": 100]]], ["effect": ["maxclients": [:]]], ["effect": ["down": [:]]],
        ]
        let added = try api.ask("POST", "resources/{R}/faults", names, body: ["faults": commands])
        #expect(added["faults"].items.count == 6)
        let id = try #require(added["faults"][0]["id"].string)
        try api.ask("POST", "resources/{R}/faults", names, body: ["faults": connections])
        let listed = try api.ask("GET", "resources/{R}/faults", names)["faults"].items
        #expect(listed.filter { $0["endsIn"] != .null }.count == 1)
        #expect(Set(listed.flatMap { $0["fault"]["effect"].properties.keys }).count == 14)
        let faultNames = ["R": "cache", "F": id]
        #expect(try api.ask("DELETE", "resources/{R}/faults/{F}", faultNames)["faults"].items.count == 1)
        try api.ask("DELETE", "resources/{R}/faults/{F}", faultNames, status: 404, code: "E0310")
        #expect(try api.ask("DELETE", "resources/{R}/faults", names)["faults"].items.count == 14)
        #expect(try api.ask("GET", "resources/{R}/faults", names)["faults"] == [])

        let wrong = APISession.Extras(isWrong: true)
        let bodies: [JSON] = [
            [:], ["faults": [[:]]], ["faults": [["effect": [:]]]], ["faults": [["effect": ["melt": [:]]]]],
            ["faults": [["effect": ["delay": [:]]]]], ["faults": [["effect": ["cut": ["bytes": "x"]]]]],
            ["faults": [["effect": ["reset": ["when": "later"]]]]],
            ["faults": [["nth": 1.5, "effect": ["down": [:]]]]],
            ["faults": [["effect": ["down": [:], "error": "x"]]]],
        ]
        for body in bodies {
            try api.ask("POST", "resources/{R}/faults", names, body: body, status: 400, code: "E0205", wrong)
        }
        let down: JSON = ["faults": [["effect": ["down": [:]]]]]
        try api.ask("POST", "resources/{R}/faults", ["R": "db"], body: down, status: 422, code: "E0702")
    }

    private func clock(_ api: APISession) throws {
        let steps: [JSON] = [
            ["resources": ["cache"], "action": "freeze"], ["resources": ["cache"], "action": "advance", "by": 5000],
            ["resources": ["cache", "jobs"], "action": "set", "to": 1_900_000_000_000],
            ["resources": ["cache", "jobs"], "action": "show"], ["resources": ["cache"], "action": "resume"],
        ]
        for body in steps { try api.ask("POST", "clock", body: body) }
        try api.ask("POST", "clock", body: ["resources": ["db"], "action": "freeze"], status: 422, code: "E0702")
        try api.ask("POST", "clock", body: ["resources": ["no"], "action": "show"], status: 404, code: "E0301")
        let wrong = APISession.Extras(isWrong: true)
        for body: JSON in [["resources": [], "action": "melt"], ["action": "show"], ["resources": "cache"]] {
            try api.ask("POST", "clock", body: body, status: 400, code: "E0205", wrong)
        }
    }

    private func expectations(_ api: APISession, _ broker: Broker) throws {
        let files: [(String, String, String, String?)] = [
            ("cache", "a.json", #"{"greeting":"hello","user:1":{"name":"ada"}}"#, nil),
            ("jobs", "b.txt", #"{"body":"x"}"#, "json"),
            ("db", "c.sql", "create table t (a int); insert into t values (7);", "sql"),
        ]
        for (resource, name, content, format) in files {
            let path = broker.folder.file(name)
            try content.write(toFile: path, atomically: true, encoding: .utf8)
            var body: [String: JSON] = ["path": .text(path)]
            if let format { body["format"] = .text(format) }
            try api.ask("POST", "resources/{R}/seed", ["R": resource], body: .object(body))
        }
        try api.ask("POST", "resources/{R}/seed", ["R": "db"], body: ["path": "/no"], status: 400, code: "E0205")
        let expected: [(String, JSON)] = [
            ("cache", ["key": "greeting", "equals": "hello", "within": 100]),
            ("cache", ["key": "user:1", "field": "name", "exists": true]), ("cache", ["key": "user:1", "length": 1]),
            ("jobs", ["tube": "default", "ready": 1, "reserved": 0, "delayed": 0, "buried": 0]),
            ("db", ["query": "select a from t", "equals": "7"]),
        ]
        for (resource, body) in expected {
            let answer = try api.ask("POST", "resources/{R}/expect", ["R": resource], body: body)
            #expect(answer["met"] == true, "\(answer)")
        }
        let not = try api.ask("POST", "resources/{R}/expect", ["R": "cache"], body: ["key": "no", "exists": true])
        #expect(not["met"] == false)
        let both: JSON = ["key": "a", "tube": "default", "exists": true]
        try api.ask("POST", "resources/{R}/expect", ["R": "cache"], body: both, status: 400, code: "E0205")
        let wrong = APISession.Extras(isWrong: true)
        let text: JSON = ["key": "a", "length": "1"]
        try api.ask("POST", "resources/{R}/expect", ["R": "cache"], body: text, status: 400, code: "E0205", wrong)
    }

    private func snapshots(_ api: APISession) throws {
        let kept = try api.ask("POST", "snapshots", body: ["name": "full", "resources": ["cache", "jobs", "db"]])
        #expect(kept["resources"].items.count == 3)
        try api.ask("POST", "snapshots", body: ["name": "none", "resources": ["no"]], status: 404, code: "E0301")
        try api.ask("POST", "resources/{R}/reset", ["R": "cache"])
        try api.ask("POST", "resources/{R}/reset", ["R": "no"], status: 404, code: "E0301")
        try api.ask("POST", "snapshots/{S}/restore", ["S": "full"], body: ["resources": ["cache"]])
        try api.ask("POST", "snapshots/{S}/restore", ["S": "no"], body: ["resources": []], status: 404, code: "E0309")
        let wrong = APISession.Extras(isWrong: true)
        try api.ask("POST", "snapshots/{S}/restore", ["S": "full"], body: [:], status: 400, code: "E0205", wrong)
        try api.ask("POST", "snapshots", body: ["name": "x"], status: 400, code: "E0205", wrong)
        // A branch is a resource that begins with a snapshot.
        try api.ask("POST", "resources", body: ["name": "branch", "class": "redis", "from": "full"])
        let there: JSON = ["key": "greeting", "equals": "hello"]
        #expect(try api.ask("POST", "resources/{R}/expect", ["R": "branch"], body: there)["met"] == true)
        #expect(try api.ask("POST", "resources/{R}/expect", ["R": "cache"], body: there)["met"] == true)
        #expect(try api.ask("GET", "snapshots")["snapshots"].items.count == 1)
    }

    private func leases(_ api: APISession) async throws {
        let wishes: JSON = [
            ["name": "cache", "from": "full", "faults": [["commands": ["get"], "effect": ["error": "oom"]]]],
            ["name": "open", "class": "redis", "auth": false, "provider": ["reference": "emulator"], "port": 0],
            ["name": "jobs"], ["name": "db"],
        ]
        let lease = try api.ask("POST", "leases", body: ["resources": wishes, "ttl": 60])
        let id = try #require(lease["id"].string)
        let (held, connection) = try api.hold(["resources": []])
        let below: JSON = ["resources": [["name": "cache"]], "under": held["id"]]
        try api.ask("POST", "leases", body: below)
        let names = ["L": id]
        try api.ask("GET", "leases/{L}", names)
        #expect(try api.ask("GET", "leases")["leases"].items.count == 3)
        let advance: JSON = ["resources": [.text("\(id).cache")], "action": "advance", "by": 1000]
        try api.ask("POST", "clock", body: advance)
        try api.ask("POST", "clock", body: ["resources": [], "lease": .text(id), "action": "show"], status: 200)
        try api.ask("POST", "snapshots", body: ["name": "leased", "resources": ["cache"], "lease": .text(id)])
        #expect(try api.ask("GET", "resources/{R}/faults", ["R": "\(id).cache"])["faults"].items.count == 1)
        try api.ask("POST", "leases/{L}/renew", names, body: ["ttl": 120])
        try api.ask("POST", "leases/{L}/keep", names, body: ["ttl": 120])
        let child = try ChildProcess.spawn(ProcessCommand("sleep", ["60"], environment: ["PATH": "/usr/bin:/bin"]))
        let (pid, start) = (Int64(child.identity.pid), Int64(child.identity.startTime))
        try api.ask("POST", "leases/{L}/process", names, body: ["pid": .integer(pid), "startTime": .integer(start)])
        await child.terminate(grace: .seconds(1))
        #expect(try api.ask("DELETE", "leases/{L}", names)["ended"] == true)
        #expect(try api.ask("DELETE", "leases/{L}", names)["ended"] == false)
        try api.ask("GET", "leases/{L}", names, status: 404, code: "E0308")
        try api.ask("POST", "leases/{L}/renew", names, body: ["ttl": 1], status: 404, code: "E0308")
        try api.ask("POST", "leases", body: ["resources": [], "ttl": 0], status: 400, code: "E0205")
        try api.ask("POST", "leases", body: ["resources": [["name": "x"]]], status: 400, code: "E0206")
        let missing: JSON = ["resources": [["name": "cache", "from": "no"]]]
        try api.ask("POST", "leases", body: missing, status: 404, code: "E0309")
        let wrong = APISession.Extras(isWrong: true)
        let bodies: [JSON] = [[:], ["resources": [["class": "redis"]]], ["resources": [], "ttl": "1"]]
        for body in bodies { try api.ask("POST", "leases", body: body, status: 400, code: "E0205", wrong) }
        connection.close()
    }

    private func swap(_ api: APISession) throws {
        let names = ["R": "cache"]
        let target: JSON = ["to": ["reference": "exec:redis-server"], "maxPause": 5000, "verify": "full"]
        let plan = try api.ask("POST", "resources/{R}/swap-plan", names, body: target)
        #expect(plan["problems"] == [])
        let away: JSON = ["to": ["reference": "redis://127.0.0.1:1"], "cold": true]
        try api.ask("POST", "resources/{R}/swap", names, body: away, status: 502, code: "E0503")
        let same: JSON = ["to": ["reference": "emulator"]]
        try api.ask("POST", "resources/{R}/swap", names, body: same, status: 409, code: "E0409")
        try api.ask("POST", "resources/{R}/swap", ["R": "no"], body: same, status: 404, code: "E0301")
        let wrong = APISession.Extras(isWrong: true)
        let bodies: [JSON] = [[:], ["to": "emulator"], ["to": ["reference": "emulator"], "verify": "some"]]
        for body in bodies {
            try api.ask("POST", "resources/{R}/swap", names, body: body, status: 400, code: "E0205", wrong)
        }
        let receipt = try api.ask("POST", "resources/{R}/swap", names, body: target)
        #expect(receipt["copy"]["keys"] != .null)
        let status = try api.ask("GET", "status")["resources"].items.first { $0["name"] == "cache" }
        #expect(status?["undo"]["to"] == "emulator")
        // The time of a real server is not the daemon's to move.
        try api.ask("POST", "clock", body: ["resources": ["cache"], "action": "freeze"], status: 422, code: "E0702")
        try api.ask("POST", "resources/{R}/rollback", names, body: ["discard": false, "maxPause": 5000])
        try api.ask("POST", "resources/{R}/rollback", names, body: ["discard": false], status: 422, code: "E0702")
        try api.ask("POST", "resources/{R}/rollback", names, body: [:], status: 400, code: "E0205", wrong)
    }

    private func denied(_ api: APISession, _ way: APISession.Way) throws {
        guard way == .port else { return }
        for token in ["x", ""] {
            let extras = APISession.Extras(token: token)
            try api.ask("GET", "/v1/version", status: 403, code: "E0602", extras)
            try api.ask("GET", "status", status: 403, code: "E0602", extras)
            try api.ask("POST", "/v1/shutdown", status: 403, code: "E0602", extras)
        }
    }

    private func removal(_ api: APISession) throws {
        let last = APISession.Extras(query: ["source": "cache", "last": "3"])
        let log = try api.ask("GET", "logs", [:], last)
        #expect(!log["entries"].items.isEmpty)
        let cursor = try #require(log["cursor"].string)
        try api.ask("GET", "logs", [:], APISession.Extras(query: ["after": cursor]))
        let negative = APISession.Extras(query: ["last": "-1"], isWrong: true)
        try api.ask("GET", "logs", status: 400, code: "E0205", negative)
        let nothing = APISession.Extras(isWrong: true)
        try api.ask("DELETE", "apps/{A}/attachments", ["A": "web"], status: 400, code: "E0205", nothing)
        let detached = try api.ask(
            "DELETE", "apps/{A}/attachments", ["A": "web"],
            APISession.Extras(query: ["resource": "cache", "alias": "SESSIONS"]))
        #expect(detached["removed"].items.contains("SESSIONS_URL"))
        try api.ask(
            "DELETE", "apps/{A}/attachments", ["A": "web"], status: 404,
            APISession.Extras(query: ["resource": "cache"]))
        try api.ask("DELETE", "snapshots/{S}", ["S": "full"])
        try api.ask("DELETE", "snapshots/{S}", ["S": "full"], status: 404, code: "E0309")
        try api.ask("DELETE", "resources/{R}", ["R": "cache"])
        let forced = try api.ask("DELETE", "resources/{R}", ["R": "db"], APISession.Extras(query: ["force": "true"]))
        #expect(forced["detached"] == ["web"])
    }
}
