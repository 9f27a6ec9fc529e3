/// Tells what each command of the stream means to one who takes over a resource: which database it is for, and whether it
/// is for anybody.
public struct StreamFilter: Sendable {
    public enum Effect: Equatable, Sendable {
        /// Nothing.
        case nothing
        /// The master asks how far the stream was received.
        case acknowledge
        /// It is to be applied to this database of the resource.
        case apply(database: Int, bytes: [UInt8])
        /// It cannot be taken over: the text says why.
        case refused(String)
    }

    private let scope: DatabaseScope
    /// The server's number of what is selected.
    private var selected = 0

    public init(_ scope: DatabaseScope) {
        self.scope = scope
    }

    private enum Name {
        static let copy = CommandName("copy")
        static let exec = CommandName("exec")
        static let flushall = CommandName("flushall")
        static let function = CommandName("function")
        static let getack = CommandName("getack")
        static let move = CommandName("move")
        static let multi = CommandName("multi")
        static let ping = CommandName("ping")
        static let publish = CommandName("publish")
        static let replconf = CommandName("replconf")
        static let script = CommandName("script")
        static let select = CommandName("select")
        static let spublish = CommandName("spublish")
        static let swapdb = CommandName("swapdb")
    }

    /// A transaction's commands are handed on without its frame: the stream has them in one piece, in their order.
    public mutating func effect(of command: ReplicatedCommand) -> Effect {
        let name = CommandName(of: command)
        switch name {
        case Name.select:
            guard let number = command.number(at: 1) else { return .refused("SELECT names no database") }
            selected = number
            return .nothing
        case Name.ping, Name.multi, Name.exec, Name.publish, Name.spublish: return .nothing
        case Name.replconf:
            return command.argument(1).map { CommandName($0) } == Name.getack ? .acknowledge : .nothing
        default: break
        }
        switch scope {
        case .all: return .apply(database: selected, bytes: command.bytes)
        case .one(let own): return shared(command, name, own)
        }
    }

    /// What is left of it for one database of several.
    private func shared(_ command: ReplicatedCommand, _ name: CommandName, _ own: Int) -> Effect {
        switch name {
        case Name.flushall: return .apply(database: 0, bytes: command.replacing([0: Array("FLUSHDB".utf8)]).bytes)
        case Name.function, Name.script: return .apply(database: 0, bytes: command.bytes)
        case Name.swapdb:
            let isOwn = command.number(at: 1) == own || command.number(at: 2) == own
            return isOwn ? .refused("SWAPDB exchanged database \(own) for another one") : .nothing
        case Name.move:
            guard selected != own else {
                return .apply(database: 0, bytes: ReplicatedCommand([Array("DEL".utf8), key(command)]).bytes)
            }
            return command.number(at: 2) == own
                ? .refused("MOVE brought a key from database \(selected) to database \(own)") : .nothing
        case Name.copy:
            guard let target = command.copyDatabase else { break }
            switch (selected == own, target.number == own) {
            case (true, true):
                return .apply(database: 0, bytes: command.replacing([target.index: Array("0".utf8)]).bytes)
            case (false, true): return .refused("COPY brought a key from database \(selected) to database \(own)")
            default: return .nothing
            }
        default: break
        }
        return selected == own ? .apply(database: 0, bytes: command.bytes) : .nothing
    }

    private func key(_ command: ReplicatedCommand) -> [UInt8] {
        command.argument(1).map { Array($0) } ?? []
    }
}
