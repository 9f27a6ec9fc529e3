import BrokerModel

/// An app's variables: which attachment each belongs to, and what a change of the attachments does to them.
struct AppEnvironment {
    /// By variable.
    private(set) var owners: [String: Member] = [:]

    /// `ALIAS_URL` of every attachment, and the class's usual variable of every primary one. Where an alias spells
    /// another class's usual variable, the alias wins: it was asked for by name.
    init(_ members: [Member]) {
        for member in members where member.attachment.isPrimary { owners[member.serviceClass.usualVariable] = member }
        for member in members { owners[member.attachment.alias.urlVariable] = member }
    }

    /// The variables of one attachment: its alias's first.
    func variables(of attachment: AttachmentID) -> [String] {
        owners.filter { $0.value.attachment.id == attachment }
            .sorted {
                ($0.key != $0.value.attachment.alias.urlVariable ? 1 : 0, $0.key) < (
                    $1.key != $1.value.attachment.alias.urlVariable ? 1 : 0, $1.key
                )
            }
            .map(\.key)
    }

    /// Names only, sorted; a variable has changed when it belongs to another attachment or has another value.
    struct Difference: Equatable {
        var added: [String] = []
        var changed: [String] = []
        var removed: [String] = []
    }

    func difference(from former: AppEnvironment) -> Difference {
        Difference(
            added: owners.keys.filter { former.owners[$0] == nil }.sorted(),
            changed: owners.filter { name, owner in former.owners[name].map { !$0.hasSameValue(as: owner) } ?? false }
                .keys.sorted(),
            removed: former.owners.keys.filter { owners[$0] == nil }.sorted())
    }
}

extension Member {
    fileprivate func hasSameValue(as other: Member) -> Bool {
        attachment.id == other.attachment.id && direct == other.direct
            && attachment.credential.generation == other.attachment.credential.generation
    }

    /// What a client needs to reach the resource: a URL with its secret, and the same for people's eyes.
    var url: (value: Secret, masked: String) {
        if let direct { return (direct.url, direct.masked) }
        let user = attachment.credential.user
        switch serviceClass {
        case .redis:
            let place = "127.0.0.1:\(resourcePort ?? 0)/0"
            let value = attachment.credential.secret.reveal { Secret("redis://\(user):\($0)@\(place)") }
            return (value, "redis://\(user):***@\(place)")
        case .beanstalk:
            let text = "beanstalk://127.0.0.1:\(attachment.port ?? 0)"
            return (Secret(text), text)
        case .sqlite: return (Secret(""), "")
        }
    }
}
