import BrokerModel

/// What taking attachments away does to an app: its variables, and who owns the usual ones from then on.
struct DetachPlan {
    /// The attachments that become primary, by class.
    let promoted: [Member]
    let difference: AppEnvironment.Difference

    /// - Parameters:
    ///   - gone: the attachments that are taken away.
    ///   - members: all of the app's, the oldest first.
    init(_ gone: Set<AttachmentID>, from members: [Member]) {
        var rest = members.filter { !gone.contains($0.attachment.id) }
        var promoted: [Member] = []
        for serviceClass in ServiceClass.allCases where !rest.contains(where: { $0.isPrimary(of: serviceClass) }) {
            guard members.contains(where: { $0.isPrimary(of: serviceClass) }),
                let oldest = rest.indices.filter({ rest[$0].serviceClass == serviceClass })
                    .min(by: { rest[$0].attachment.sequence < rest[$1].attachment.sequence })
            else { continue }
            rest[oldest].attachment.isPrimary = true
            promoted.append(rest[oldest])
        }
        self.promoted = promoted
        difference = AppEnvironment(rest).difference(from: AppEnvironment(members))
    }

    /// The one attachment that is meant; throws `attachmentNotFound`, or `attachmentAmbiguous` with a fix.
    static func find(
        _ resource: ResourceName, app: AppName, alias: Alias?, in members: [Member]
    ) throws(BrokerError) -> Member {
        let found = members.filter { $0.resource == resource && (alias == nil || $0.attachment.alias == alias) }
        guard let first = found.first else {
            let asAlias = alias.map { " as \($0)" } ?? ""
            throw BrokerError(
                .attachmentNotFound, "\"\(resource)\" is not attached to \"\(app)\"\(asAlias)",
                why: members.isEmpty
                    ? "\"\(app)\" has no attachment"
                    : "it has " + members.map { "\($0.resource) as \($0.attachment.alias)" }.joined(separator: ", "),
                fix: "broker status")
        }
        guard found.count == 1 else {
            throw BrokerError(
                .attachmentAmbiguous, "\"\(resource)\" is attached to \"\(app)\" \(found.count) times",
                why: "as " + found.map(\.attachment.alias.rawValue).joined(separator: ", "),
                fix: "broker detach \(resource) --from \(app) --as \(first.attachment.alias)")
        }
        return first
    }
}

extension Member {
    fileprivate func isPrimary(of serviceClass: ServiceClass) -> Bool {
        self.serviceClass == serviceClass && attachment.isPrimary
    }
}
