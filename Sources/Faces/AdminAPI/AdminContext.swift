import Hummingbird
import NIOCore

/// What travels with a request: Hummingbird's own, and the channel, which knows the peer.
struct AdminContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}
