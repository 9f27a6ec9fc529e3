/// What a fault does. Times are in milliseconds where nothing else is said.
public enum FaultEffect: Hashable, Sendable {
    // Of one command.

    /// The command is not executed and answered with this error.
    case error(String)
    /// The command waits, and what its client has sent behind it; nobody else does.
    case delay(Int, jitter: Int)
    /// The command is executed; after so many bytes of its reply the connection is closed.
    case cut(bytes: Int)
    /// The connection is reset (RST), with the command executed or not.
    case reset(ResetTime)
    /// The command is never answered, nor is what comes behind it.
    case drop(executed: Bool)

    // Of a whole connection.

    /// Every byte comes later.
    case latency(Int, jitter: Int, Direction)
    /// In KB, of 1000 bytes, a second.
    case bandwidth(Int, Direction)
    /// All bytes are swallowed, and the connection is closed after a time; 0 leaves it open.
    case timeout(Int, Direction)
    /// The end of the stream comes later.
    case slowClose(Int, Direction)
    /// The connection is reset (RST) after a time.
    case resetPeer(Int)
    /// Bytes come in slices of about this size, microseconds apart.
    case slicer(size: Int, variation: Int, delay: Int, Direction)
    /// The connection is closed behind so many bytes.
    case limitData(bytes: Int, Direction)
    /// Nobody is let in, and who is in is closed.
    case down
    /// Who comes is told that there are too many clients, and closed.
    case maxClients

    public enum ResetTime: String, Codable, Hashable, Sendable, CaseIterable {
        /// The command is not executed.
        case before
        /// It is, and nobody learns of it.
        case after
    }

    /// Which of a connection's two streams.
    public enum Direction: String, Codable, Hashable, Sendable, CaseIterable {
        /// What the client sends.
        case up
        /// What the client receives.
        case down
    }

    /// Its word in documents and on the command line.
    public var name: String { key.rawValue }

    public var isOfConnection: Bool {
        switch self {
        case .error, .delay, .cut, .reset, .drop: false
        case .latency, .bandwidth, .timeout, .slowClose, .resetPeer, .slicer, .limitData, .down, .maxClients: true
        }
    }

    /// What stands for the usual errors of Redis.
    public static let presets = [
        "loading": "LOADING Redis is loading the dataset in memory",
        "readonly": "READONLY You can't write against a read only replica.",
        "oom": "OOM command not allowed when used memory > 'maxmemory'.",
        "maxclients": "ERR max number of clients reached",
        "noauth": "NOAUTH Authentication required.",
        "busy": "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "tryagain": "TRYAGAIN Multiple keys request during rehashing of slot",
        "clusterdown": "CLUSTERDOWN The cluster is down",
    ]

    func check(_ serviceClass: ServiceClass) throws(BrokerError) {
        switch self {
        case .error(let text):
            guard !text.isEmpty, text.utf8.count <= 4096, !text.utf8.contains(where: { $0 == 10 || $0 == 13 }) else {
                throw Fault.wrong("text", "an error is one line of 1 to 4096 bytes")
            }
            guard serviceClass == .redis || Self.presets[text] == nil else {
                throw BrokerError(
                    .unsupported, "\"\(text)\" is an error of Redis",
                    why: "of a \(serviceClass.rawValue) resource the line is given as it is: OUT_OF_MEMORY",
                    fix: "broker fault add queue --command put --error OUT_OF_MEMORY")
            }
        case .delay(let time, let jitter), .latency(let time, let jitter, _):
            try Self.check("ms", time)
            try Self.check("jitter", jitter)
        case .timeout(let time, _), .slowClose(let time, _), .resetPeer(let time): try Self.check("ms", time)
        case .cut(let bytes): try Self.check("bytes", bytes)
        case .limitData(let bytes, _): try Self.check("bytes", bytes)
        case .bandwidth(let rate, _): try Self.check("rate", rate, from: 1)
        case .slicer(let size, let variation, let delay, _):
            try Self.check("size", size, from: 1)
            try Self.check("delay", delay)
            guard variation >= 0, variation < size else {
                throw Fault.wrong("variation", "it is smaller than the size")
            }
        case .reset, .drop, .down: break
        case .maxClients:
            guard serviceClass == .redis else {
                throw BrokerError(
                    .unsupported, "a \(serviceClass.rawValue) server does not say that it has too many clients",
                    why: "its protocol has no such reply; \"down\" closes connections without a word",
                    fix: "broker fault add queue --down")
            }
        }
    }

