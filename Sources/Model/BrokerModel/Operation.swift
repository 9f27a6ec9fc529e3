/// A mutation with persisted state: its intent is committed before anything is done, its outcome afterwards.
public struct Operation: Hashable, Sendable {
    public let id: OperationID
    public let workspace: WorkspaceName
    public let kind: Kind
    public let resource: ResourceID
    public var phase: Phase

    public init(id: OperationID, workspace: WorkspaceName, kind: Kind, resource: ResourceID, phase: Phase) {
        self.id = id
        self.workspace = workspace
        self.kind = kind
        self.resource = resource
        self.phase = phase
    }

    public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        case create, destroy, attach, detach, swap
    }

    /// How far it has come; each phase is on disk before the step behind it runs.
    public enum Phase: String, Codable, Hashable, Sendable, CaseIterable {
        /// The intent is on disk; nothing has been done.
        case intended
        /// The provider has acted; the outcome is not on disk.
        case effected
        /// A swap's point of no return: the target is the one that counts, the former provider is still to be removed.
        case switched
        /// Done; the outcome is on disk.
        case succeeded
        /// Undone or never done; the error is on disk.
        case failed
    }
}

/// Chosen by the caller: a retry with the same id gets the first try's outcome.
public struct OperationID: Hashable, Sendable, Codable, RawRepresentable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// A fresh id of 16 random hexadecimal digits.
    public static func random() -> OperationID { OperationID(rawValue: randomHex()) }

    public var description: String { rawValue }
}
