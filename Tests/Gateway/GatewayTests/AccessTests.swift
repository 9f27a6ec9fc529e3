import CacheEmulator
import EventLoop
import Gateway
import TestKit
import Testing

/// No app raises its own rights, and a user that it has made ends with it.
@Suite struct AccessTests {
    private static let noPermission = "-NOPERM"

    @Test(arguments: LoopUnderTest.allCases)
    func `an app changes neither its own user nor default nor another attachment's`(driver: LoopUnderTest) async throws
    {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            for user in ["web", "worker", "default"] {
                #expect(
                    try client.ask("ACL SETUSER \(user) on nopass")
                        == "-NOPERM this user has no permissions to change the user '\(user)'")
            }
            #expect(try client.ask("ACL DELUSER web").hasPrefix(Self.noPermission))
            #expect(try client.ask("ACL DELUSER worker").hasPrefix(Self.noPermission))
            #expect(try client.ask("ACL DELUSER default") == "-ERR The 'default' user cannot be removed")
            // Whatever was tried, nobody gets in without a secret.
            let stranger = try test.connect()
            for words in ["AUTH x", "AUTH web x", "AUTH worker x", "AUTH default x", "AUTH web \"\""] {
                #expect(try stranger.ask(words).hasPrefix("-WRONGPASS"))
            }
            #expect(try test.connect(as: GatewayUnderTest.worker).ask("PING") == "+PONG")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `what is refused to apps is refused to their users, too`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("ACL SETUSER all on nopass allcommands allkeys allchannels") == "+OK")
            let made = try test.connect()
            #expect(try made.ask("AUTH all x") == "+OK")
            for command in ["SHUTDOWN", "FAILOVER", "MIGRATE a 1 k 0 1", "PFSELFTEST"] {
                #expect(try made.ask(command).hasPrefix(Self.noPermission), "\(command)")
                #expect(try client.ask(command).hasPrefix(Self.noPermission), "\(command)")
                let dry = try client.ask("ACL DRYRUN all \(command)")
                #expect(dry != "+OK")
                if dry.hasPrefix("$") { #expect(try client.line().contains("no permissions to run")) }
            }
            #expect(try made.ask("EVAL \"return redis.call('BGSAVE')\" 0").hasPrefix("-ERR"))
            #expect(try made.ask("SET k v") == "+OK")
        }
    }

    /// What a user may do that makes others; what it tries to make; whether it may.
    static let bounds: [(own: String, wanted: String, isAllowed: Bool)] = [
        ("~* &* +@all", "~* &* +@all", true), ("~a* &c* +@all", "~a* &c* +@all", true),
        ("~a* +@all", "~* +@all", false), ("~a* +@all", "allkeys", false), ("~a* +@all", "~ab* +get", true),
        ("~a* +@all", "~ab +get", true), ("~a* +@all", "~b", false), ("~a* +@all", "~?b", false),
        ("~a +@all", "~a*", false), ("%R~a* +@all", "%R~ab", true), ("%R~a* +@all", "~ab", false),
        ("%R~a* +@all", "%W~a*", false), ("%R~a %W~a +@all", "~a", true), ("~* &c* +@all", "&c1", true),
        ("~* &c* +@all", "&*", false), ("~* &c* +@all", "allchannels", false), ("~* &c* +@all", "&d", false),
        ("~* +acl +get", "+get ~x", true), ("~* +acl +get", "+set", false), ("~* +acl +get", "+@read", false),
        ("~* +acl +get", "+@all", false), ("~* +@all -config", "+config|get", false),
        ("~* +@all -config", "+@all -config", true), ("~* +@all -config", "+@admin", false),
        ("~* +acl +select|0", "+select|0", true), ("~* +acl +select|0", "+select|1", false),
        ("~* +acl +select|0", "+select", false), ("~a* +@all", "(~b +get)", false),
        ("~a* +@all", "~a (~ab +get)", true), ("~a* +acl (~b* +get)", "(~b1 +get)", true),
        ("~a* +acl (~b* +get)", "~b1 +acl", false), ("~* +acl", "nopass on", true),
        ("~* +@all -@admin +acl|setuser", "+acl|setuser", true), ("~* +@all -@admin +acl|setuser", "+acl", false),
    ]

    @Test(arguments: bounds)
    func `a made user makes users with at most its own rights`(
        own: String, wanted: String, isAllowed: Bool
    ) async throws {
        try await GatewayUnderTest.run(LoopUnderTest.allCases[0]) { test in
            let app = try test.connect(as: GatewayUnderTest.web)
            #expect(try app.ask("ACL SETUSER maker on nopass resetchannels \(own)") == "+OK")
            let maker = try test.connect()
            #expect(try maker.ask("AUTH maker x") == "+OK")
            let answer = try maker.ask("ACL SETUSER other \(wanted)")
            #expect(
                answer == (isAllowed ? "+OK" : "-NOPERM the user 'other' would have more permissions than this user"))
            // Refused means that nothing was changed.
            #expect(try app.ask("ACL DELUSER other") == (isAllowed ? ":1" : ":0"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a made user cannot take over one with more rights, nor change itself`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let app = try test.connect(as: GatewayUnderTest.web)
            #expect(try app.ask("ACL SETUSER strong on >pw ~* &* +@all") == "+OK")
            #expect(try app.ask("ACL SETUSER weak on >pw ~a* +acl +get") == "+OK")
            let weak = try test.connect()
            #expect(try weak.ask("AUTH weak pw") == "+OK")
            // A password is no right of its own, but would give those of the user.
            #expect(try weak.ask("ACL SETUSER strong >mine").hasPrefix(Self.noPermission))
            #expect(try weak.ask("ACL SETUSER strong reset on >mine").hasPrefix(Self.noPermission))
            #expect(try weak.ask("ACL DELUSER strong").hasPrefix(Self.noPermission))
            #expect(try weak.ask("ACL SETUSER weak ~*").hasPrefix(Self.noPermission))
            #expect(try weak.ask("ACL SETUSER weak >other").hasPrefix(Self.noPermission))
            #expect(try weak.ask("ACL SETUSER web nopass").hasPrefix(Self.noPermission))
            #expect(try weak.ask("AUTH strong mine").hasPrefix("-WRONGPASS"))
            #expect(try weak.ask("ACL SETUSER weaker on >pw ~ab") == "+OK")
            #expect(try weak.ask("ACL DELUSER weaker") == ":1")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `what one attachment has made is not another's to change`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let web = try test.connect(as: GatewayUnderTest.web)
            let worker = try test.connect(as: GatewayUnderTest.worker)
            #expect(try web.ask("ACL SETUSER u on >pw ~* +@all") == "+OK")
            #expect(try worker.ask("ACL SETUSER u >backdoor").hasPrefix(Self.noPermission))
            #expect(try worker.ask("ACL DELUSER u").hasPrefix(Self.noPermission))
            #expect(try worker.ask("AUTH u backdoor").hasPrefix("-WRONGPASS"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `revoking an attachment ends the users that it has made, and theirs`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let web = try test.connect(as: GatewayUnderTest.web)
            let worker = try test.connect(as: GatewayUnderTest.worker)
            #expect(try web.ask("ACL SETUSER u on >pw ~* &* +@all") == "+OK")
            #expect(try worker.ask("ACL SETUSER stays on >pw ~* &* +@all") == "+OK")
            let made = try test.connect()
            #expect(try made.ask("AUTH u pw") == "+OK")
            #expect(try made.ask("ACL SETUSER child on >pw ~* &* +@all") == "+OK")
            let child = try test.connect()
            #expect(try child.ask("AUTH child pw") == "+OK")
            let other = try test.connect()
            #expect(try other.ask("AUTH stays pw") == "+OK")
            await test.gateway.revoke(holder: GatewayUnderTest.web.holder, on: GatewayUnderTest.endpoint)
            #expect(try made.isEnded())
            #expect(try child.isEnded())
            #expect(try other.ask("PING") == "+PONG")
            let late = try test.connect()
            #expect(try late.ask("AUTH u pw").hasPrefix("-WRONGPASS"))
            #expect(try late.ask("AUTH child pw").hasPrefix("-WRONGPASS"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a deleted user's client is closed although it waits`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let app = try test.connect(as: GatewayUnderTest.web)
            #expect(try app.ask("ACL SETUSER u on nopass ~* +@all") == "+OK")
            let made = try test.connect()
            #expect(try made.ask("AUTH u x") == "+OK")
            try made.send("BLPOP k 0\r\n")
            try await eventually("it waits") {
                try app.send("CLIENT LIST\r\nECHO end\r\n")
                let shown = String(decoding: try app.receive(until: "$3\r\nend\r\n"), as: UTF8.self)
                return shown.contains("flags=b ") && shown.contains("user=u ")
            }
            #expect(try app.ask("ACL DELUSER u") == ":1")
            #expect(try made.isEnded())
            #expect(try app.ask("LPUSH k v") == ":1")
            #expect(try app.ask("LLEN k") == ":1")
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `what is refused to an app is noted in its name`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let app = try test.connect(as: GatewayUnderTest.web)
            #expect(try app.ask("SHUTDOWN").hasPrefix(Self.noPermission))
            let stranger = try test.connect()
            #expect(try stranger.ask("AUTH nobody wrong-secret").hasPrefix("-WRONGPASS"))
            try app.send("ACL LOG\r\nECHO end\r\n")
            let shown = String(decoding: try app.receive(until: "$3\r\nend\r\n"), as: UTF8.self)
            for word in ["shutdown", "web", "toplevel", "command", "AUTH", "nobody"] {
                #expect(shown.contains("\r\n\(word)\r\n"), "\(word)")
            }
            #expect(shown.contains("user=web "))
            #expect(!shown.contains("wrong-secret"))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `an attachment takes its name from a user that was made`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let web = try test.connect(as: GatewayUnderTest.web)
            #expect(try web.ask("ACL SETUSER later on nopass ~* &* +@all") == "+OK")
            let made = try test.connect()
            #expect(try made.ask("AUTH later x") == "+OK")
            let later = Grant(holder: "attachment-3", user: "later", secret: "later-secret")
            await test.gateway.grant(later, on: GatewayUnderTest.endpoint)
            #expect(try made.isEnded())
            let stranger = try test.connect()
            #expect(try stranger.ask("AUTH later x").hasPrefix("-WRONGPASS"))
            #expect(try test.connect(as: later).ask("PING") == "+PONG")
            #expect(try web.ask("ACL SETUSER later nopass").hasPrefix(Self.noPermission))
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `attachments are users whose secrets are not shown`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let client = try test.connect(as: GatewayUnderTest.web)
            #expect(try client.ask("ACL USERS") == "*3")
            try client.send("ACL LIST\r\nACL GETUSER web\r\nACL LOG\r\nECHO end\r\n")
            let shown = String(decoding: try client.receive(until: "$3\r\nend\r\n"), as: UTF8.self)
            // SHA-256 of "web-secret" and "worker-secret".
            #expect(
                shown.contains(
                    "user web on #761fed9dbb22427bedbc73c3f0ab93fff41104aa77eb145025d0113be8c035a3 ~* &* +@all"))
            #expect(
                shown.contains(
                    "user worker on #6fb46f7a92742970166379ed5195e79c4493a7cc5664280c039cfd4095ba5faf ~* &* +@all"))
            #expect(shown.contains("-shutdown") && shown.contains("-migrate"))
            for secret in [GatewayUnderTest.web.secret, GatewayUnderTest.worker.secret] {
                #expect(!shown.contains(secret))
            }
        }
    }

    @Test(arguments: LoopUnderTest.allCases)
    func `a client that is logged in as a made user holds a swap up until it goes`(driver: LoopUnderTest) async throws {
        try await GatewayUnderTest.run(driver) { test in
            let other = try await test.loop.onLoop { [loop = test.loop] in
                LoopBound(CacheEmulator(loop: loop), on: loop)
            }
            let app = try test.connect(as: GatewayUnderTest.web)
            #expect(try app.ask("ACL SETUSER u on >pw ~* &* +@all") == "+OK")
            let made = try test.connect()
            #expect(try made.ask("AUTH u pw") == "+OK")
            let queued = try test.connect(as: GatewayUnderTest.worker)
            #expect(try queued.ask("MULTI") == "+OK")
            #expect(try queued.ask("ACL SETUSER v on") == "+QUEUED")

            let endpoint = GatewayUnderTest.endpoint
            #expect(await test.gateway.prepare(endpoint, for: .cache(other), within: .seconds(5)) == nil)
            let failure = await test.gateway.pause(endpoint, within: .milliseconds(100))
            guard case .tooLate(let pinned) = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            #expect(
                pinned.map(\.why).sorted() == [
                    "has ACL, AUTH or HELLO queued in MULTI",
                    "is logged in as a user that an app has made with ACL SETUSER",
                ])
            await test.gateway.resume(endpoint)
            #expect(try made.ask("SET k v") == "+OK")
            #expect(try queued.ask("DISCARD") == "+OK")

            #expect(await test.gateway.prepare(endpoint, for: .cache(other), within: .seconds(5)) == nil)
            #expect(try made.ask("QUIT") == "+OK")
            #expect(try made.isEnded())
            #expect(await test.gateway.pause(endpoint, within: .seconds(5)) == nil)
            #expect(await test.gateway.restore(endpoint, within: .seconds(5)) == nil)
            #expect(await test.gateway.adopt(endpoint)?.moved == 2)
            // The users that were made are not carried; those of attachments are there.
            #expect(try app.ask("ACL USERS") == "*3")
            for _ in 0..<6 { _ = try app.line() }
            #expect(try app.ask("ACL SETUSER worker nopass").hasPrefix(Self.noPermission))
            #expect(try app.ask("ACL WHOAMI") == "$3")
            let late = try test.connect()
            #expect(try late.ask("AUTH u pw").hasPrefix("-WRONGPASS"))
        }
    }
}