    private static func check(_ name: String, _ value: Int, from least: Int = 0) throws(BrokerError) {
        guard value >= least, value <= Fault.largest else {
            throw Fault.wrong(name, "it is a whole number from \(least) to \(Fault.largest)")
        }
    }
}

/// One key, the effect's name, with an object of what it needs; of an error the text alone will do.
extension FaultEffect: Codable {
    private enum Key: String, CodingKey, CaseIterable {
        case error, delay, cut, reset, drop, latency, bandwidth, timeout, slicer, down
        case slowClose = "slow-close"
        case resetPeer = "reset-peer"
        case limitData = "limit-data"
        case maxClients = "maxclients"
    }

    private enum Field: String, CodingKey {
        case text, ms, jitter, bytes, when, executed, direction, rate, size, variation, delay
    }

    private var key: Key {
        switch self {
        case .error: .error
        case .delay: .delay
        case .cut: .cut
        case .reset: .reset
        case .drop: .drop
        case .latency: .latency
        case .bandwidth: .bandwidth
        case .timeout: .timeout
        case .slowClose: .slowClose
        case .resetPeer: .resetPeer
        case .slicer: .slicer
        case .limitData: .limitData
        case .down: .down
        case .maxClients: .maxClients
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard container.allKeys.count == 1, let key = container.allKeys.first else {
            let all = Key.allCases.map(\.rawValue).joined(separator: ", ")
            throw Fault.wrong("effect", "it has one key, of \(all)")
        }
        if key == .error, let text = try? container.decode(String.self, forKey: key) {
            self = .error(text)
            return
        }
        let fields = try container.nestedContainer(keyedBy: Field.self, forKey: key)
        func number(_ field: Field, _ fallback: Int? = nil) throws -> Int {
            if let fallback { return try fields.decodeIfPresent(Int.self, forKey: field) ?? fallback }
            return try fields.decode(Int.self, forKey: field)
        }
        let direction = try fields.decodeIfPresent(Direction.self, forKey: .direction) ?? .down
        switch key {
        case .error: self = .error(try fields.decode(String.self, forKey: .text))
        case .delay: self = .delay(try number(.ms), jitter: try number(.jitter, 0))
        case .cut: self = .cut(bytes: try number(.bytes))
        case .reset: self = .reset(try fields.decode(ResetTime.self, forKey: .when))
        case .drop: self = .drop(executed: try fields.decodeIfPresent(Bool.self, forKey: .executed) ?? false)
        case .latency: self = .latency(try number(.ms), jitter: try number(.jitter, 0), direction)
        case .bandwidth: self = .bandwidth(try number(.rate), direction)
        case .timeout: self = .timeout(try number(.ms, 0), direction)
        case .slowClose: self = .slowClose(try number(.ms), direction)
        case .resetPeer: self = .resetPeer(try number(.ms, 0))
        case .slicer:
            self = .slicer(
                size: try number(.size), variation: try number(.variation, 0), delay: try number(.delay, 0), direction)
        case .limitData: self = .limitData(bytes: try number(.bytes), direction)
        case .down: self = .down
        case .maxClients: self = .maxClients
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        var fields = container.nestedContainer(keyedBy: Field.self, forKey: key)
        switch self {
        case .error(let text): try fields.encode(text, forKey: .text)
        case .delay(let time, let jitter):
            try fields.encode(time, forKey: .ms)
            try fields.encode(jitter, forKey: .jitter)
        case .cut(let bytes): try fields.encode(bytes, forKey: .bytes)
        case .reset(let when): try fields.encode(when, forKey: .when)
        case .drop(let executed): try fields.encode(executed, forKey: .executed)
        case .latency(let time, let jitter, let direction):
            try fields.encode(time, forKey: .ms)
            try fields.encode(jitter, forKey: .jitter)
            try fields.encode(direction, forKey: .direction)
        case .bandwidth(let rate, let direction):
            try fields.encode(rate, forKey: .rate)
            try fields.encode(direction, forKey: .direction)
        case .timeout(let time, let direction), .slowClose(let time, let direction):
            try fields.encode(time, forKey: .ms)
            try fields.encode(direction, forKey: .direction)
        case .resetPeer(let time): try fields.encode(time, forKey: .ms)
        case .slicer(let size, let variation, let delay, let direction):
            try fields.encode(size, forKey: .size)
            try fields.encode(variation, forKey: .variation)
            try fields.encode(delay, forKey: .delay)
            try fields.encode(direction, forKey: .direction)
        case .limitData(let bytes, let direction):
            try fields.encode(bytes, forKey: .bytes)
            try fields.encode(direction, forKey: .direction)
        case .down, .maxClients: break
        }
    }
}
