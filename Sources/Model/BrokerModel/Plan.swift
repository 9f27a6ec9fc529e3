/// A named set of limits of a class: what a resource promises about its data.
public struct Plan: Hashable, Sendable, CustomStringConvertible {
    public let name: String
    /// One line for `broker plan` and the docs.
    public let summary: String

    public var description: String { name }

    /// In memory: a restart of the daemon empties it.
    public static let ephemeral = Plan(name: "ephemeral", summary: "in memory; a restart of the daemon empties it")
    /// On disk, and still there after a restart.
    public static let durable = Plan(name: "durable", summary: "on disk; survives a restart and kill -9")

    /// On disk before it is answered.
    public static let durableAlways = Plan(
        name: "durable-always", summary: "on disk before it is answered; survives a power cut")
    /// In memory, and with what the tests of clients ask of a server.
    public static let debug = Plan(name: "debug", summary: "in memory, and answers DEBUG: for the tests of clients")

    /// Whether a restart keeps what is written.
    public var isDurable: Bool { self == .durable || self == .durableAlways }

    /// Under which a backing remembers by which plan it was made, or its resource before it.
    public static let memoryKey = "plan"

    /// The plans that `provider` offers for `serviceClass`, the default first.
    public static func offered(for serviceClass: ServiceClass, by provider: ProviderReference) -> [Plan] {
        switch (serviceClass, provider) {
        case (.sqlite, _), (_, .exec), (_, .url): [.durable]
        case (.redis, .emulator): [.ephemeral, .durable, .durableAlways, .debug]
        case (.beanstalk, .emulator): [.ephemeral]
        }
    }

    /// Throws `invalidPlan` with the plans there are.
    ///
    /// - Parameter command: the command that was typed, without the plan, for the fix.
    public init(
        named name: String, for serviceClass: ServiceClass, by provider: ProviderReference, command: String
    ) throws(BrokerError) {
        let offered = Self.offered(for: serviceClass, by: provider)
        guard let plan = offered.first(where: { $0.name == name }) else {
            let all = offered.map(\.name).joined(separator: ", ")
            // What begins alike was meant; where nothing does, none that loses its data.
            let alike = offered.map { zip($0.name, name.lowercased()).prefix { $0 == $1 }.count }
            let best = alike.max().flatMap { $0 > 2 ? alike.firstIndex(of: $0) : nil }
            let meant = best.map { offered[$0] } ?? offered.first(where: \.isDurable) ?? offered[0]
            throw BrokerError(
                .invalidPlan, "\"\(name.prefix(80))\" is no plan of \(serviceClass.rawValue) by \(provider)",
                why: "the plans are \(all)", fix: "\(command) --plan \(meant.name)")
        }
        self = plan
    }

    private init(name: String, summary: String) {
        self.name = name
        self.summary = summary
    }
}
