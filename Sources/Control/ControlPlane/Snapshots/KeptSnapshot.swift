import BrokerModel
import ProviderKit

/// What resources held at one instant, by a name of the workspace. It lives as long as the daemon; what was made from it
/// does not depend on it.
struct KeptSnapshot {
    struct Part {
        let id: SnapshotID
        /// Of the resource that was kept, without its lease.
        let name: ResourceName
        let serviceClass: ServiceClass
        let provider: ProviderReference
        let facts: SnapshotResponse.Facts
    }

    struct Key: Hashable {
        let workspace: WorkspaceName
        let name: SnapshotName
    }

    let name: SnapshotName
    /// Milliseconds since 1970.
    let time: Int64
    let parts: [Part]

    /// What a resource of this name and class takes from it: the part of the same name, else the only one of the class.
    func part(for name: ResourceName, _ serviceClass: ServiceClass) throws(BrokerError) -> Part {
        let alike = parts.filter { $0.serviceClass == serviceClass }
        if let part = alike.first(where: { $0.name == name }) ?? (alike.count == 1 ? alike[0] : nil) { return part }
        throw BrokerError(
            .snapshotNotFound, "snapshot \"\(self.name)\" has nothing for \"\(name)\"",
            why: alike.isEmpty
                ? "it has no \(serviceClass.rawValue) resource"
                : "it has \(alike.count) of class \(serviceClass.rawValue), none of that name",
            fix: "broker snapshot ls")
    }

    var document: SnapshotDocument {
        SnapshotDocument(
            name: name.rawValue, time: Timestamp.text(time),
            resources: parts.map {
                SnapshotDocument.Part(
                    name: $0.name.rawValue, class: $0.serviceClass.rawValue, items: $0.facts.items,
                    bytes: $0.facts.bytes)
            })
    }
}
