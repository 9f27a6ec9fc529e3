/// The replies that carry no argument.
public enum Reply: Sendable {
    case badFormat
    case buried
    case deadlineSoon
    case deleted
    case draining
    case expectedCRLF
    case jobTooBig
    case kicked
    case notFound
    case notIgnored
    case outOfMemory
    case paused
    case released
    case timedOut
    case touched
    case unknownCommand

    var line: StaticString {
        switch self {
        case .badFormat: "BAD_FORMAT\r\n"
        case .buried: "BURIED\r\n"
        case .deadlineSoon: "DEADLINE_SOON\r\n"
        case .deleted: "DELETED\r\n"
        case .draining: "DRAINING\r\n"
        case .expectedCRLF: "EXPECTED_CRLF\r\n"
        case .jobTooBig: "JOB_TOO_BIG\r\n"
        case .kicked: "KICKED\r\n"
        case .notFound: "NOT_FOUND\r\n"
        case .notIgnored: "NOT_IGNORED\r\n"
        case .outOfMemory: "OUT_OF_MEMORY\r\n"
        case .paused: "PAUSED\r\n"
        case .released: "RELEASED\r\n"
        case .timedOut: "TIMED_OUT\r\n"
        case .touched: "TOUCHED\r\n"
        case .unknownCommand: "UNKNOWN_COMMAND\r\n"
        }
    }
}
