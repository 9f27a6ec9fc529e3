// Who imports this library also sees the nouns that it speaks of: `Fault`, `BrokerError`, `ExpectRequest`.
@_exported public import BrokerModel
