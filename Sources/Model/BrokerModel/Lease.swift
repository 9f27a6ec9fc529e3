/// A lease's identity, never used again.
public struct LeaseID: Hashable, Sendable, Codable, RawRepresentable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// A fresh id of 16 random hexadecimal digits.
    public static func random() -> LeaseID { LeaseID(rawValue: randomHex()) }

    public var description: String { rawValue }

    /// What can be said about ids that a person has typed: 16 hexadecimal digits.
    static func isValid(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 16 && text.utf8.allSatisfy { ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) }
    }
}

/// Names a resource to a verb: one of the workspace by its name (`cache`), or one of a lease (`9c0f2b7a51d4e863.cache`).
public struct ResourceReference: Hashable, Sendable, CustomStringConvertible {
    /// Nil for a resource of the workspace.
    public let lease: LeaseID?
    public let name: ResourceName

    public init(lease: LeaseID?, name: ResourceName) {
        self.lease = lease
        self.name = name
    }

    /// Throws `invalidName` for what is neither.
    public init(_ text: String) throws(BrokerError) {
        guard let dot = text.firstIndex(of: ".") else {
            self.init(lease: nil, name: try ResourceName(text))
            return
        }
        let id = text[..<dot]
        guard LeaseID.isValid(id) else {
            throw BrokerError(
                .invalidName, "\"\(text.prefix(80))\" names no resource",
                why: "a resource of a lease is named LEASE.NAME, with the 16 digits of the lease's id",
                fix: "broker lease ls")
        }
        self.init(
            lease: LeaseID(rawValue: String(id)), name: try ResourceName(String(text[text.index(after: dot)...])))
    }

    public var description: String { lease.map { "\($0).\(name)" } ?? name.rawValue }
}
