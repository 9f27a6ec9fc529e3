/// What went wrong, in four parts: what, why, a fix that can be pasted, and a stable code.
public struct BrokerError: Error, Equatable, Sendable, CustomStringConvertible {
    public var code: ErrorCode
    /// One line, lower-case, no full stop, the thing in quotes.
    public var what: String
    public var why: String
    /// A line to paste into a shell; where no command can help, a plain sentence.
    public var fix: String?

    public init(_ code: ErrorCode, _ what: String, why: String = "", fix: String? = nil) {
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix
    }

    /// As the command line shows it.
    public var description: String {
        var text = "error[\(code.rawValue)]: \(what)"
        if !why.isEmpty { text += "\n  why: \(why)" }
        if let fix { text += "\n  fix: \(fix)" }
        return text
    }
}

extension BrokerError: Codable {
    private enum Key: String, CodingKey {
        case code, what, why, fix
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        // A daemon newer than this program may know codes that this program does not.
        let text = try container.decode(String.self, forKey: .code)
        code = ErrorCode(rawValue: text) ?? .internalFailure
        what = try container.decode(String.self, forKey: .what)
        why = try container.decodeIfPresent(String.self, forKey: .why) ?? ""
        fix = try container.decodeIfPresent(String.self, forKey: .fix)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(code.rawValue, forKey: .code)
        try container.encode(what, forKey: .what)
        try container.encode(why, forKey: .why)
        try container.encodeIfPresent(fix, forKey: .fix)
    }
}

/// The stable codes. The first two digits are the exit code of the command line.
public enum ErrorCode: String, Sendable, CaseIterable {
    case expectationFailed = "E0101"

    case usage = "E0200"
    case invalidName = "E0201"
    case invalidClass = "E0202"
    case invalidProvider = "E0203"
    case invalidPlan = "E0204"
    case invalidRequest = "E0205"
    case classUnknown = "E0206"

    case resourceNotFound = "E0301"
    case appNotFound = "E0302"
    case attachmentNotFound = "E0303"
    case releaseNotFound = "E0304"
    case programNotFound = "E0305"
    case routeNotFound = "E0306"
    case programNotExecutable = "E0307"
    case leaseNotFound = "E0308"
    case snapshotNotFound = "E0309"
    case faultNotFound = "E0310"

    case aliasTaken = "E0401"
    case resourceExists = "E0402"
    case resourceAttached = "E0403"
    case portTaken = "E0404"
    case operationRunning = "E0405"
    case attachmentAmbiguous = "E0406"
    case portsExhausted = "E0407"
    case daemonRunning = "E0408"
    case providerUnchanged = "E0409"

    case daemonNotRunning = "E0501"
    case daemonFailed = "E0502"
    case serverUnreachable = "E0503"
    case daemonEnded = "E0504"

    case credentialsRefused = "E0601"
    case peerDenied = "E0602"

    case acrossClasses = "E0701"
    case unsupported = "E0702"
    case wrongServer = "E0703"
    case unsafe = "E0704"

    case timedOut = "E0801"

    case rolledBack = "E0901"
    case diskFull = "E0902"

    case needsAttention = "E1001"
    case internalFailure = "E1002"
    case ledgerUnusable = "E1003"
    case masterKeyWrong = "E1004"

    /// What the command line exits with: 1 no, 2 usage, 3 not found, 4 conflict, 5 unreachable, 6 denied, 7 refused,
    /// 8 timeout, 9 failed and rolled back, 10 failed and needs attention.
    public var exitCode: Int32 {
        Int32(rawValue.dropFirst().prefix(2)) ?? 10
    }

    /// What the admin API answers with.
    public var httpStatus: Int {
        switch exitCode {
        case 2: 400
        case 3: 404
        case 4: 409
        case 5: 502
        case 6: 403
        case 7: 422
        case 8: 504
        default: 500
        }
    }
}
