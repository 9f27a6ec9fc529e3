import BrokerModel

/// What an attachment that is to be made will be: alias, mode, user. Decided before anything is done.
struct AttachmentPlan: Equatable {
    let alias: Alias
    let mode: AttachmentMode
    let user: String

    /// What an attach comes to.
    enum Decision: Equatable {
        /// It is there: nothing is to be done.
        case attached(AttachmentID)
        case attach(AttachmentPlan)
    }

    /// What is decided from.
    struct Facts {
        let app: AppName
        let resource: ResourceName
        /// As asked for; nil is the resource's name in capitals.
        let alias: Alias?
        let isDirect: Bool
        let serviceClass: ServiceClass
        let provider: ProviderReference
        /// What the provider can do for the class, the default first.
        let modes: [AttachmentMode]
        /// All attachments of the app, also those that are being made or removed.
        let members: [Member]
        /// The users that the resource has already.
        let users: Set<String>
        /// The options with which a missing resource would be made, as they were given: ` --class redis`.
        var making = ""
    }

    /// Throws `aliasTaken` with both fixes, `unsupported` where the mode cannot be had.
    static func decide(_ facts: Facts) throws(BrokerError) -> Decision {
        let alias = if let alias = facts.alias { alias } else { try defaultAlias(facts) }
        let mode = try mode(facts)
        if let holder = facts.members.first(where: { $0.attachment.alias == alias }) {
            guard holder.resource == facts.resource, holder.attachment.mode == mode else {
                throw taken(alias, by: holder, facts)
            }
            return .attached(holder.attachment.id)
        }
        if let holder = AppEnvironment(facts.members).owners[alias.urlVariable] {
            throw usualTaken(alias, by: holder, facts)
        }
        return .attach(AttachmentPlan(alias: alias, mode: mode, user: user(facts)))
    }

    private static func defaultAlias(_ facts: Facts) throws(BrokerError) -> Alias {
        let alias = Alias(defaultFor: facts.resource)
        guard Alias.isValid(alias.rawValue) else {
            throw BrokerError(
                .invalidName, "\"\(alias)\" is no alias name", why: "alias names are \(Alias.rule)",
                fix: "broker attach \(facts.resource) --to \(facts.app) --as RESOURCE\(facts.making)")
        }
        return alias
    }

    private static func mode(_ facts: Facts) throws(BrokerError) -> AttachmentMode {
        guard facts.isDirect else { return facts.modes.first ?? .endpoint }
        guard facts.modes.contains(.direct) else {
            throw BrokerError(
                .unsupported, "\"\(facts.resource)\" cannot be attached directly",
                why: "an emulator is in the daemon itself and has no address but its endpoint",
                fix: "broker attach \(facts.resource) --to \(facts.app)")
        }
        return .direct
    }

    /// The app's name; with a number where the app is attached to the resource more than once.
    private static func user(_ facts: Facts) -> String {
        var user = facts.app.rawValue
        var number = 2
        while facts.users.contains(user) {
            user = "\(facts.app)-\(number)"
            number += 1
        }
        return user
    }

    /// An alias that is free: `CACHE` is `CACHE_2`, `CACHE_3` …
    private static func free(_ alias: Alias, _ facts: Facts) -> String {
        let taken = Set(facts.members.map(\.attachment.alias.rawValue))
        var number = 2
        while taken.contains("\(alias)_\(number)") { number += 1 }
        return "\(alias)_\(number)"
    }

    private static func taken(_ alias: Alias, by holder: Member, _ facts: Facts) -> BrokerError {
        let mode = holder.resource == facts.resource ? " in \(holder.attachment.mode.rawValue) mode" : ""
        return BrokerError(
            .aliasTaken, "the alias \"\(alias)\" of \"\(facts.app)\" is taken",
            why: "it belongs to \"\(holder.resource)\"\(mode)", fix: fixes(alias, holder, facts))
    }

    private static func usualTaken(_ alias: Alias, by holder: Member, _ facts: Facts) -> BrokerError {
        BrokerError(
            .aliasTaken, "the variable \"\(alias.urlVariable)\" of \"\(facts.app)\" is taken",
            why: "it is the usual one of \(holder.serviceClass.rawValue) and belongs to \"\(holder.resource)\"",
            fix: fixes(alias, holder, facts))
    }

    /// One line: the first fix runs when it is pasted, the second is in its comment.
    private static func fixes(_ alias: Alias, _ holder: Member, _ facts: Facts) -> String {
        let direct = facts.isDirect ? " --direct" : ""
        return "broker attach \(facts.resource) --to \(facts.app) --as \(free(alias, facts))\(facts.making)\(direct)"
            + "  # or: broker detach \(holder.resource) --from \(facts.app) --as \(holder.attachment.alias)"
    }
}
