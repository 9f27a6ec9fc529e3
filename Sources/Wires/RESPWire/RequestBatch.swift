/// The requests found in one read: arguments as pointers into the received bytes, nothing copied.
///
/// One batch serves all sessions of a loop. What it holds is valid until the next `parse` and while the bytes are.
public final class RequestBatch {
    /// One request: `count` arguments from `first` on in `arguments`; it ends before `end` in the bytes.
    @frozen
    public struct Request {
        public let first: Int
        public let count: Int
        public let end: Int
    }

    /// Why parsing stopped.
    public enum End: Equatable, Sendable {
        /// Every byte was looked at; what is behind the last request is the beginning of another one.
        case needsMore
        /// The batch is full; more requests may follow.
        case full
        /// The bytes behind the last request are no request: answer and close.
        case failed(ProtocolError)
    }

    /// The requests found, oldest first.
    @exclusivity(unchecked) public private(set) var count = 0
    /// How many bytes have been looked at without finding a request: empty lines and empty arrays in front.
    @exclusivity(unchecked) public private(set) var skipped = 0

    @usableFromInline let requests: UnsafeMutablePointer<Request>
    @exclusivity(unchecked) public private(set) var arguments: UnsafeMutablePointer<Bytes>
    private let capacity: Int
    @exclusivity(unchecked) private var argumentCapacity = RequestBatch.initialArguments
    private static let initialArguments = 1024
    /// What a request with very many arguments needed beyond is given back with the next one.
    private static let mostKept = 64 << 10
    @exclusivity(unchecked) private var argumentCount = 0
    /// Arguments of inline requests with quotes are built here.
    @exclusivity(unchecked) private var unquoted: [UnsafeMutablePointer<UInt8>] = []

    /// `capacity`: the most requests that one `parse` returns.
    public init(capacity: Int = 64) {
        self.capacity = capacity
        requests = .allocate(capacity: capacity)
        arguments = .allocate(capacity: Self.initialArguments)
    }

    deinit {
        requests.deallocate()
        arguments.deallocate()
        freeUnquoted()
    }

    @inlinable public subscript(index: Int) -> Request { requests[index] }

    /// Finds whole requests at the front of `bytes`, `most` at the most.
    ///
    /// `partial` belongs to the connection: it remembers how far a large request had come, so that bytes are not
    /// parsed again with each read. Pass the same one with the same bytes in front until a request is found.
    public func parse(
        _ bytes: UnsafeRawBufferPointer, limits: RequestLimits, partial: inout PartialRequest, most: Int = .max
    ) -> End {
        count = 0
        argumentCount = 0
        skipped = 0
        if !unquoted.isEmpty { freeUnquoted() }
        if argumentCapacity > Self.mostKept { shrinkArguments() }
        guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return .needsMore }
        let limit = min(most, capacity)
        var position = 0
        while position < bytes.count {
            if count == limit { return .full }
            var reader = RequestReader(start: start, end: bytes.count, position: position, limits: limits)
            let first = argumentCount
            let result =
                start[position] == UInt8(ascii: "*")
                ? readArray(&reader, from: position, partial: &partial) : readInline(&reader)
            switch result {
            case .found:
                position = reader.position
                if argumentCount > first {
                    requests[count] = Request(first: first, count: argumentCount - first, end: position)
                    count += 1
                } else if count == 0 {
                    skipped = position
                }
            case .partial:
                argumentCount = first
                return .needsMore
            case .failed(let error):
                argumentCount = first
                return .failed(error)
            }
        }
        return .needsMore
    }

    private func readArray(
        _ reader: inout RequestReader, from start: Int, partial: inout PartialRequest
    ) -> RequestReader.Result {
        if start == 0, partial.isActive { return resume(&reader, &partial) }
        let first = argumentCount
        var remaining: Int
        reader.position += 1
        switch reader.readCount() {
        case .value(let announced): remaining = announced
        case .partial: return .partial
        case .failed(let error): return .failed(error)
        }
        while remaining > 0 {
            switch reader.readBulk() {
            case .value(let bytes):
                append(bytes)
                remaining -= 1
            case .partial:
                if start == 0 {
                    partial.save(remaining: remaining, position: reader.position) { keep in
                        for index in first..<argumentCount {
                            keep(arguments[index].start - reader.start, arguments[index].count)
                        }
                    }
                }
                return .partial
            case .failed(let error): return .failed(error)
            }
        }
        return .found
    }

    /// Goes on with a request where the last read ended: what that costs depends on what is new only.
    private func resume(_ reader: inout RequestReader, _ partial: inout PartialRequest) -> RequestReader.Result {
        reader.position = partial.position
        while partial.remaining > 0 {
            switch reader.readBulk() {
            case .value(let bytes): partial.add(bytes.start - reader.start, bytes.count, next: reader.position)
            case .partial: return .partial
            case .failed(let error): return .failed(error)
            }
        }
        for range in partial.arguments { append(Bytes(reader.start + range.offset, range.count)) }
        partial = PartialRequest()
        return .found
    }

    private func readInline(_ reader: inout RequestReader) -> RequestReader.Result {
        let line: Bytes
        switch reader.readLine() {
        case .value(let found): line = found
        case .partial: return .partial
        case .failed(let error): return .failed(error)
        }
        var splitter = InlineSplitter(line)
        while true {
            switch splitter.next() {
            case .argument(let bytes): append(bytes)
            case .built(let characters):
                let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(characters.count, 1))
                copy.update(from: characters, count: characters.count)
                unquoted.append(copy)
                append(Bytes(UnsafePointer(copy), characters.count))
            case .end: return .found
            case .unbalanced: return .failed(.unbalancedQuotes)
            }
        }
    }

    @inline(__always) private func append(_ bytes: Bytes) {
        if argumentCount == argumentCapacity { growArguments() }
        arguments[argumentCount] = bytes
        argumentCount &+= 1
    }

    private func growArguments() {
        let grown = UnsafeMutablePointer<Bytes>.allocate(capacity: argumentCapacity * 2)
        grown.update(from: arguments, count: argumentCount)
        arguments.deallocate()
        arguments = grown
        argumentCapacity *= 2
    }

    private func shrinkArguments() {
        arguments.deallocate()
        argumentCapacity = Self.initialArguments
        arguments = .allocate(capacity: argumentCapacity)
    }

    private func freeUnquoted() {
        for copy in unquoted { copy.deallocate() }
        unquoted.removeAll()
    }
}

