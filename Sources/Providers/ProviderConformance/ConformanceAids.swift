public import BrokerModel
public import ProviderKit

/// What some checks need beside the provider. Checks whose aid is missing do not apply.
public struct ConformanceAids: Sendable {
    /// A second reference of the provider that leads to other data, for a provider of servers that already run: there a
    /// copy goes. Providers that make what they serve need none.
    public var other: ProviderReference?
    /// A reference of the provider's kind behind which there is nothing that could serve: a program that is not there, a
    /// port on which nobody listens.
    public var unservable: ProviderReference?
    /// Ends the server of a backing in a way that the provider has not asked for, as a crash does. It is given the backing
    /// with what the provider has remembered.
    public var endServer: (@Sendable (Backing) async throws -> Void)?
    /// The plan by which backings are made; nil is the first that is offered.
    public var plan: Plan?
    /// Makes the provider of the daemon that comes next: another instance over the same places, which knows of nothing but
    /// what is there and what was remembered.
    public var successor: (@Sendable () async throws -> any Provider)?
    /// Whether a client is let in by a direct URL.
    public var connects: (@Sendable (Secret) async throws -> Bool)?
    /// What there is of backings: files, processes, users at a server. It is asked before and after each check, when all
    /// backings of the check are deprovisioned, and has to be the same.
    public var leftovers: (@Sendable () async throws -> Set<String>)?
    /// How long a check may take.
    public var limit = Duration.seconds(60)

    /// No aids at all.
    public init() {}
}
