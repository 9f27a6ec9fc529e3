import GRDB

extension LedgerReader {
    /// The ports that endpoints have, served now or not, in ascending order.
    public func ports() throws -> [UInt16] {
        try all("SELECT port FROM ports ORDER BY port", []) { row in
            let port: Int64 = row[0]
            return UInt16(truncatingIfNeeded: port)
        }
    }
}

extension LedgerWriter {
    /// Gives a port to a resource or an attachment, until that is removed.
    func reserve(_ port: UInt16, for owner: String) throws {
        try run("INSERT INTO ports VALUES (?, ?)", [Int64(port), owner])
    }
}
