import EventLoop
import RESPWire

/// CLIENT TRACKING and MONITOR through a relay: what the server pushes passes as it comes, and at a switch both are asked
/// for again at the target.
extension RedisRelay {
    private static let unknownRedirect: StaticString =
        "ERR The client ID you want redirect to does not exist"

    /// The parts of CLIENT that belong to the server; nil for anything else.
    func track(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ raw: UnsafeRawBufferPointer) -> Bool? {
        guard count > 1, arguments[0].isWord("client"), !isInTransaction else { return nil }
        if count == 2, arguments[1].isWord("getredir") {
            guard isQuiet else { return waitForQuiet() }
            respond { $0.integer(Int(tracker.state.tracking.map { Self.redirect(of: $0)?.id ?? 0 } ?? -1)) }
            return true
        }
        if arguments[1].isWord("caching") || arguments[1].isWord("trackinginfo") {
            return forward(raw) { $0.expect(.reply) }
        }
        guard arguments[1].isWord("tracking") else { return nil }
        let words = (0..<count).map { arguments[$0].array }
        // At a server that others use it would tell the names of their keys.
        if server.database != nil, words.contains(where: { $0.withBytes { $0.isWord("bcast") } }) {
            guard isQuiet else { return waitForQuiet() }
            respond { $0.error("NOPERM BCAST is not possible at a server that others use") }
            return true
        }
        guard let mapped = mapped(words, by: { session.endpoint.serverID(of: $0) }) else {
            guard isQuiet else { return waitForQuiet() }
            respond { $0.error(Self.unknownRedirect) }
            return true
        }
        let isOn = count > 2 && arguments[2].isWord("on")
        return RequestEncoding.bytes(mapped).withUnsafeBytes { request in
            forward(request) { $0.expect(.change(.tracking(isOn ? words : nil))) }
        }
    }

    private func waitForQuiet() -> Bool {
        hold()
        return false
    }

    /// Clients are redirected to by the gateway's numbers; nil where nobody has that number.
    private func mapped(_ words: [[UInt8]], by number: (Int64) -> Int64?) -> [[UInt8]]? {
        guard let redirect = Self.redirect(of: words) else { return words }
        guard let there = number(redirect.id) else { return nil }
        var words = words
        words[redirect.word] = Array("\(there)".utf8)
        return words
    }

    private static func redirect(of words: [[UInt8]]) -> (word: Int, id: Int64)? {
        // A prefix may be called so, too.
        var index = 3
        while index + 1 < words.count {
            if words[index].withBytes({ $0.isWord("redirect") }) {
                return words[index + 1].withBytes { $0.integer }.map { (index + 1, $0) }
            }
            index += words[index].withBytes({ $0.isWord("prefix") }) ? 2 : 1
        }
        return nil
    }

    // MARK: at a switch

    /// Asks for the tracking again, at the target; a client that it went to and is gone is left out.
    func restoreTracking() {
        guard let words = tracker.state.tracking else { return }
        if let mapped = mapped(words, by: { session.endpoint.nextServerID(of: $0) }) {
            send(mapped, for: .restore)
        } else {
            tracker.state.tracking = nil
        }
    }

    /// What the client keeps may have changed while nobody tracked it; the lines of MONITOR come from here now.
    func resumeTracking() {
        if let words = tracker.state.tracking {
            let id = Self.redirect(of: words)?.id ?? session.id
            session.endpoint.redisSession(of: id)?.invalidateAll()
        }
        if tracker.state.isMonitoring { send("MONITOR", for: .monitor) }
    }
}

extension RedisSession {
    /// Tells a client that nothing of what it keeps is to be used any more, in the form of a server whose data was
    /// flushed.
    fileprivate func invalidateAll() {
        let writer = ReplyWriter(connection.output, version: version)
        if version == 3 {
            connection.output.append(">2\r\n")
            writer.bulk("invalidate")
            writer.null()
        } else if subscriptionCount > 0 {
            writer.array(3)
            writer.bulk("message")
            writer.bulk("__redis__:invalidate")
            writer.null()
        }
    }

    fileprivate var relayID: Int64? {
        if case .relay(let relay) = upstream { relay.serverID } else { nil }
    }

    fileprivate var nextRelayID: Int64? {
        if case .relay(let relay) = next { relay.serverID } else { nil }
    }
}

extension Endpoint {
    func redisSession(of id: Int64) -> RedisSession? { redisSessions.values.first { $0.id == id } }

    /// The number of a client's connection at the server.
    fileprivate func serverID(of id: Int64) -> Int64? { redisSession(of: id)?.relayID }

    /// The same at the target of a move.
    fileprivate func nextServerID(of id: Int64) -> Int64? { redisSession(of: id)?.nextRelayID }
}
