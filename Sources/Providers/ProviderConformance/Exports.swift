// Who writes a provider speaks of all of these: the protocols, the nouns, and what an endpoint is routed to.
@_exported public import BrokerModel
@_exported public import EventLoop
@_exported public import Gateway
@_exported public import ProviderKit
