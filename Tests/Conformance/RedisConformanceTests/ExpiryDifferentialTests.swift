import Testing

@Suite(.comparedWithRedis)
struct ExpiryDifferentialTests {
    @Test(arguments: ["EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"])
    func `expiry commands check their arguments as Redis does`(_ command: String) throws {
        let arguments = [
            "", " a", " none 10", " a x", " a 9223372036854775807", " a -9223372036854775808", " a 9223372036854775",
            " a 9223372036854776",
            " a 9223372036854775808", " a 10 BOGUS", " a 10 NX XX", " a 10 NX GT", " a 10 NX LT", " a 10 GT LT",
            " a 10 XX GT LT", " a 10 nx nx", " none 10 GT LT",
            " none x", " a x GT LT", " a x BOGUS", " none 9223372036854775807", " a 10 \"\"",
        ]
        try compare(
            arguments.flatMap { [Step("SET a 1"), Step(command + $0), .approximately("PEXPIRETIME a", by: 5000)] })
    }

    @Test func `the latest of all times is a time`() throws {
        try compare([
            "SET k v PXAT 9223372036854775807", "EXPIRETIME k", "PEXPIRETIME k", "PERSIST k", "EXPIRETIME k",
            "PEXPIREAT k 9223372036854775807", "EXPIRETIME k", "PEXPIREAT k 9223372036854775500", "EXPIRETIME k",
            "EXPIREAT k 9223372036854775", "EXPIRETIME k", "EXPIREAT k 9223372036854775807",
            "EXPIREAT k 9223372036854776",
            "PEXPIREAT k 4102444800499", "EXPIRETIME k", "PEXPIREAT k 4102444800500", "EXPIRETIME k",
        ])
    }

    @Test func `NX, XX, GT and LT compare with no expiry as with an infinite one`() throws {
        var steps: [Step] = []
        for before in ["", " EXAT 4102444800"] {
            for option in ["NX", "XX", "GT", "LT", "XX GT", "XX LT"] {
                for time in ["4102444799", "4102444800", "4102444801"] {
                    steps += [Step("SET a 1\(before)"), Step("EXPIREAT a \(time) \(option)"), "EXPIRETIME a"]
                }
            }
        }
        try compare(steps)
    }

    @Test func `a time in the past deletes at once`() throws {
        for command in [
            "EXPIRE a -1", "EXPIRE a 0", "PEXPIRE a 0", "PEXPIRE a -5", "EXPIREAT a 1", "PEXPIREAT a 1", "EXPIREAT a 0",
            "EXPIREAT a -1",
        ] {
            try compare(["SET a 1", Step(command), "EXISTS a", "TTL a", "DBSIZE"])
            try compare([
                "SET a 1", Step(command + " GT"), "EXISTS a", Step(command + " LT"), "EXISTS a", "SET a 1",
                Step(command + " XX"), "EXISTS a",
            ])
        }
    }

    @Test func `the time that is left is told in all units`() throws {
        try compare([
            "TTL none", "PTTL none", "EXPIRETIME none", "PEXPIRETIME none", "SET a 1", "TTL a", "PTTL a",
            "EXPIRETIME a", "PEXPIRETIME a", "EXPIREAT a 4102444800",
            .approximately("TTL a", by: 2), .approximately("PTTL a", by: 2000), "EXPIRETIME a", "PEXPIRETIME a",
            "PEXPIREAT a 4102444800999", "EXPIRETIME a", "PEXPIRETIME a",
            "PERSIST a", "PERSIST a", "PERSIST none", "TTL a", "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST",
            "EXPIRE a 100", .approximately("TTL a", by: 1),
            "PEXPIRE a 100000", .approximately("PTTL a", by: 2000), "PEXPIRE a 1499999", .approximately("TTL a", by: 2),
            "PEXPIREAT a 4102444800500", "EXPIRETIME a",
        ])
    }

    @Test func `a key whose time is over is gone for every command`() throws {
        try compare(
            expired + [
                "GET a", "EXISTS a l h s z", "TYPE a", "TTL a", "RPUSH l 2", "LRANGE l 0 -1", "TTL l", "HSET h g w",
                "HGETALL h", "SADD s 2", "SMEMBERS s", "KEYS a",
                "RENAME a b", "SET a 1 XX", "SET a 1 NX", "PERSIST z", "ZCARD z", "RANDOMKEY x",
            ])
        try compare(
            expired + [
                "SETNX a 5", "GET a", "INCR l", "APPEND h x", "MSETNX s 1 z 2", "MGET s z", "COPY a l", "GETSET s 2",
                "SMOVE z a x",
            ])
        try compare(expired + ["KEYS *", .sorted("SCAN 0 COUNT 100"), "RANDOMKEY", "SUNION s l", "DEL a l h s z"])
        try compare(
            expired + [
                "COPY a b", "MOVE a 1", "RENAMENX a b", "GETDEL a", "GETEX a", "EXPIRE a 10", "PERSIST a",
                "OBJECT ENCODING a", "UNLINK a", "TOUCH a", "STRLEN a", "BITCOUNT a",
            ])
    }

    /// Keys of every type whose time is over when the next command comes; nobody has looked at them since.
    private var expired: [Step] {
        [
            "SET a 1", "RPUSH l 1", "HSET h f v", "SADD s 1", "ZADD z 1 m", "PEXPIRE l 1", "PEXPIRE h 1", "PEXPIRE s 1",
            "PEXPIRE z 1", "PEXPIRE a 1", .until("EXISTS a", "(integer) 0"),
        ]
    }

    @Test func `expiry of a watched key makes EXEC fail`() throws {
        try compare(["SET a 1 PX 40", "WATCH a", .until("EXISTS a", "(integer) 0"), "MULTI", "PING", "EXEC"])
        try compare(["SET a 1 PX 1", .until("EXISTS a", "(integer) 0"), "WATCH a", "MULTI", "PING", "EXEC"])
        try compare(["SET a 1 PX 1", .until("EXISTS a", "(integer) 0"), "WATCH a", "SET a 2", "MULTI", "PING", "EXEC"])
    }

    @Test func `expired keys are taken out though nobody asks for them`() throws {
        try compare([
            "SET keep 1", "SET a 1 PX 1", "SET b 1 PX 1", "SET c 1 PX 1", .until("DBSIZE", "(integer) 1"), "KEYS *",
        ])
    }
}
