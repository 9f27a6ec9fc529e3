import GRDB

extension LedgerReader {
    /// The ports that endpoints have, served now or not, in ascending order.
    public func ports() throws -> [UInt16] {
        try all("SELECT port FROM ports ORDER BY port", []) { row in
            let port: Int64 = row[0]
            return UInt16(truncatingIfNeeded: port)
        }
    }

    /// The port that was given away last, whether it still is or not; nil when none ever was.
    public func latestPort() throws -> UInt16? {
        try one("SELECT value FROM sequences WHERE name = 'port'", []) { row in
            let port: Int64 = row[0]
            return UInt16(truncatingIfNeeded: port)
        }
    }
}

extension LedgerWriter {
    /// Gives a port to a resource or an attachment, until that is removed.
    func reserve(_ port: UInt16, for owner: String) throws {
        try run("INSERT INTO ports VALUES (?, ?)", [Int64(port), owner])
        try run(
            "INSERT INTO sequences VALUES ('port', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [Int64(port)])
    }
}
