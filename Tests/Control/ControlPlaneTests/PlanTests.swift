import BrokerModel
import ProviderKit
import Testing

@testable import ControlPlane

/// Attachments as the plans see them.
enum Values {
    static func member(
        _ resource: String, _ serviceClass: ServiceClass = .redis, as alias: String, sequence: Int64,
        primary: Bool = false, mode: AttachmentMode = .endpoint
    ) -> Member {
        Member(
            attachment: Attachment(
                id: AttachmentID(rawValue: "a-\(alias)"), app: AppName(unchecked: "web"),
                resource: ResourceID(rawValue: "r-\(resource)"), alias: Alias(unchecked: alias), mode: mode,
                credential: Credential(user: "web", secret: Secret("s3cret"), generation: 1), port: nil,
                sequence: sequence, isPrimary: primary),
            resource: ResourceName(unchecked: resource), serviceClass: serviceClass, resourcePort: 21000)
    }

    static let cache = member("cache", as: "CACHE", sequence: 1, primary: true)
    static let sessions = member("sessions", as: "SESSIONS", sequence: 2)
    static let limits = member("limits", as: "LIMITS", sequence: 3)
    static let store = member("db", .sqlite, as: "DB", sequence: 4, primary: true, mode: .direct)
}

@Suite struct AppEnvironmentTests {
    @Test func `every attachment has its alias's variable, the primary one the usual one as well`() {
        let owners = AppEnvironment([Values.cache, Values.sessions, Values.store]).owners
        #expect(
            owners.mapValues(\.resource.rawValue) == [
                "CACHE_URL": "cache", "REDIS_URL": "cache", "SESSIONS_URL": "sessions", "DB_URL": "db",
                "DATABASE_URL": "db",
            ])
    }

    @Test func `an attachment's variables begin with its alias's`() {
        let environment = AppEnvironment([Values.cache, Values.store])
        #expect(environment.variables(of: Values.cache.attachment.id) == ["CACHE_URL", "REDIS_URL"])
        #expect(environment.variables(of: Values.store.attachment.id) == ["DB_URL", "DATABASE_URL"])
    }

    @Test func `the difference names what was added, changed and removed`() {
        var heir = Values.sessions
        heir.attachment.isPrimary = true
        let difference = AppEnvironment([heir, Values.store]).difference(
            from: AppEnvironment([Values.cache, Values.sessions]))
        #expect(difference.added == ["DATABASE_URL", "DB_URL"])
        #expect(difference.changed == ["REDIS_URL"])
        #expect(difference.removed == ["CACHE_URL"])
    }

    @Test func `a masked URL differs from the real one in the secret only`() {
        let url = Values.cache.url
        #expect(url.value.reveal { $0 } == "redis://web:s3cret@127.0.0.1:21000/0")
        #expect(url.masked == "redis://web:***@127.0.0.1:21000/0")
    }
}

@Suite struct AttachmentPlanTests {
    private func facts(
        _ resource: String, as alias: String? = nil, direct: Bool = false, modes: [AttachmentMode] = [.endpoint],
        members: [Member] = [], users: Set<String> = []
    ) -> AttachmentPlan.Facts {
        AttachmentPlan.Facts(
            app: AppName(unchecked: "web"), resource: ResourceName(unchecked: resource),
            alias: alias.map { Alias(unchecked: $0) }, isDirect: direct, serviceClass: .redis, provider: .emulator,
            modes: modes, members: members, users: users)
    }

    @Test(arguments: [("cache", "CACHE"), ("dev-cache", "DEV_CACHE"), ("a1", "A1")])
    func `the alias is the resource's name in capitals`(resource: String, alias: String) throws {
        let decision = try AttachmentPlan.decide(facts(resource))
        #expect(decision == .attach(AttachmentPlan(alias: Alias(unchecked: alias), mode: .endpoint, user: "web")))
    }

