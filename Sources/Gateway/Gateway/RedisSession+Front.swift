import CacheEmulator
import EventLoop
import RESPWire

/// The commands that the front answers itself.
extension RedisSession {
    func run(_ command: FrontCommand, for client: CacheClient) {
        run(command.name.description, command.arguments, command.count, command.reply)
    }

    /// Runs one front command, whose arity the caller has checked, and writes its reply.
    func run(_ name: String, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ reply: ReplyWriter) {
        switch name {
        case "auth": authenticate(arguments, count, reply)
        case "hello": hello(arguments, count, reply)
        case "quit": quit(reply)
        case "reset": reset()
        case "acl": acl(arguments, count, reply)
        case "client": runClient(arguments, count, reply)
        default: reply.error("ERR unknown command")
        }
    }

    private static let wrongPass: StaticString = "WRONGPASS invalid username-password pair or user is disabled."
    private static let noPassword: StaticString = """
        ERR AUTH <password> called without any password configured for the default user. Are you sure your \
        configuration is correct?
        """

    private func authenticate(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ reply: ReplyWriter) {
        guard count <= 3 else { return reply.error("ERR syntax error") }
        let user = count == 3 ? arguments[1].array : nil
        guard logIn(user, arguments[count - 1], arguments[0]) else {
            return reply.error(endpoint.grants.everybody != nil && count == 2 ? Self.noPassword : Self.wrongPass)
        }
        reply.ok()
    }

    /// Logs in as an attachment, or as a user that one has made at the emulator.
    private func logIn(_ user: [UInt8]?, _ secret: Bytes, _ command: Bytes) -> Bool {
        if let found = endpoint.grants.find(user: user, secret: secret.array) {
            become(found)
            return true
        }
        guard case .emulator(let emulator, let client) = upstream else { return false }
        let holder = user.flatMap { user in user.withBytes { emulator.logIn(client, user: $0, password: secret) } }
        guard let owner = holder.flatMap({ endpoint.grants.grant(of: $0) }) else {
            emulator.noteFailedLogIn(client, user: user ?? Array("default".utf8), command: command.array)
            return false
        }
        // Whatever befalls the attachment befalls its users.
        grant = owner
        client.isAuthenticated = true
        return true
    }

    private func become(_ found: Grant) {
        grant = found
        switch upstream {
        case .emulator(let emulator, let client):
            emulator.logIn(client, as: Grants.attachment(found))
            client.isAuthenticated = true
        case .relay(let relay): relay.becomeOwnUser()
        case .none: break
        }
    }

    private func hello(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ reply: ReplyWriter) {
        var wanted: UInt8 = version
        if count > 1 {
            guard let number = arguments[1].integer else {
                return reply.error("ERR Protocol version is not an integer or out of range")
            }
            guard number == 2 || number == 3 else { return reply.error("NOPROTO unsupported protocol version") }
            wanted = UInt8(number)
        }
        // As in Redis an option that is right takes effect, also when a later one is wrong.
        var index = 2
        while index < count {
            if arguments[index].isWord("auth"), index + 2 < count {
                guard logIn(arguments[index + 1].array, arguments[index + 2], arguments[0]) else {
                    return reply.error(Self.wrongPass)
                }
                index += 3
            } else if arguments[index].isWord("setname"), index + 1 < count {
                guard Self.isValidName(arguments[index + 1]) else { return reply.error(Self.invalidName) }
                name = arguments[index + 1].array
                index += 2
            } else {
                return reply.error("ERR Syntax error in HELLO option '\(arguments[index].text)'")
            }
        }
        guard isAuthenticated else {
            return reply.error(
                """
                NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH \
                <user> <pass> option can be used to authenticate the client and select the RESP protocol version at \
                the same time
                """)
        }
        version = wanted
        describeServer(ReplyWriter(connection.output, version: wanted))
    }

    private func describeServer(_ reply: ReplyWriter) {
        reply.map(7)
        var product = ["redis", CacheEmulator.redisVersion.description]
        if case .relay(let relay) = upstream, let words = relay.server.product?.split(separator: " "), words.count == 2
        {
            product = words.map(String.init)
        }
        reply.bulk("server")
        reply.bulk(product[0])
        reply.bulk("version")
        reply.bulk(product[1])
        reply.bulk("proto")
        reply.integer(Int(version))
        reply.bulk("id")
        reply.integer(id)
        reply.bulk("mode")
        reply.bulk("standalone")
        reply.bulk("role")
        reply.bulk("master")
        reply.bulk("modules")
        reply.array(0)
    }

    private func quit(_ reply: ReplyWriter) {
        reply.ok()
        closeAtBoundary()
    }

    private func reset() {
        grant = endpoint.grants.everybody
        name = []
        version = 2
        switch upstream {
        case .emulator(let emulator, let client):
            client.isAuthenticated = isAuthenticated
            emulator.logIn(client, as: grant.map(Grants.attachment))
            emulator.reset(client)
        case .relay(let relay): relay.reset()
        case .none: break
        }
        ReplyWriter(connection.output, version: 2).simple("RESET")
    }

    /// Before a real server: an emulator answers ACL itself.
    private func acl(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ reply: ReplyWriter) {
        if count == 2, arguments[1].isWord("whoami") { return reply.bulk(grant?.user ?? "default") }
        let name = arguments[1].text.lowercased().prefix(64)
        reply.error("NOPERM this user has no permissions to run the 'acl|\(name)' command")
    }

    static let invalidName: StaticString =
        "ERR Client names cannot contain spaces, newlines or special characters."

    /// Printable ASCII without spaces.
    static func isValidName(_ name: Bytes) -> Bool {
        name.raw.allSatisfy { $0 > 32 && $0 < 127 }
    }
}
