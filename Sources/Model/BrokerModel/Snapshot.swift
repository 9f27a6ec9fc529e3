/// A snapshot's identity: of what one resource held at one instant. Never used again; it also names the folder of its files.
public struct SnapshotID: Hashable, Sendable, Codable, RawRepresentable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// A fresh id of 16 random hexadecimal digits.
    public static func random() -> SnapshotID { SnapshotID(rawValue: randomHex()) }

    public var description: String { rawValue }
}