    @Test func `the same resource and alias again is there already`() throws {
        let decision = try AttachmentPlan.decide(facts("cache", members: [Values.cache]))
        #expect(decision == .attached(Values.cache.attachment.id))
    }

    @Test func `a taken alias is refused with both fixes`() {
        let error = #expect(throws: BrokerError.self) {
            try AttachmentPlan.decide(facts("sessions", as: "CACHE", members: [Values.cache]))
        }
        #expect(error?.code == .aliasTaken)
        #expect(error?.what == "the alias \"CACHE\" of \"web\" is taken")
        #expect(
            error?.fix
                == "broker attach sessions --to web --as CACHE_2  # or: broker detach cache --from web --as CACHE")
    }

    @Test func `the alias of the fix is free`() {
        let second = Values.member("other", as: "CACHE_2", sequence: 9)
        let error = #expect(throws: BrokerError.self) {
            try AttachmentPlan.decide(facts("sessions", as: "CACHE", members: [Values.cache, second]))
        }
        #expect(error?.fix?.contains("--as CACHE_3") == true)
    }

    @Test func `an alias cannot spell the usual variable of another attachment`() {
        let error = #expect(throws: BrokerError.self) {
            try AttachmentPlan.decide(facts("sessions", as: "REDIS", members: [Values.cache]))
        }
        #expect(error?.code == .aliasTaken)
    }

    @Test func `an alias may spell the usual variable of its own class where it is free`() throws {
        let decision = try AttachmentPlan.decide(facts("cache", as: "REDIS"))
        #expect(decision == .attach(AttachmentPlan(alias: Alias(unchecked: "REDIS"), mode: .endpoint, user: "web")))
    }

    @Test func `each attachment of a resource has a user of its own`() throws {
        let decision = try AttachmentPlan.decide(facts("cache", as: "TWO", users: ["web", "web-2"]))
        #expect(decision == .attach(AttachmentPlan(alias: Alias(unchecked: "TWO"), mode: .endpoint, user: "web-3")))
    }

    @Test func `direct is refused where there is nothing but the endpoint`() {
        let error = #expect(throws: BrokerError.self) { try AttachmentPlan.decide(facts("cache", direct: true)) }
        #expect(error?.code == .unsupported)
        #expect(error?.fix == "broker attach cache --to web")
    }

    @Test func `a file is attached directly without being asked`() throws {
        let decision = try AttachmentPlan.decide(facts("db", modes: [.direct]))
        #expect(decision == .attach(AttachmentPlan(alias: Alias(unchecked: "DB"), mode: .direct, user: "web")))
    }

    @Test func `the same alias in the other mode is a conflict, not the same attachment`() {
        let error = #expect(throws: BrokerError.self) {
            try AttachmentPlan.decide(
                facts("cache", direct: true, modes: [.endpoint, .direct], members: [Values.cache]))
        }
        #expect(error?.code == .aliasTaken)
    }
}

@Suite struct DetachPlanTests {
    @Test func `the usual variable goes to the oldest that remains`() {
        let plan = DetachPlan(
            [Values.cache.attachment.id], from: [Values.cache, Values.sessions, Values.limits, Values.store])
        #expect(plan.promoted.map(\.resource.rawValue) == ["sessions"])
        #expect(plan.difference == .init(added: [], changed: ["REDIS_URL"], removed: ["CACHE_URL"]))
    }

    @Test func `who is not primary takes only its alias away`() {
        let plan = DetachPlan([Values.sessions.attachment.id], from: [Values.cache, Values.sessions])
        #expect(plan.promoted.isEmpty)
        #expect(plan.difference == .init(added: [], changed: [], removed: ["SESSIONS_URL"]))
    }

    @Test func `the last of a class takes the usual variable away`() {
        let plan = DetachPlan([Values.store.attachment.id], from: [Values.cache, Values.store])
        #expect(plan.promoted.isEmpty)
        #expect(plan.difference.removed == ["DATABASE_URL", "DB_URL"])
    }

