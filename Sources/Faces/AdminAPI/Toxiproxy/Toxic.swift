import BrokerModel

/// A toxic: Toxiproxy's word for a fault of whole connections.
struct Toxic: Equatable, Sendable {
    enum Kind: String, CaseIterable {
        case latency, bandwidth, timeout, slicer
        case slowClose = "slow_close"
        case resetPeer = "reset_peer"
        case limitData = "limit_data"

        /// What it takes beside a seed; what is not given is 0.
        var attributes: [String] {
            switch self {
            case .latency: ["latency", "jitter"]
            case .bandwidth: ["rate"]
            case .timeout, .resetPeer: ["timeout"]
            case .slicer: ["average_size", "size_variation", "delay"]
            case .slowClose: ["delay"]
            case .limitData: ["bytes"]
            }
        }
    }

    enum Stream: String {
        case upstream, downstream

        var direction: FaultEffect.Direction { self == .upstream ? .up : .down }
    }

    let name: String
    let kind: Kind
    let stream: Stream
    private(set) var toxicity: Double
    /// All of its kind's, and `seed` where one was given.
    private(set) var attributes: [String: Int]

    /// Toxics of faults that were made elsewhere begin with it.
    static let foreignPrefix = "fault-"

    init(_ input: ToxicInput) throws(ToxiproxyError) {
        guard let kind = Kind(rawValue: input.type ?? "") else { throw .invalidType }
        guard let stream = Stream(rawValue: input.stream.flatMap { $0.isEmpty ? nil : $0 } ?? "downstream") else {
            throw .invalidStream
        }
        let given = input.name.flatMap { $0.isEmpty ? nil : $0 }
        name = given ?? "\(kind.rawValue)_\(stream.rawValue)"
        guard name.utf8.count <= 200, !name.contains("/"), !name.hasPrefix(Self.foreignPrefix) else {
            throw ToxiproxyError(
                400, "a toxic's name has 1 to 200 bytes, no \"/\", and does not begin with \"\(Self.foreignPrefix)\"")
        }
        self.kind = kind
        self.stream = stream
        toxicity = 1
        attributes = Dictionary(uniqueKeysWithValues: kind.attributes.map { ($0, 0) })
        try change(input)
    }

    /// Takes over what is given; name, type and stream stay as they are.
    mutating func change(_ input: ToxicInput) throws(ToxiproxyError) {
        for (key, value) in input.attributes ?? [:] {
            guard kind.attributes.contains(key) || key == "seed" else {
                let known = (kind.attributes + ["seed"]).joined(separator: ", ")
                throw .badBody("a \(kind.rawValue) toxic has no attribute \"\(key.prefix(40))\"; it has \(known)")
            }
            guard value >= 0 else { throw .badBody("attribute \"\(key)\" is at least 0") }
            attributes[key] = value
        }
        toxicity = input.toxicity ?? toxicity
        guard toxicity >= 0, toxicity <= 1 else { throw .badBody("toxicity is from 0 to 1") }
    }

    var fault: Fault {
        Fault(effect, toxicity: toxicity, seed: attributes["seed"].map(UInt64.init))
    }

    var document: ToxicDocument {
        ToxicDocument(
            name: name, type: kind.rawValue, stream: stream.rawValue, toxicity: toxicity, attributes: attributes)
    }

    private var effect: FaultEffect {
        func number(_ name: String) -> Int { attributes[name] ?? 0 }
        let direction = stream.direction
        return switch kind {
        case .latency: .latency(number("latency"), jitter: number("jitter"), direction)
        case .bandwidth: .bandwidth(number("rate"), direction)
        case .timeout: .timeout(number("timeout"), direction)
        case .slowClose: .slowClose(number("delay"), direction)
        case .resetPeer: .resetPeer(number("timeout"))
        case .slicer:
            .slicer(
                size: number("average_size"), variation: number("size_variation"), delay: number("delay"), direction)
        case .limitData: .limitData(bytes: number("bytes"), direction)
        }
    }
}

extension ToxicDocument {
    /// A fault that was made elsewhere; nil where there is no such toxic.
    init?(_ status: FaultStatus) {
        let kind: Toxic.Kind
        var attributes: [String: Int]
        var direction = FaultEffect.Direction.down
        switch status.fault.effect {
        case .latency(let time, let jitter, let way):
            (kind, attributes, direction) = (.latency, ["latency": time, "jitter": jitter], way)
        case .bandwidth(let rate, let way): (kind, attributes, direction) = (.bandwidth, ["rate": rate], way)
        case .timeout(let time, let way): (kind, attributes, direction) = (.timeout, ["timeout": time], way)
        case .slowClose(let time, let way): (kind, attributes, direction) = (.slowClose, ["delay": time], way)
        case .resetPeer(let time): (kind, attributes) = (.resetPeer, ["timeout": time])
        case .slicer(let size, let variation, let delay, let way):
            kind = .slicer
            attributes = ["average_size": size, "size_variation": variation, "delay": delay]
            direction = way
        case .limitData(let bytes, let way): (kind, attributes, direction) = (.limitData, ["bytes": bytes], way)
        case .error, .delay, .cut, .reset, .drop, .down, .maxClients: return nil
        }
        attributes["seed"] = status.fault.seed.flatMap { Int(exactly: $0) }
        let stream: Toxic.Stream = direction == .up ? .upstream : .downstream
        self.init(
            name: Toxic.foreignPrefix + status.id, type: kind.rawValue, stream: stream.rawValue,
            toxicity: status.fault.toxicity ?? 1, attributes: attributes)
    }
}
