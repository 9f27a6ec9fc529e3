import EventLoop
import RESPWire

/// What the client asks: handed on, or answered in its turn.
extension RedisRelay {
    /// Hands requests on, or answers them; returns how many bytes were used.
    func serve(_ bytes: UnsafeRawBufferPointer, _ partial: inout PartialRequest) -> Int {
        let batch = session.endpoint.batch
        var offset = 0
        while offset < bytes.count, !isClosing {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let end = batch.parse(
                rest, limits: session.isAuthenticated ? .authenticated : .unauthenticated, partial: &partial,
                most: session.isAuthenticated ? .max : 1)
            var used = batch.count == 0 ? batch.skipped : 0
            for index in 0..<batch.count {
                let request = batch[index]
                let raw = UnsafeRawBufferPointer(rebasing: rest[used..<request.end])
                guard take(raw, batch.arguments + request.first, request.count) else { return offset + used }
                used = request.end
                if isClosing { return bytes.count }
            }
            offset += used
            switch end {
            case .needsMore: return offset
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

    /// False when the request has to wait; then it comes again.
    private func take(_ raw: UnsafeRawBufferPointer, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        let rule = Interception.of(arguments[0])
        guard session.isAuthenticated else {
            if case .answered = rule, !arguments[0].isWord("client"), !arguments[0].isWord("acl") {
                return answer(arguments, count)
            }
            writer.error("NOAUTH Authentication required.")
            return true
        }
        guard let rule else { return forward(raw, replies: 1) }
        switch rule {
        case .answered: return answer(arguments, count)
        case .refused: return refuse(arguments)
        case .configuration:
            guard count > 1, arguments[1].isWord("get") else { return refuse(arguments) }
            return forward(raw, replies: 1)
        case .select: return select(raw, arguments, count)
        case .allDatabases:
            guard server.database != nil else { return forward(raw, replies: 1) }
            if arguments[0].isWord("flushall") { return flush(arguments, count) }
            if arguments[0].isWord("copy"), !(3..<max(count, 3)).contains(where: { arguments[$0].isWord("db") }) {
                return forward(raw, replies: 1)
            }
            return refuse(arguments)
        case .subscription(let word):
            guard !isInTransaction else { return forward(raw, replies: 1) }
            guard canForward else { return false }
            let confirmations = subscriptions.note(word, arguments, count)
            return forward(raw, confirmations: confirmations)
        case .blocking:
            guard forward(raw, replies: 1) else { return false }
            let isRead = arguments[0].isWord("xread") || arguments[0].isWord("xreadgroup")
            let waits = !isRead || (1..<count).contains { arguments[$0].isWord("block") }
            if waits, !isInTransaction { mayBlock = true }
            return true
        case .multi:
            guard forward(raw, replies: 1) else { return false }
            if count == 1 { isInTransaction = true }
            return true
        case .endOfTransaction:
            guard forward(raw, replies: 1) else { return false }
            if count == 1 { isInTransaction = false }
            return true
        }
    }

    private func answer(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        guard isQuiet else {
            hold()
            return false
        }
        let name = arguments[0].text.lowercased()
        let least = ["auth": 2, "client": 2, "acl": 2][name] ?? 1
        guard count >= least, name != "reset" || count == 1 else {
            writer.error("ERR wrong number of arguments for '\(name)' command")
            if isInTransaction { abortTransaction() }
            return true
        }
        // As Redis: a subscriber of version 2 may do little else, and cannot leave the version.
        if version == 2, subscriptions.count > 0, name != "quit", name != "reset" {
            writer.error(
                "ERR Can't execute '\(name)': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in "
                    + "this context")
            return true
        }
        if isInTransaction, name != "quit", name != "reset" {
            writer.error("ERR Command not allowed inside a transaction")
            abortTransaction()
            return true
        }
        session.run(name, arguments, count, writer)
        if version != sentVersion, state == .ready { sendHello() }
        return true
    }

    /// What the resource has is one database of the server: FLUSHDB, with the same options, empties it.
    private func flush(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        var request = Array("*\(count)\r\n$7\r\nFLUSHDB\r\n".utf8)
        for index in 1..<count {
            request += Array("$\(arguments[index].count)\r\n".utf8) + arguments[index].array + [13, 10]
        }
        return request.withUnsafeBytes { forward($0, replies: 1) }
    }

    private func refuse(_ arguments: UnsafeMutablePointer<Bytes>) -> Bool {
        guard isQuiet else {
            hold()
            return false
        }
        writer.error("NOPERM this user has no permissions to run the '\(arguments[0].text.lowercased())' command")
        if isInTransaction { abortTransaction() }
        return true
    }

    private func select(_ raw: UnsafeRawBufferPointer, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        guard server.database != nil, count == 2 else { return forward(raw, replies: 1) }
        guard isQuiet else {
            hold()
            return false
        }
        if isInTransaction {
            writer.error("ERR Command not allowed inside a transaction")
            abortTransaction()
            return true
        }
        // A resource that is one database of a server has that one, by the name of 0.
        if arguments[1] == Bytes("0") { writer.ok() } else { writer.error("ERR DB index is out of range") }
        return true
    }
}
