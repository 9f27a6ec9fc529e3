public import BrokerModel
import GRDB

extension LedgerReader {
    private static let columns = """
        SELECT resources.*, ports.port, backings.provider, backings.provider_secret
        FROM resources JOIN backings ON backings.id = resources.backing LEFT JOIN ports ON ports.owner = resources.id
        """

    public func resource(named name: ResourceName, in workspace: WorkspaceName) throws -> StoredResource? {
        try one(
            Self.columns + " WHERE resources.workspace = ? AND resources.name = ?",
            [workspace.rawValue, name.rawValue], stored)
    }

    public func resource(_ id: ResourceID) throws -> StoredResource? {
        try one(Self.columns + " WHERE resources.id = ?", [id.rawValue], stored)
    }

    /// By name; of all workspaces when none is given.
    public func resources(in workspace: WorkspaceName? = nil) throws -> [StoredResource] {
        try all(
            Self.columns + " WHERE resources.workspace = coalesce(?, resources.workspace) ORDER BY workspace, name",
            [workspace?.rawValue], stored)
    }

    private func stored(_ row: Row) throws -> StoredResource {
        let provider = try provider(row, backing: BackingID(rawValue: row["backing"]))
        let serviceClass: ServiceClass = try known(row, "class")
        let port: Int64? = row["port"]
        let resource = Resource(
            id: ResourceID(rawValue: row["id"]), workspace: try known(row, "workspace"), name: try known(row, "name"),
            serviceClass: serviceClass, provider: provider,
            plan: try Plan(named: row["plan"], for: serviceClass, by: provider, command: "broker create"),
            port: port.map(UInt16.init(truncatingIfNeeded:)), state: .starting)
        return StoredResource(
            resource: resource, lifecycle: try known(row, "lifecycle"), backing: BackingID(rawValue: row["backing"]))
    }
}

extension LedgerWriter {
    /// Reserves a resource's name and port, with what is to serve it.
    public func insert(_ resource: Resource, _ lifecycle: Lifecycle, backing: Backing) throws {
        try run(
            "INSERT INTO workspaces VALUES (?, ?) ON CONFLICT DO NOTHING", [resource.workspace.rawValue, now])
        try run(
            "INSERT INTO resources VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                resource.id.rawValue, resource.workspace.rawValue, resource.name.rawValue,
                resource.serviceClass.rawValue, resource.plan.name, backing.id.rawValue, lifecycle.rawValue, now,
            ])
        try insert(backing)
        if let port = resource.port { try reserve(port, for: resource.id.rawValue) }
    }

    public func set(_ lifecycle: Lifecycle, of resource: ResourceID) throws {
        try run("UPDATE resources SET lifecycle = ? WHERE id = ?", [lifecycle.rawValue, resource.rawValue])
    }

    /// From now on it is `backing` that counts.
    public func switchResource(_ resource: ResourceID, to backing: BackingID, plan: Plan) throws {
        try run(
            "UPDATE resources SET backing = ?, plan = ? WHERE id = ?",
            [backing.rawValue, plan.name, resource.rawValue])
    }

    /// Takes a resource out, with its backings, its attachments and their ports.
    public func remove(_ resource: ResourceID) throws {
        for attachment in try attachments(of: resource) { try remove(attachment.attachment.id) }
        try run("DELETE FROM backings WHERE resource = ?", [resource.rawValue])
        try run("DELETE FROM resources WHERE id = ?", [resource.rawValue])
        try run("DELETE FROM ports WHERE owner = ?", [resource.rawValue])
    }
}
