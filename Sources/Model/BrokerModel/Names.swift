/// A name that was checked when it was made, so that whoever holds one need not check again.
public protocol CheckedName: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible
where RawValue == String {
    /// What is named: `resource`, `app`, …; for messages.
    static var noun: String { get }
    /// The rule in words, for messages.
    static var rule: String { get }
    static func isValid(_ text: String) -> Bool
    init(unchecked text: String)
}

extension CheckedName {
    /// Throws `invalidName` with the rule when `text` breaks it.
    public init(_ text: String) throws(BrokerError) {
        guard Self.isValid(text) else {
            throw BrokerError(
                .invalidName, "\"\(text.prefix(80))\" is no \(Self.noun) name",
                why: "\(Self.noun) names are \(Self.rule)", fix: Self.suggestion(for: text))
        }
        self.init(unchecked: text)
    }

    /// What else it may be called, as near to `text` as the rule allows.
    private static func suggestion(for text: String) -> String {
        let plain = text.prefix(63).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let small = String(plain).lowercased()
        let near = [small, small.uppercased().replacing("-", with: "_")].map { String($0.drop { !$0.isLetter }) }
        return "call it \"\((near + ["web", "WEB"]).first(where: isValid) ?? "web")\""
    }

    public init?(rawValue: String) {
        guard Self.isValid(rawValue) else { return nil }
        self.init(unchecked: rawValue)
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        self = try Self(text)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    public var description: String { rawValue }
}

/// The name of a resource: unique in its workspace.
public struct ResourceName: CheckedName {
    public let rawValue: String
    public init(unchecked text: String) { rawValue = text }

    public static let noun = "resource"
    public static let rule = "1-63 of a-z, 0-9 and '-', beginning with a letter"
    public static func isValid(_ text: String) -> Bool { Characters.isLowercaseLabel(text) }
}

/// The name of an app: unique in its workspace.
public struct AppName: CheckedName {
    public let rawValue: String
    public init(unchecked text: String) { rawValue = text }

    public static let noun = "app"
    public static let rule = ResourceName.rule
    public static func isValid(_ text: String) -> Bool { Characters.isLowercaseLabel(text) }
}

/// The name of a snapshot: unique in its workspace.
public struct SnapshotName: CheckedName {
    public let rawValue: String
    public init(unchecked text: String) { rawValue = text }

    public static let noun = "snapshot"
    public static let rule = ResourceName.rule
    public static func isValid(_ text: String) -> Bool { Characters.isLowercaseLabel(text) }
}

/// The name of a workspace: what `--workspace` takes, or the folder's name and a hash of its path.
public struct WorkspaceName: CheckedName {
    public let rawValue: String
    public init(unchecked text: String) { rawValue = text }

    public static let noun = "workspace"
    public static let rule = "1-100 of a-z, A-Z, 0-9, '.', '_' and '-', beginning with a letter or a digit"
    public static func isValid(_ text: String) -> Bool {
        guard let first = text.utf8.first, Characters.isAlphanumeric(first), text.utf8.count <= 100 else {
            return false
        }
        return text.utf8.allSatisfy {
            Characters.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: ".")
        }
    }

    /// Where no `broker.yaml` and no git work tree is found.
    public static let `default` = WorkspaceName(unchecked: "default")
}

/// The environment prefix of an attachment: `CACHE` gives `CACHE_URL`.
public struct Alias: CheckedName {
    public let rawValue: String
    public init(unchecked text: String) { rawValue = text }

    public static let noun = "alias"
    public static let rule = "1-63 of A-Z, 0-9 and '_', beginning with a letter and not ending in \"_URL\""
    public static func isValid(_ text: String) -> Bool {
        guard let first = text.utf8.first, Characters.isUppercase(first), text.utf8.count <= 63 else { return false }
        guard !text.hasSuffix("_URL") else { return false }
        return text.utf8.allSatisfy { Characters.isUppercase($0) || Characters.isDigit($0) || $0 == UInt8(ascii: "_") }
    }

    /// What a resource is called in an app's environment unless `--as` says otherwise: `dev-cache` is `DEV_CACHE`.
    public init(defaultFor resource: ResourceName) {
        rawValue = resource.rawValue.uppercased().replacing("-", with: "_")
    }

    /// The variable that carries the URL.
    public var urlVariable: String { rawValue + "_URL" }
}

private enum Characters {
    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    static func isUppercase(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") }
    static func isLowercase(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") }
    static func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || isUppercase(byte) || isLowercase(byte) }

    /// `[a-z][a-z0-9-]{0,62}`
    static func isLowercaseLabel(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLowercase(first), text.utf8.count <= 63 else { return false }
        return text.utf8.allSatisfy { isLowercase($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }
}
