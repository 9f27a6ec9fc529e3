import BrokerModel
import Testing

@testable import BrokerCommands

@Suite struct NarrationTests {
    private let cache = ResourceStatus(
        name: "cache", class: "redis", provider: "emulator", plan: "ephemeral", state: "ready", detail: nil,
        host: "127.0.0.1", port: 21000, path: nil, connections: 0, unsupported: [:])

    private func attached(created: Bool = true, attached: Bool = true, mode: String = "endpoint") -> AttachOutcome {
        AttachOutcome(
            app: "web", created: created, attached: attached, release: 1, resource: cache,
            attachment: AttachmentStatus(
                alias: "CACHE", resource: "cache", mode: mode, variables: ["CACHE_URL", "REDIS_URL"], port: nil))
    }

    @Test func `attach that creates tells it in two aligned lines`() {
        #expect(
            Narration.attached(attached()) == [
                "created   cache        redis   emulator   redis://127.0.0.1:21000",
                "attached  cache → web  as CACHE_URL, REDIS_URL            release v1",
            ])
    }

    @Test func `attach to what is there tells one line, and says when nothing has changed`() {
        #expect(
            Narration.attached(attached(created: false)) == [
                "attached  cache → web  as CACHE_URL, REDIS_URL            release v1"
            ])
        #expect(Narration.attached(attached(created: false, attached: false))[0].hasPrefix("unchanged cache → web"))
        #expect(Narration.attached(attached(created: false, mode: "direct"))[0].contains("REDIS_URL (direct)"))
    }

    @Test func `a resource that is not well is said to be`() {
        var resource = cache
        resource.state = "port-taken"
        resource.detail = "nginx (pid 7) holds 21000"
        #expect(Narration.created(resource, isNew: true).last == "  port-taken: nginx (pid 7) holds 21000")
    }

    @Test func `detach tells what went and who is primary now`() {
        let outcome = DetachOutcome(
            app: "web", resource: "cache", alias: "CACHE", release: 3, closed: 2, removed: ["CACHE_URL"],
            promoted: "OTHER", warning: nil)
        #expect(
            Narration.detached(outcome) == [
                "detached  cache → web  was CACHE_URL                      release v3", "  2 connections closed",
                "  the usual variable is now OTHER's",
            ])
    }

    @Test func `detach that takes no variable away says nothing of any`() {
        let outcome = DetachOutcome(
            app: "web", resource: "cache", alias: "REDIS", release: 3, closed: 1, removed: [], promoted: "OTHER",
            warning: nil)
        #expect(
            Narration.detached(outcome)[0] == "detached  cache → web                                     release v3")
    }

    @Test func `the way back asks for a secret that the former provider had`() {
        let outcome = SwapOutcome(
            resource: "cache", from: "redis://u@h:1/0", to: "emulator", server: nil, cold: true, closed: 0, pause: 0,
            releases: [:], undo: "broker swap cache --to redis://u@h:1/0 --secret-file -")
        #expect(Narration.swapped(outcome).last?.hasSuffix("undo: \(outcome.undo ?? "")") == true)
    }

    @Test func `swap tells that it was cold, what it closed, and the way back`() {
        let outcome = SwapOutcome(
            resource: "cache", from: "emulator", to: "exec:redis-server", server: "redis 7.0.15", cold: true,
            closed: 31,
            pause: 3.14, releases: ["web": 2])
        #expect(
            Narration.swapped(outcome) == [
                "cache: emulator → exec:redis-server (redis 7.0.15)",
                "  copy      cold: no data was copied, the target serves what it has",
                "  cutover   31 connections closed at a reply boundary   pause 3.1 ms",
                "swapped. web keeps its URL.  undo: broker swap cache --to emulator   release web v2",
            ])
    }

    @Test func `a live swap tells what was carried across, and who was moved`() {
        var outcome = SwapOutcome(
            resource: "cache", from: "emulator", to: "exec:redis-server", server: "redis 7.0.15", cold: false,
            closed: 0, pause: 7.96, releases: ["web": 2], undo: "broker rollback cache")
        outcome.moved = 31
        outcome.held = 2
        var copy = CopyReceipt()
        (copy.keys, copy.changes, copy.bytes, copy.verified) = (1204, 310, 1_260_000, 1204)
        outcome.copy = copy
        outcome.phases = ["copy": 1234.5]
        outcome.leftBehind = "maxmemory 104.9 MB (allkeys-lru) of emulator"
        #expect(
            Narration.swapped(outcome) == [
                "cache: emulator → exec:redis-server (redis 7.0.15)",
                "  copy      1,204 keys                                  1.23 s",
                "  tail      310 writes while copying                    applied",
                "  cutover   31 connections, 2 held                      pause 8.0 ms, 0 closed",
                "  verify    1,204/1,204 keys equal (type, value, TTL)",
                "  settings  not carried along: maxmemory 104.9 MB (allkeys-lru) of emulator",
                "swapped. web keeps its URL.  undo: broker rollback cache   release web v2",
            ])
    }

    @Test func `destroy names the apps that lost it`() {
        #expect(Narration.destroyed(DestroyOutcome(resource: "cache", detached: [])) == ["destroyed cache"])
        #expect(
            Narration.destroyed(DestroyOutcome(resource: "cache", detached: ["a", "b"])) == [
                "destroyed cache  detached from a, b"
            ])
    }
}

