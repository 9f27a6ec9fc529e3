public import RESPWire

/// Who clients are, and what they may do.
extension CacheEmulator {
    // MARK: for the front

    /// Names the attachments of the resource anew. Made users that are gone with one lose their connections.
    public func setAttachments(_ attachments: [CacheAttachment]) {
        for user in users.setAttachments(attachments) { close(user) }
    }

    /// A client has shown the secret of an attachment, or with nil is nobody any more.
    public func logIn(_ client: CacheClient, as attachment: CacheAttachment?) {
        become(attachment.map { .attachment($0) } ?? .unnamed, client)
    }

    /// Logs a client in as a user that an app has made; returns the holder whose user that is, nil where the password is
    /// not right.
    public func logIn(_ client: CacheClient, user: Bytes, password: Bytes) -> String? {
        guard let user = users.made[user.array], user.rights.accepts(password) else { return nil }
        become(.made(user), client)
        return user.owner
    }

    /// Notes that a log-in failed, by AUTH or HELLO as it was sent.
    public func noteFailedLogIn(_ client: CacheClient, user: [UInt8], command: [UInt8]) {
        users.log.note(
            AccessLog.Entry(
                reason: .auth, context: client.isExecuting ? .multi : .toplevel, object: command, user: user,
                time: clock.now, client: client.front.description(of: client)))
    }

    /// What the user is called as which a client is logged in, where an app has made that; nil for everybody else.
    public func madeUser(of client: CacheClient) -> [UInt8]? { client.madeUser?.name }

    /// The users that apps have made, in the order of their bytes.
    public var madeUserNames: [String] {
        users.made.keys.sorted { $0.lexicographicallyPrecedes($1) }.map { String(decoding: $0, as: UTF8.self) }
    }

    public func hasMadeUser(_ name: [UInt8]) -> Bool { users.made[name] != nil }

    /// Why a client cannot be served by another server, for a person; nil when it can. Its user, or those that it is about
    /// to ask for within MULTI, are known here only.
    public func bond(of client: CacheClient) -> String? {
        if client.isEnding { return nil }
        if client.madeUser != nil { return "is logged in as a user that an app has made with ACL SETUSER" }
        let words = users.made.isEmpty ? ["acl"] : ["acl", "auth", "hello"]
        let asks =
            client.transaction?.queue.contains { words.contains(table.commands[$0.command].name.description) } ?? false
        return asks ? "has ACL, AUTH or HELLO queued in MULTI" : nil
    }

    // MARK: accounts

    func become(_ account: ClientAccount, _ client: CacheClient) {
        client.madeUser?.clients.removeAll { $0 === client }
        client.account = account
        account.made?.clients.append(client)
    }

    /// Ends the connections of a user that is no more.
    func close(_ user: AccessUser) {
        for client in user.clients { close(client) }
    }

    /// Ends the subscriptions that a user has lost, with their connections, as Redis does.
    func closeSubscribers(of user: AccessUser) {
        for client in user.clients {
            let named = client.channels.union(client.shardChannels)
            let isAllowed =
                named.allSatisfy { user.rights.allows(channel: $0, isPattern: false) }
                && client.patterns.allSatisfy { user.rights.allows(channel: $0, isPattern: true) }
            if !isAllowed { close(client) }
        }
    }

    private func close(_ client: CacheClient) {
        stopWaiting(client)
        client.isEnding = true
        clientLeaves(client)
        client.front.end(client)
    }

    // MARK: checks

    /// Why a client may not run a request; nil when it may.
    func denial(
        to client: CacheClient, _ command: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>,
        _ count: Int
    ) -> AccessDenial? {
        if command.pointee.flags.contains(.refused) { return AccessDenial(reason: .command, place: 0) }
        return client.madeUser?.rights.denial(command, arguments, count)
    }

    /// Whether a request, which runs, may look at keys that it does not name.
    func readsAllKeys(_ client: CacheClient, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Bool {
        guard let user = client.madeUser else { return true }
        guard let index = table.index(of: arguments[0]) else { return false }
        return user.rights.readsAllKeys(table.row(index), arguments, count)
    }

    func note(
        _ denial: AccessDenial, _ command: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>,
        of client: CacheClient, _ context: AccessLog.Context
    ) {
        let object =
            denial.reason == .command ? Array(command.pointee.fullName.utf8) : arguments[denial.place].array
        users.log.note(
            AccessLog.Entry(
                reason: denial.reason, context: context, object: object, user: client.account.name, time: clock.now,
                client: client.front.description(of: client)))
    }
}