    @Test func `several attachments of one resource need an alias`() throws {
        let second = Values.member("cache", as: "SECOND", sequence: 7)
        let (cache, web) = (ResourceName(unchecked: "cache"), AppName(unchecked: "web"))
        let error = #expect(throws: BrokerError.self) {
            try DetachPlan.find(cache, app: web, alias: nil, in: [Values.cache, second])
        }
        #expect(error?.code == .attachmentAmbiguous)
        #expect(error?.fix == "broker detach cache --from web --as CACHE")
        #expect(try DetachPlan.find(cache, app: web, alias: Alias("SECOND"), in: [Values.cache, second]) == second)
    }

    @Test func `what is not attached is said with what is`() {
        let error = #expect(throws: BrokerError.self) {
            try DetachPlan.find(
                ResourceName(unchecked: "queue"), app: AppName(unchecked: "web"), alias: nil, in: [Values.cache])
        }
        #expect(error?.code == .attachmentNotFound)
        #expect(error?.why == "it has cache as CACHE")
    }
}

@Suite struct ResourcePlanTests {
    private let emulator = [
        Offering(.redis, plans: Plan.offered(for: .redis, by: .emulator), modes: [.endpoint]),
        Offering(.sqlite, plans: Plan.offered(for: .sqlite, by: .emulator), modes: [.direct]),
    ]
    private let server = [Offering(.redis, plans: [.durable], modes: [.endpoint])]

    private func plan(
        _ name: String, class serviceClass: ServiceClass? = nil, provider: ProviderReference? = nil,
        plan: String? = nil, offerings: [Offering]? = nil
    ) throws(BrokerError) -> ResourcePlan {
        try ResourcePlan(
            name: ResourceName(name), serviceClass: serviceClass, provider: provider, plan: plan,
            offerings: offerings ?? emulator, command: "broker create \(name)")
    }

    @Test func `the class comes from the option, else the URL, else the name, else the provider`() throws {
        #expect(try plan("cache").serviceClass == .redis)
        #expect(try plan("cache", class: .sqlite).serviceClass == .sqlite)
        #expect(try plan("db", provider: ProviderReference("redis://h"), offerings: server).serviceClass == .redis)
        #expect(try plan("x", provider: .exec(program: "redis-server"), offerings: server).serviceClass == .redis)
    }

    @Test func `a name that suggests no class is refused with a fix`() {
        let error = #expect(throws: BrokerError.self) { try plan("sessions") }
        #expect(error?.code == .classUnknown)
        #expect(error?.fix == "broker create sessions --class redis")
    }

    @Test func `a class that the provider does not serve is refused`() {
        let error = #expect(throws: BrokerError.self) {
            try plan("db", provider: .exec(program: "redis-server"), offerings: server)
        }
        #expect(error?.code == .unsupported)
        #expect(error?.fix == "broker create db --class redis --provider exec:redis-server")
    }

    @Test func `a server of a class that only the emulator serves leads to the emulator`() {
        for name in ["queue", "mine"] {
            let error = #expect(throws: BrokerError.self) {
                try plan(name, provider: .exec(program: "/usr/bin/beanstalkd"), offerings: server)
            }
            #expect(error?.code == .unsupported)
            #expect(error?.fix == "broker create \(name) --class beanstalk")
        }
    }

    @Test func `the plan is the offering's first unless another is named`() throws {
        #expect(try plan("cache").plan == .ephemeral)
        #expect(try plan("db").plan == .durable)
        #expect(try plan("cache", plan: "durable").plan == .durable)
        // None that loses data is advised to whom it was not meant.
        let meant = [
            "huge": "durable", "durabel": "durable", "DURABLE": "durable", "durable-alwys": "durable-always",
            "ephemerl": "ephemeral", "": "durable",
        ]
        for (name, plan) in meant {
            let error = #expect(throws: BrokerError.self) { try self.plan("cache", plan: name) }
            #expect(error?.fix == "broker create cache --class redis --plan \(plan)")
        }
    }
}