@Suite struct TableTests {
    private var table: Table {
        var table = Table("NAME", "STATE", "DETAIL", stateColumn: 1)
        table.add("cache", "ready", "")
        table.add("a", "failed", "line\none\u{1B}[31m")
        return table
    }

    @Test func `columns are aligned, nothing ends with a space, control characters are gone`() {
        #expect(
            table.lines(width: nil, hasColour: false) == [
                "NAME   STATE   DETAIL", "cache  ready", "a      failed  line one [31m",
            ])
    }

    @Test func `a terminal cuts what does not fit`() {
        #expect(
            table.lines(width: 18, hasColour: false) == ["NAME   STATE   DE…", "cache  ready", "a      failed  li…"])
    }

    @Test func `columns that give way are made narrower, a path in its middle, so that the others stay whole`() {
        var table = Table("NAME", "PATH", "COUNT", yielding: [1])
        table.add("cache", "/home/somebody/state/broker/resources/0123456789abcdef/store.sqlite", "12")
        #expect(
            table.lines(width: 40, hasColour: false) == [
                "NAME   PATH                        COUNT", "cache  /home/som…def/store.sqlite  12",
            ])
        #expect(table.lines(width: 12, hasColour: false).allSatisfy { $0.count <= 12 })
    }

    @Test func `colour is for the header and the state`() {
        let lines = table.lines(width: nil, hasColour: true)
        #expect(lines[1].contains("\u{1B}[32mready"))
        #expect(lines[2].contains("\u{1B}[31mfailed"))
    }
}

@Suite struct StatusTablesTests {
    private func status(_ resource: ResourceStatus) -> StatusDocument {
        StatusDocument(workspace: "w", resources: [resource], apps: [])
    }

    private var resource: ResourceStatus {
        ResourceStatus(
            name: "cache", class: "redis", provider: "exec:redis-server", plan: "durable", state: "failed",
            detail: "it ended;\nits log is long", host: "127.0.0.1", port: 21000, path: nil, connections: 0,
            unsupported: Dictionary(uniqueKeysWithValues: (1...257).map { ("COMMAND\($0)", $0) }))
    }

    @Test func `a state is one word in the table, and what there is to say of it stands below`() {
        #expect(!StatusTables.resources(status(resource)).lines(width: nil, hasColour: false)[1].contains("ended"))
        #expect(StatusTables.details(status(resource)) == ["cache is failed: it ended; its log is long"])
    }

    @Test func `it fits into 80 columns`() {
        var store = resource
        store.path = "/home/somebody/.local/state/broker/resources/0123456789abcdef/store.sqlite"
        for line in StatusTables.resources(status(store)).lines(width: 80, hasColour: false) {
            #expect(line.count <= 80)
            #expect(line.hasSuffix("CONNECTIONS") || line.hasSuffix("  0"), "\(line)")
        }
    }

    @Test func `of many unsupported commands the most frequent are shown, the rest counted`() throws {
        let lines = try #require(StatusTables.unsupported(status(resource))).lines(width: nil, hasColour: false)
        #expect(lines.count == 12)
        #expect(lines[1].contains("COMMAND257"))
        #expect(lines[11].contains("and 247 more"))
        #expect(lines[11].hasSuffix("\((1...247).reduce(0, +))"))
    }
}

@Suite struct EnvironmentURLTests {
    private func document(_ variables: [(String, String, String)]) -> EnvironmentDocument {
        EnvironmentDocument(
            app: "web", release: 2,
            variables: variables.map { .init(name: $0.0, value: $0.1, masked: "***", resource: $0.2) })
    }

