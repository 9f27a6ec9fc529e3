/// A proxy as it is answered.
struct ProxyDocument: Encodable, Equatable {
    let name: String
    /// The endpoint's address; those of a queue's attachments with a comma between.
    let listen: String
    /// What serves it.
    let upstream: String
    let enabled: Bool
    let toxics: [ToxicDocument]
}

/// A toxic as it is answered.
struct ToxicDocument: Encodable, Equatable {
    let name: String
    let type: String
    let stream: String
    let toxicity: Double
    let attributes: [String: Int]
}

/// A proxy as it is sent, to be made or changed.
struct ProxyInput: Decodable {
    var name: String?
    var listen: String?
    var upstream: String?
    var enabled: Bool?
    /// There from the first connection on.
    var toxics: [ToxicInput]?
}

/// A toxic as it is sent, to be made or changed.
struct ToxicInput: Decodable {
    var name: String?
    var type: String?
    var stream: String?
    var toxicity: Double?
    var attributes: [String: Int]?
}

/// The answer of `/populate`: what could be done, and why not all where that is so.
struct PopulateDocument: Encodable {
    let proxies: [ProxyDocument]
    var error: String?
    var status: Int?
}

/// The answer of `/version`.
struct ToxiproxyVersionDocument: Encodable {
    /// Whose API is spoken: clients compare it.
    let version: String
    /// The daemon's own.
    let broker: String
}
