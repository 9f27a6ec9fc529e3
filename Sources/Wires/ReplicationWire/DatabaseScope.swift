/// Which databases of a server belong to a resource.
public enum DatabaseScope: Equatable, Sendable {
    /// All, by their own numbers.
    case all
    /// One of a server that others use as well; to the resource it is number 0.
    case one(Int)

    /// The resource's number of a server's database; nil where it is somebody else's.
    public func number(ofServers database: Int) -> Int? {
        switch self {
        case .all: database
        case .one(let own): database == own ? 0 : nil
        }
    }

    /// The server's number of a resource's database; nil where there is none.
    public func serversNumber(of database: Int) -> Int? {
        switch self {
        case .all: database
        case .one(let own): database == 0 ? own : nil
        }
    }
}

extension ReplicatedCommand {
    /// Where COPY's arguments name a database.
    var copyDatabase: (index: Int, number: Int)? {
        var index = 3
        while let word = argument(index) {
            if CommandName(word) == CommandName("db") { return number(at: index + 1).map { (index + 1, $0) } }
            index += 1
        }
        return nil
    }

    func number(at index: Int) -> Int? {
        argument(index).flatMap { Int64(decimal: $0) }.map { Int($0) }
    }
}
