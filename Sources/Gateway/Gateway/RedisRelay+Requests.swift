import EventLoop
import RESPWire

/// What the client asks: handed on, or answered in its turn.
extension RedisRelay {
    /// Hands requests on, or answers them; returns how many bytes were used.
    func serve(_ bytes: UnsafeRawBufferPointer, _ partial: inout PartialRequest) -> Int {
        let batch = session.endpoint.batch
        let faults = session.faults
        var offset = 0
        if passing != nil {
            offset = passOn(bytes)
            if passing != nil || isClosing || offset == bytes.count { return offset }
        }
        guard takesRequests else {
            _ = session.keepWaiting()
            return offset
        }
        while offset < bytes.count, !isClosing, takesRequests {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let end = batch.parse(
                rest, limits: session.isAuthenticated ? .authenticated : .unauthenticated, partial: &partial,
                most: session.isAuthenticated ? .max : 1)
            var used = batch.count == 0 ? batch.skipped : 0
            for index in 0..<batch.count {
                let request = batch[index]
                let raw = UnsafeRawBufferPointer(rebasing: rest[used..<request.end])
                let arguments = batch.arguments + request.first
                let isTaken =
                    if let faults {
                        take(raw, arguments, request.count, under: faults)
                    } else {
                        take(raw, arguments, request.count)
                    }
                guard isTaken else { return offset + used }
                used = request.end
                session.endpoint.requests &+= 1
                if isClosing { return bytes.count }
            }
            offset += used
            switch end {
            case .needsMore:
                guard batch.count == 0, offset < bytes.count,
                    beginPassing(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
                else { return offset }
                partial = PartialRequest()
                return bytes.count
            case .full: break
            case .failed(let error):
                guard isQuiet else {
                    hold()
                    return offset
                }
                session.refuse(error)
                return bytes.count
            }
        }
        return isClosing ? bytes.count : offset
    }

    // MARK: large requests

    /// Hands on the beginning of a large request of which nothing needs to be known, before its end has come.
    private func beginPassing(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard session.isAuthenticated, blocked == nil, !isInTransaction, watch == nil, session.faults == nil,
            tracker.state.replies == .on, linkState == .ready,
            let (remainder, name) = RequestRemainder.begin(bytes, .authenticated)
        else { return false }
        // What is odd in it is for the parser to refuse.
        var rest = remainder
        guard case .unfinished = rest.take(bytes, from: name.upperBound + 2) else { return false }
        var word = Bytes(raw: bytes.baseAddress.unsafelyUnwrapped + name.lowerBound, name.count)
        guard use.note(&word, 1) == nil, forward(bytes, { $0.expect(.reply) }) else { return false }
        session.endpoint.requests &+= 1
        passing = rest
        return true
    }

    /// Hands on what follows; returns how many bytes were used.
    private func passOn(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard canForward, let link else { return 0 }
        guard var rest = passing else { return 0 }
        switch rest.take(bytes) {
        case .unfinished:
            passing = rest
            link.output.append(bytes)
            return bytes.count
        case .finished(let end):
            link.output.append(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
            passing = nil
            sendDelayed()
            return end
        case .failed(let error):
            // The server waits for the end of what it has the beginning of.
            dropLink()
            session.refuse(error)
            return bytes.count
        }
    }

    /// False when the request has to wait; then it comes again.
    func take(_ raw: UnsafeRawBufferPointer, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        guard raw.first == UInt8(ascii: "*") else {
            // A line is read differently by each server (one that has a zero byte is never answered): all get arrays.
            var request: [UInt8] = []
            RequestEncoding.append(arguments, count, to: &request)
            return request.withUnsafeBytes { take(use.note(arguments, count), $0, arguments, count) }
        }
        return take(use.note(arguments, count), raw, arguments, count)
    }

    private func take(
        _ rule: Interception?, _ raw: UnsafeRawBufferPointer, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int
    ) -> Bool {
        guard session.isAuthenticated else {
            if case .answered = rule, !arguments[0].isWord("client"), !arguments[0].isWord("acl") {
                return answer(arguments, count)
            }
            writer.error("NOAUTH Authentication required.")
            return true
        }
        guard blocked == nil else {
            // It would run here, though what blocks may yet be asked elsewhere.
            hold()
            return false
        }
        if tracker.state.isMonitoring { return monitoring(arguments, count) }
        wasForwarded = false
        let isQueued = isInTransaction
        defer { if wasForwarded { noteChanges(rule, arguments, count, isQueued: isQueued) } }
        guard let rule else { return forward(raw) }
        switch rule {
        case .answered: return unblock(arguments, count) ?? track(arguments, count, raw) ?? answer(arguments, count)
        case .refused: return refuse(arguments)
        case .monitor:
            // At a server that others use it would show what is theirs.
            guard server.database == nil, count == 1 else { return refuse(arguments) }
            guard !isInTransaction else { return refuseInTransaction() }
            return forward(raw) { $0.expect(.change(.monitor)) }
        case .configuration:
            guard count > 1, arguments[1].isWord("get"),
                !(2..<count).contains(where: { Self.mayTellSecret(arguments[$0]) })
            else { return refuse(arguments) }
            return forward(raw)
        case .select: return select(raw, arguments, count)
        case .allDatabases:
            guard server.database != nil else { return forward(raw) }
            if arguments[0].isWord("flushall") { return flush(arguments, count) }
            if arguments[0].isWord("copy"), !(3..<max(count, 3)).contains(where: { arguments[$0].isWord("db") }) {
                return forward(raw)
            }
            return refuse(arguments)
        case .subscription(let word):
            // Its confirmations would come between the replies of EXEC, where nobody can tell them apart.
            guard !isInTransaction else { return refuseInTransaction() }
            return forward(raw) { tracker in
                let before = tracker.state
                let confirmations = tracker.state.subscribe(word, arguments, count)
                tracker.expectConfirmations(confirmations, before: before)
            }
        case .blocking:
            let isSilent = tracker.state.replies != .on
            guard !isInTransaction,
                let request = BlockedRequest(
                    arguments, count, now: loop.now, order: session.endpoint.nextWait(), isSilent: isSilent)
            else { return forward(raw) }
            guard forward(raw, { $0.expect(.blocked) }) else { return false }
            if linkState == .ready { blocked = request }
            return true
        case .script:
            session.endpoint.scripts.note(arguments, count)
            return forward(raw)
        case .scan(let place):
            guard !isInTransaction else { return forward(raw) }
            return scan(raw, arguments, count, place)
        case .multi: return count == 1 ? forward(raw) { $0.begin() } : forward(raw)
        case .exec:
            guard tracker.state.isTainted, isInTransaction, count == 1 else { return endTransaction(raw, count, true) }
            return refuseTainted()
        case .discard: return endTransaction(raw, count, false)
        case .watch:
            guard !isInTransaction else { return forward(raw) }
            return forward(raw) { $0.expect(.change(.watch)) }
        case .unwatch:
            guard !isInTransaction else { return forward(raw) }
            return forward(raw) { $0.expect(.change(.unwatch)) }
        }
    }

    /// The cursor is the provider's own: the app's tells of which provider.
    private func scan(
        _ raw: UnsafeRawBufferPointer, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ place: Int
    ) -> Bool {
        let epoch = session.endpoint.scanEpoch
        guard place < count, let text = arguments[place].integer, text > 0 else {
            return forward(raw) { $0.expect(.scan(epoch)) }
        }
        var words = (0..<count).map { arguments[$0].array }
        words[place] = Array("\(epoch.opened(UInt64(text)))".utf8)
        return RequestEncoding.bytes(words).withUnsafeBytes { forward($0) { $0.expect(.scan(epoch)) } }
    }

    /// Lines of MONITOR and replies could not be told apart.
    private func monitoring(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        if count == 1, arguments[0].isWord("reset") || arguments[0].isWord("quit") { return answer(arguments, count) }
        respond { $0.error("ERR only RESET and QUIT are possible behind MONITOR") }
        return true
    }

    private func refuseInTransaction() -> Bool {
        guard isQuiet else {
            hold()
            return false
        }
        respond { $0.error("ERR Command not allowed inside a transaction") }
        abortTransaction()
        return true
    }

    /// Settings that hold secrets of the server's.
    private static let secrets = [
        "requirepass", "masterauth", "masteruser", "aclfile", "tls-key-file-pass", "tls-client-key-file-pass",
    ]

    /// Whether a name of settings, or a pattern of names, may be that of a secret: what stands in front of its first
    /// special sign decides.
    private static func mayTellSecret(_ name: Bytes) -> Bool {
        let text = name.text.lowercased()
        guard let special = text.firstIndex(where: { "*?[\\".contains($0) }) else { return secrets.contains(text) }
        return secrets.contains { $0.hasPrefix(text[..<special]) }
    }

    /// Sends what nothing is to be known of but its reply.
    private func forward(_ raw: UnsafeRawBufferPointer, selects: Bool = false) -> Bool {
        forward(raw) { tracker in
            if tracker.state.transaction == nil {
                tracker.expect(.reply)
            } else {
                tracker.queue(raw, selects: selects)
            }
        }
    }

    private func endTransaction(_ raw: UnsafeRawBufferPointer, _ count: Int, _ executes: Bool) -> Bool {
        count == 1 ? forward(raw) { $0.endTransaction(executes: executes) } : forward(raw)
    }

    /// What was watched was watched on another server, which saw every change up to the move: nobody can tell whether
    /// one came since, so that EXEC answers as if one had.
    private func refuseTainted() -> Bool {
        guard isQuiet else {
            hold()
            return false
        }
        guard canForward else { return false }
        guard linkState == .ready else { return true }
        let isAborted = tracker.state.transaction?.isAborted == true
        tracker.discard()
        send("DISCARD", for: .abortion)
        respond { writer in
            if isAborted {
                writer.error("EXECABORT Transaction discarded because of previous errors.")
            } else {
                writer.nullArray()
            }
        }
        return true
    }

    /// Writes a reply of the session's own, unless the client has silenced it.
    func respond(_ write: (ReplyWriter) -> Void) {
        let output = session.connection.output
        let before = output.count
        let mode = tracker.state.replies
        write(writer)
        // A command that sets the mode is answered by what it has set; what ends the session, by what was set before.
        if isClosing, mode != .on { return output.truncate(to: before) }
        guard tracker.state.replies != .on else { return }
        output.truncate(to: before)
        switch tracker.state.replies {
        case .on, .off: break
        case .skipNext: tracker.state.replies = .skipping
        case .skipping: tracker.state.replies = .on
        }
    }

    /// CLIENT UNBLOCK of a client that waits at the server, which knows it by another number. Nil for anything else.
    private func unblock(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool? {
        guard count == 3 || count == 4, arguments[0].isWord("client"), arguments[1].isWord("unblock"), !isInTransaction,
            let id = arguments[2].integer, let number = session.endpoint.serverID(ofBlocked: id)
        else { return nil }
        let reason = count == 4 ? [arguments[3].array] : []
        let words = [Array("CLIENT".utf8), Array("UNBLOCK".utf8), Array("\(number)".utf8)] + reason
        return RequestEncoding.bytes(words).withUnsafeBytes { forward($0) }
    }

    private func answer(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        guard isQuiet else {
            hold()
            return false
        }
        let name = arguments[0].text.lowercased()
        let least = ["auth": 2, "client": 2, "acl": 2][name] ?? 1
        guard count >= least, name != "reset" || count == 1 else {
            respond { $0.error("ERR wrong number of arguments for '\(name)' command") }
            if isInTransaction { abortTransaction() }
            return true
        }
        // As Redis: a subscriber of version 2 may do little else, and cannot leave the version.
        if version == 2, tracker.state.subscriptionCount > 0, name != "quit", name != "reset" {
            let text =
                "ERR Can't execute '\(name)': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in "
                + "this context"
            respond { $0.error(text) }
            return true
        }
        if isInTransaction, name != "quit", name != "reset" {
            respond { $0.error("ERR Command not allowed inside a transaction") }
            abortTransaction()
            return true
        }
        respond { session.run(name, arguments, count, $0) }
        if version != tracker.sentVersion, linkState == .ready { sendHello() }
        return true
    }

    /// What the resource has is one database of the server: FLUSHDB, with the same options, empties it.
    private func flush(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        let options = (1..<count).map { arguments[$0].array }
        let request = RequestEncoding.bytes([Array("FLUSHDB".utf8)] + options)
        return request.withUnsafeBytes { forward($0) }
    }

    private func refuse(_ arguments: UnsafeMutablePointer<Bytes>) -> Bool {
        guard isQuiet else {
            hold()
            return false
        }
        let name = arguments[0].text.lowercased()
        respond { $0.error("NOPERM this user has no permissions to run the '\(name)' command") }
        if isInTransaction { abortTransaction() }
        return true
    }

    private func select(_ raw: UnsafeRawBufferPointer, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        guard server.database != nil, count == 2 else {
            guard !isInTransaction else { return forward(raw, selects: true) }
            guard count == 2, let number = arguments[1].integer else { return forward(raw) }
            return forward(raw) { $0.expect(.change(.select(Int(number)))) }
        }
        guard isQuiet else {
            hold()
            return false
        }
        if isInTransaction {
            respond { $0.error("ERR Command not allowed inside a transaction") }
            abortTransaction()
            return true
        }
        // A resource that is one database of a server has that one, by the name of 0.
        let isFirst = arguments[1] == Bytes("0")
        respond { if isFirst { $0.ok() } else { $0.error("ERR DB index is out of range") } }
        return true
    }
}