/// What a peer may ask for; Redis's defaults, and its smaller ones before a client has authenticated.
@frozen
public struct RequestLimits: Equatable, Sendable {
    public var arguments: Int
    /// Bytes of one argument.
    public var bulk: Int
    public var isAuthenticated: Bool

    public init(arguments: Int, bulk: Int, isAuthenticated: Bool) {
        self.arguments = arguments
        self.bulk = bulk
        self.isAuthenticated = isAuthenticated
    }

    public static let authenticated = RequestLimits(arguments: Int(Int32.max), bulk: 512 << 20, isAuthenticated: true)
    /// What this server has written itself: a value may be larger than any that a client may send.
    public static let unlimited = RequestLimits(arguments: Int(Int32.max), bulk: 1 << 40, isAuthenticated: true)
    public static let unauthenticated = RequestLimits(arguments: 10, bulk: 16 << 10, isAuthenticated: false)
    /// The longest inline request, and the longest line of a header.
    public static let line = 64 << 10
}

/// Bytes that are no request; `text` is the reply, after which the connection is closed.
public enum ProtocolError: Equatable, Sendable {
    case invalidCount
    case unauthenticatedCount
    case countTooLong
    case expectedBulk(UInt8)
    case invalidLength
    case unauthenticatedLength
    case lengthTooLong
    case lineTooLong
    case unbalancedQuotes

    public var text: String {
        switch self {
        case .invalidCount: "ERR Protocol error: invalid multibulk length"
        case .unauthenticatedCount: "ERR Protocol error: unauthenticated multibulk length"
        case .countTooLong: "ERR Protocol error: too big mbulk count string"
        case .expectedBulk(let byte):
            "ERR Protocol error: expected '$', got '\(String(decoding: [byte], as: UTF8.self))'"
        case .invalidLength: "ERR Protocol error: invalid bulk length"
        case .unauthenticatedLength: "ERR Protocol error: unauthenticated bulk length"
        case .lengthTooLong: "ERR Protocol error: too big bulk count string"
        case .lineTooLong: "ERR Protocol error: too big inline request"
        case .unbalancedQuotes: "ERR Protocol error: unbalanced quotes in request"
        }
    }
}

/// How far a connection's first request has come, when it is too long to be parsed again with every read.
public struct PartialRequest: Sendable {
    /// Below this size parsing again is cheaper than remembering.
    private static let worthwhile = 16 << 10

    private(set) var isActive = false
    private(set) var remaining = 0
    private(set) var position = 0
    private(set) var arguments: [(offset: Int, count: Int)] = []

    public init() {}

    mutating func save(remaining: Int, position: Int, _ list: ((Int, Int) -> Void) -> Void) {
        guard position >= Self.worthwhile else { return }
        list { arguments.append(($0, $1)) }
        isActive = true
        self.remaining = remaining
        self.position = position
    }

    mutating func add(_ offset: Int, _ count: Int, next: Int) {
        arguments.append((offset, count))
        remaining -= 1
        position = next
    }
}
