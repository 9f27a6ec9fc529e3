import ReplicationWire
import Testing

@Suite struct DatabaseScopeTests {
    private func bytes(_ words: String) -> [UInt8] {
        ReplicatedCommand(words.split(separator: " ").map { Array($0.utf8) }).bytes
    }

    private func command(_ words: String) -> ReplicatedCommand {
        ReplicatedCommand(words.split(separator: " ").map { Array($0.utf8) })
    }

    @Test func `of a whole server every change is handed out, for its database, without what frames it`() {
        var filter = StreamFilter(.all)
        #expect(filter.effect(of: command("SET k v")) == .apply(database: 0, bytes: bytes("SET k v")))
        #expect(filter.effect(of: command("select 5")) == .nothing)
        for dropped in ["PING", "MULTI", "EXEC", "PUBLISH c m", "SPUBLISH c m", "replconf ack 3"] {
            #expect(filter.effect(of: command(dropped)) == .nothing, "\(dropped)")
        }
        #expect(filter.effect(of: command("REPLCONF GETACK *")) == .acknowledge)
        for kept in ["FLUSHALL", "SWAPDB 1 2", "MOVE k 2", "COPY a b DB 3", "UNLINK averylongname", "FUNCTION FLUSH"] {
            #expect(filter.effect(of: command(kept)) == .apply(database: 5, bytes: bytes(kept)), "\(kept)")
        }
    }

    @Test(
        arguments: [
            ("SET k v", "SET k v"), ("FLUSHALL ASYNC", "FLUSHDB ASYNC"), ("FLUSHDB", "FLUSHDB"), ("MOVE k 2", "DEL k"),
            ("COPY a b", "COPY a b"), ("COPY a b db 3 REPLACE", "COPY a b db 0 REPLACE"), ("COPY a b DB 2", nil),
            ("SWAPDB 1 2", nil), ("FUNCTION LOAD x", "FUNCTION LOAD x"),
        ] as [(String, String?)])
    func `of one database of several only that is handed out, as number 0`(words: String, handedOut: String?) {
        var filter = StreamFilter(.one(3))
        #expect(filter.effect(of: command("SELECT 3")) == .nothing)
        let expected = handedOut.map { StreamFilter.Effect.apply(database: 0, bytes: bytes($0)) } ?? .nothing
        #expect(filter.effect(of: command(words)) == expected)
    }

    @Test(
        arguments: [
            ("SET k v", nil), ("FLUSHALL", "FLUSHDB"), ("FLUSHDB", nil), ("MOVE k 2", nil), ("COPY a b", nil),
            ("COPY a b DB 5", nil), ("SWAPDB 1 2", nil), ("FUNCTION LOAD x", "FUNCTION LOAD x"),
        ] as [(String, String?)])
    func `what is done in the others is not, unless it reaches into this one`(words: String, handedOut: String?) {
        var filter = StreamFilter(.one(3))
        let expected = handedOut.map { StreamFilter.Effect.apply(database: 0, bytes: bytes($0)) } ?? .nothing
        #expect(filter.effect(of: command(words)) == expected)
    }

    @Test(arguments: ["MOVE k 3", "COPY a b DB 3", "SWAPDB 3 0", "SWAPDB 0 3"])
    func `what brings others' keys into it is refused with its reason`(words: String) {
        var filter = StreamFilter(.one(3))
        guard case .refused(let why) = filter.effect(of: command(words)) else {
            return #expect(Bool(false), "\(words) is refused")
        }
        #expect(why.contains("database 3"))
    }

    @Test(
        arguments: [
            ("SET k v", nil), ("RESTORE k 0 x", nil), ("flushall ASYNC", "FLUSHDB ASYNC"), ("FLUSHDB", nil),
            ("COPY a b", nil), ("COPY a b DB 0", "COPY a b DB 7"), ("FUNCTION LOAD x", nil),
        ] as [(String, String?)])
    func `commands for a resource become commands for its database`(words: String, sent: String?) throws {
        #expect(try SharedTarget(database: 7).translated(command(words)) == sent.map { bytes($0) })
    }

    @Test(arguments: ["SWAPDB 0 1", "MOVE k 1", "COPY a b DB 1", "FUNCTION FLUSH"])
    func `commands that reach beyond it are refused`(words: String) {
        #expect(throws: SharedTarget.Violation.self) { try SharedTarget(database: 7).translated(command(words)) }
    }

    @Test func `numbers go both ways`() {
        #expect(DatabaseScope.all.number(ofServers: 4) == 4)
        #expect(DatabaseScope.all.serversNumber(of: 4) == 4)
        #expect(DatabaseScope.one(4).number(ofServers: 4) == 0)
        #expect(DatabaseScope.one(4).number(ofServers: 0) == nil)
        #expect(DatabaseScope.one(4).serversNumber(of: 0) == 4)
        #expect(DatabaseScope.one(4).serversNumber(of: 4) == nil)
    }
}
