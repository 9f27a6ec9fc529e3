import TestKit
import Testing

@Suite(.comparedWithRedis)
struct TransactionDifferentialTests {
    @Test func `a command of a transaction may have very many arguments`() throws {
        let elements = (0..<200_000).map(String.init).joined(separator: " ")
        try compare(
            ["MULTI", Step("RPUSH l \(elements)"), "EXEC", "LLEN l", "LRANGE l -3 -1"], versions: [2])
    }

    @Test func `commands are queued and run together`() throws {
        try compare([
            "MULTI", "SET a 1", "INCR a", "GET a", "LPUSH a x", "EXEC", "GET a", "EXEC", "DISCARD", "MULTI", "MULTI",
            "SET a 5", "EXEC", "MULTI", "DISCARD", "EXEC",
            "MULTI", "EXEC", "MULTI", "SET a 9", "DISCARD", "GET a", "MULTI x", "EXEC x", "DISCARD x", "MULTI", "PING",
            "ECHO hi", "SELECT 1", "SET b 1", "EXEC",
            "GET b", "SELECT 0", "GET b", "MULTI", "EXPIRE a x", "EXEC", "MULTI", "HSET h f v", "HGETALL h", "SADD s 1",
            "SMEMBERS s", "KEYS none", "ZADD z 1 m", "ZSCORE z m", "EXEC",
        ])
    }

    @Test func `an error while queueing aborts, an error while running does not`() throws {
        try compare([
            "MULTI", "BOGUS", "SET a 1", "EXEC", "EXISTS a", "MULTI", "GET", "EXEC", "MULTI", "SET a 1", "GET a b",
            "EXEC", "MULTI", "OBJECT BOGUS x", "EXEC", "MULTI",
            "CONFIG BOGUS", "EXEC", "MULTI", "EXEC x", "EXEC", "EXEC", "MULTI", "WATCH a", "SET a 2", "EXEC", "GET a",
            "MULTI", "SET s x", "INCR s", "SET t y", "EXEC", "GET t", "MULTI",
            "OBJECT ENCODING", "EXEC", "MULTI", "SUBSCRIBE", "EXEC", "MULTI", "UNWATCH", "EXEC", "MULTI", "MULTI",
            "DISCARD", "PING",
        ])
    }

    @Test func `WATCH sees what others change`() throws {
        let changes = [
            "SET a 2", "DEL a", "EXPIRE a 100", "PERSIST a", "APPEND a x", "RENAME a b", "RENAME b a",
            "COPY b a REPLACE", "MOVE a 1", "FLUSHDB", "FLUSHALL", "SWAPDB 0 1", "GETDEL a",
            "GETEX a EX 100", "GETEX a", "GETEX a PERSIST", "SETRANGE a 0 x", "SETRANGE a 0 \"\"", "INCR a",
            "MSET a 1 c 2", "SETNX a 1", "SET a 1 NX", "SET a 1 XX", "GET a", "EXISTS a", "TOUCH a", "GETSET a 1",
            "UNLINK a", "EXPIRE a -1", "EXPIREAT a 4102444800 XX", "SET other 1", "MSETNX a 1", "APPEND a \"\"",
            "SELECT 1", "INCRBYFLOAT a 0", "SWAPDB 1 2", "SWAPDB 2 3",
        ]
        for change in changes {
            try compare(
                ["SET a 1", "SET b 1", "WATCH a", Step("B: \(change)"), "MULTI", "PING", "EXEC"], versions: [3])
            try compare(["SET b 1", "WATCH a", Step("B: \(change)"), "MULTI", "PING", "EXEC"], versions: [3])
        }
    }

    @Test func `WATCH ends with EXEC, DISCARD and UNWATCH`() throws {
        try compare(
            [
                "SET a 1", "WATCH a", "UNWATCH", "B: SET a 2", "MULTI", "PING", "EXEC", "WATCH a", "MULTI", "PING",
                "EXEC", "B: SET a 3", "MULTI", "PING", "EXEC", "WATCH a",
                "B: SET a 4", "MULTI", "DISCARD", "MULTI", "PING", "EXEC", "WATCH a a none", "SET a 5", "MULTI", "PING",
                "EXEC", "WATCH a", "B: SET a 6", "MULTI", "BOGUS", "EXEC", "MULTI",
                "PING", "EXEC", "WATCH", "UNWATCH x", "WATCH a", "MULTI", "SET a 7", "UNWATCH", "EXEC", "GET a",
                "WATCH none", "B: SET none 1", "MULTI", "PING", "EXEC", "WATCH a", "SELECT 1", "SET a 1",
                "MULTI", "PING", "EXEC", "SELECT 0", "WATCH a", "B: SELECT 1", "B: SET a 9", "MULTI", "PING", "EXEC",
                "WATCH a", "RESET", "PING",
            ], versions: [2])
    }

    @Test func `random transactions of two clients behave alike`() throws {
        let keys = ["a", "b"]
        try compareRandomly { random in
            let who = random.pick(["A", "B"])
            let key = random.pick(keys)
            let command: String
            switch random.below(14) {
            case 0, 1: command = "MULTI"
            case 2, 3: command = "EXEC"
            case 4: command = random.oneIn(3) ? "DISCARD" : "UNWATCH"
            case 5, 6: command = "WATCH \(key)"
            case 7: command = random.oneIn(3) ? "BOGUS" : "GET"
            case 8: command = "INCR \(key)"
            case 9: command = "LPUSH \(key) x"
            case 10: command = "DEL \(key)"
            case 11: command = random.oneIn(4) ? "SWAPDB 0 1" : "SELECT \(random.below(2))"
            default: command = "SET \(key) \(random.below(9))"
            }
            return Step("\(who): \(command)")
        }
    }
}
