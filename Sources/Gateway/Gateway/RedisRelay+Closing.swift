import EventLoop

/// How a client's connection ends: behind the replies that it awaits, as far as they can come.
extension RedisRelay {
    /// How long replies are awaited for a client that is to be closed, in nanoseconds.
    private static let closeTimeout: UInt64 = 5_000_000_000

    /// The client sends no more: what it has asked is still answered.
    func clientInputEnded() {
        closeAtBoundary()
    }

    /// Closes the client when every awaited reply is in. For what may never come nobody waits: a client that is blocked
    /// would go on taking elements from a server that is no longer its own.
    func closeAtBoundary() {
        isClosing = true
        if isQuiet || isCut || blocked != nil || [.connecting, .failed].contains(linkState) { return finishClosing() }
        loop.schedule(after: Self.closeTimeout) { [weak self] in
            guard let self, isClosing, linkState != .failed else { return }
            finishClosing()
        }
    }

    /// All that is awaited is the reply to a request whose end will not come: nothing was done.
    var isCut: Bool { passing != nil && tracker.awaitedCount == 1 }

    func finishClosing() {
        let session = session  // its connection may be the last that holds it
        session.connection.closeAfterFlush()
        leaveServer()
        withExtendedLifetime(session) {}
    }
}
