import BrokerModel
import Ledger

/// An attachment of an app, with what the plans need to know of its resource.
struct Member: Hashable, Sendable {
    var attachment: Attachment
    let resource: ResourceName
    let serviceClass: ServiceClass
    let direct: DirectURL?
    /// The resource's endpoint, where it has one.
    let resourcePort: UInt16?

    init(
        attachment: Attachment, resource: ResourceName, serviceClass: ServiceClass, direct: DirectURL? = nil,
        resourcePort: UInt16? = nil
    ) {
        self.attachment = attachment
        self.resource = resource
        self.serviceClass = serviceClass
        self.direct = direct
        self.resourcePort = resourcePort
    }
}

extension LedgerReader {
    /// The attachments of an app, the oldest first. Without `reserved`, those that an operation is just making are left
    /// out: they are in no release yet.
    func members(of app: AppName, in workspace: WorkspaceName, reserved: Bool = false) throws -> [Member] {
        try attachments(of: app, in: workspace).compactMap { stored in
            guard reserved || stored.lifecycle != .coming,
                let resource = try resource(stored.attachment.resource)?.resource
            else { return nil }
            return Member(stored, resource)
        }
    }
}

extension Member {
    init(_ stored: StoredAttachment, _ resource: Resource) {
        self.init(
            attachment: stored.attachment, resource: resource.name, serviceClass: resource.serviceClass,
            direct: stored.direct, resourcePort: resource.port)
    }
}
