/// Turns commands for a resource into commands for the one database that it has of a server.
public struct SharedTarget: Sendable {
    private let own: Int

    /// `own` is the server's number of the database.
    public init(database own: Int) {
        self.own = own
    }

    /// Why a command would reach beyond the database.
    public struct Violation: Error, Equatable, Sendable {
        public var reason: String
    }

    private enum Name {
        static let copy = CommandName("copy")
        static let flush = CommandName("flush")
        static let flushall = CommandName("flushall")
        static let function = CommandName("function")
        static let move = CommandName("move")
        static let swapdb = CommandName("swapdb")
    }

    /// The command for the server; nil where it can be sent as it is.
    public func translated(_ command: ReplicatedCommand) throws(Violation) -> [UInt8]? {
        switch CommandName(of: command) {
        case Name.flushall: return command.replacing([0: Array("FLUSHDB".utf8)]).bytes
        case Name.swapdb: throw violation("SWAPDB exchanges databases")
        case Name.move: throw violation("MOVE takes a key to another database")
        case Name.copy:
            guard let target = command.copyDatabase else { return nil }
            guard target.number == 0 else { throw violation("COPY takes a key to another database") }
            return command.replacing([target.index: Array("\(own)".utf8)]).bytes
        case Name.function:
            guard command.argument(1).map({ CommandName($0) }) != Name.flush else {
                throw violation("FUNCTION FLUSH would remove others' functions")
            }
            return nil
        default: return nil
        }
    }

    private func violation(_ what: String) -> Violation {
        Violation(reason: "\(what), and the resource has database \(own) of that server only")
    }
}