    @Test func `the URL of the one attachment is found whatever its alias`() throws {
        let one = document([
            ("C_URL", "redis://x", "cache"), ("REDIS_URL", "redis://x", "cache"), ("DB_URL", "s", "db"),
        ])
        #expect(
            try one.url(of: "cache", alias: nil, command: "broker url cache --app web", resources: []) == "redis://x")
        #expect(
            try one.url(of: "cache", alias: "C", command: "broker url cache --app web", resources: []) == "redis://x")
    }

    @Test func `two attachments need an alias; none is an error with the way to make one`() throws {
        let two = document([("A_URL", "redis://a", "cache"), ("B_URL", "redis://b", "cache")])
        let ambiguous = #expect(throws: BrokerError.self) {
            try two.url(of: "cache", alias: nil, command: "broker open cache --app web", resources: ["cache"])
        }
        #expect(ambiguous?.fix == "broker open cache --app web --as A")
        #expect(ambiguous?.code == .attachmentAmbiguous)
        #expect(ambiguous.map { "\($0)".contains("redis://") } == false)
        #expect(try two.url(of: "cache", alias: "B", command: "", resources: []) == "redis://b")
        for (resource, fix) in [
            ("db", "broker attach db --to web"), ("there", "broker attach there --to web"),
            // The name suggests no class, so that an attach without one would be refused.
            ("missing", "broker attach missing --to web --class redis"),
        ] {
            let missing = #expect(throws: BrokerError.self) {
                try two.url(of: resource, alias: nil, command: "", resources: ["there"])
            }
            #expect(missing?.code == .attachmentNotFound)
            #expect(missing?.fix == fix)
        }
    }

    @Test func `the masked document has no value at all`() throws {
        let text = try JSONDocument.text(MaskedEnvironment(document([("A_URL", "canary", "cache")])))
        #expect(!text.contains("canary"))
        #expect(!text.contains("\"value\""))
        #expect(text.contains("\"masked\" : true"))
    }
}

@Suite struct SwapNarrationTests {
    @Test func `progress has what is done, how fast, and what is left`() {
        func text(_ done: Int?, _ total: Int?, _ rate: Int?, _ left: Double?) -> String {
            Narration.progress(
                .init(
                    to: "emulator", phase: total == nil ? .moving : .copying, done: done, total: total, perSecond: rate,
                    secondsLeft: left))
        }
        #expect(text(45_000, 100_000, 66_000, 0.8) == "copying 45,000 of 100,000 keys, 66,000/s, 1 s left")
        #expect(text(0, 1, 0, nil) == "copying 0 of 1 key")
        #expect(text(nil, nil, nil, nil) == "moving connections")
    }

    @Test func `a plan names what would be done to whom, and what stands against it`() {
        var plan = SwapPlanDocument(
            resource: "cache", from: "exec:redis-server", to: "emulator", server: nil, data: "copy", maxPause: 250)
        plan.keys = 1200
        plan.bytes = 2_500_000
        plan.types = [
            .init(type: "string", keys: 1199, bytes: 2_400_000), .init(type: "hash", keys: 1, bytes: 100_000),
        ]
        plan.seconds = 0.06
        plan.clients = ["idle": 3, "watching": 1]
        plan.isTargetKnown = true
        plan.problems = [
            BrokerError(.unsupported, "\"web\" used XADD, which \"emulator\" does not have", why: "why", fix: "fix")
        ]
        #expect(
            Narration.planned(plan) == [
                "cache: exec:redis-server → emulator",
                "  data      1,200 keys, 2.5 MB                          about 0.1 s",
                "            string  1,199 keys                          2.4 MB",
                "            hash  1 key                                 0.1 MB",
                "  clients   4 connections                               they wait 250 ms at the most",
                "            1 watching: EXEC answers nil, as after a conflict",
                "  against   \"web\" used XADD, which \"emulator\" does not have", "            why",
                "            fix: fix", "nothing was changed.",
            ])
    }
}

@Suite struct ResourceShellTests {
    @Test func `redis-cli gets its secret from the environment, never from its arguments`() throws {
        let cache = ResourceStatus(
            name: "cache", class: "redis", provider: "emulator", plan: "ephemeral", state: "ready", detail: nil,
            host: "127.0.0.1", port: 21000, path: nil, connections: 0, unsupported: [:])
        let shell = try ResourceShell(resource: cache, url: "redis://web-1:canary@127.0.0.1:21000/0")
        #expect(shell.arguments == ["-h", "127.0.0.1", "-p", "21000", "-n", "0", "--user", "web-1"])
        #expect(shell.variables == ["REDISCLI_AUTH": "canary"])
    }

    @Test func `what has no shell is refused`() throws {
        let queue = ResourceStatus(
            name: "queue", class: "beanstalk", provider: "emulator", plan: "ephemeral", state: "ready", detail: nil,
            host: nil, port: nil, path: nil, connections: 0, unsupported: [:])
        let error = #expect(throws: BrokerError.self) { try ResourceShell(resource: queue, url: "beanstalk://h:1") }
        #expect(error?.code == .unsupported)
    }
}
