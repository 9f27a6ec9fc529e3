import BrokerModel
import ProviderKit

/// The providers there are.
struct ProviderCatalog: Sendable {
    let all: [any Provider]

    init(_ all: [any Provider]) {
        self.all = all
    }

    /// Who serves a reference; throws `invalidProvider` when nobody does.
    func provider(for reference: ProviderReference) throws(BrokerError) -> any Provider {
        guard let provider = all.first(where: { $0.serves(reference) }) else {
            throw BrokerError(
                .invalidProvider, "\"\(reference)\" is no provider of this daemon",
                why: "none of its providers serves it",
                fix: "name one of emulator, exec:redis-server or redis://host:6379/0")
        }
        return provider
    }
}
