import EventLoop
public import RESPWire

/// What a front needs that answers a command in the emulator's place, or looks at one before it runs.
extension CacheEmulator {
    /// Answers a request with an error instead of running it, as when Redis refuses one: inside MULTI, EXEC will not run;
    /// a refused EXEC ends the transaction.
    public func refuse(
        _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, with text: String, for client: CacheClient
    ) {
        let before = client.connection.output.count
        client.writer.error(text)
        if client.replies != .on { suppressReply(of: client, from: before) }
        guard client.transaction != nil else { return }
        client.transaction?.isAborted = true
        guard arguments[0].isWord("exec") else { return }
        client.transaction = nil
        unwatch(client)
    }

    /// Where the keys of a request stand, of a command that is known here; of another one nowhere.
    public static func keyPlaces(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> [Int] {
        let table = CommandTable.shared
        guard let found = table.index(of: arguments[0]) else { return [] }
        var row = table.row(found)
        if count > 1, let subcommand = row.pointee.subcommands.first(where: { arguments[1].isWord($0.name) }) {
            row = table.rows[subcommand.number]
        }
        let command = row.pointee
        guard command.arity >= 0 ? count == command.arity : count >= -command.arity else { return [] }
        return (command.keys.places(arguments, count) ?? []).filter { $0 < count }
    }

    /// Whether a text is as a pattern says, read as by KEYS.
    public static func matches(_ pattern: Bytes, _ text: Bytes) -> Bool {
        Glob.isAll(pattern) || Glob.matches(pattern, text)
    }
}
