import BrokerModel
import Processes
import ReplicationWire
import Synchronization
import TestKit

@testable import ServerProviders

/// Random commands that write, of all types, in several databases.
struct RandomWriter {
    private var random: SeededRandom
    private let databases: [Int]

    init(seed: UInt64, databases: [Int] = [0, 3, 15]) {
        random = SeededRandom(seed: seed)
        self.databases = databases
    }

    static let function = """
        #!lua name=lib
        redis.register_function('touch', function(keys, args) return redis.call('APPEND', keys[1], args[1]) end)
        """

    /// `count` commands, one behind the other.
    mutating func commands(_ count: Int) -> (bytes: [UInt8], count: Int) {
        var bytes: [UInt8] = []
        var written = 0
        while written < count {
            for words in random.oneIn(12) ? transaction() : [next()] {
                bytes += ReplicatedCommand(words.map { Array($0.utf8) }).bytes
                written += 1
            }
        }
        return (bytes, written)
    }

    private mutating func transaction() -> [[String]] {
        [["MULTI"]] + (0..<3).map { _ in next() } + [["EXEC"]]
    }

    private mutating func key(_ kind: String) -> String { "\(kind):\(random.below(40))" }

    private mutating func value() -> String {
        random.oneIn(20)
            ? String(repeating: "long \(random.below(1000)) ", count: 1 + random.below(2000)) : "v\(random.below(1000))"
    }

    private mutating func next() -> [String] {
        switch random.below(30) {
        case 0: ["SELECT", "\(random.pick(databases))"]
        case 1: ["SET", key("string"), value()]
        // Nothing else is done with these: a target whose clock has passed an expiry no longer has the key.
        case 2: ["SET", key("brief"), value(), "PX", "\(1 + random.below(20))"]
        case 3: ["INCRBY", key("int"), "\(random.below(1000) - 500)"]
        case 4: ["INCRBYFLOAT", key("float"), "\(Double(random.below(1000)) / 7)"]
        case 5: ["APPEND", key("string"), value()]
        case 6: ["RPUSH", key("list")] + (0..<random.below(30) + 1).map { _ in value() }
        case 7: ["LPOP", key("list"), "3"]
        case 8: ["LMOVE", key("list"), key("list"), "LEFT", "RIGHT"]
        case 9: ["SADD", key("set")] + (0..<random.below(60) + 1).map { _ in value() }
        case 10: ["SADD", key("ints")] + (0..<random.below(60) + 1).map { _ in "\(random.below(100_000))" }
        case 11: ["SPOP", key("set"), "2"]
        case 12: ["SPOP", key("ints")]
        case 13: ["HSET", key("hash")] + (0..<random.below(80) + 1).flatMap { _ in [value(), value()] }
        case 14: ["HINCRBYFLOAT", key("hashfloat"), "f\(random.below(3))", "0.3"]
        case 15: ["HDEL", key("hash"), value(), value()]
        case 16: ["ZADD", key("zset")] + (0..<random.below(80) + 1).flatMap { _ in ["\(random.below(99))", value()] }
        case 17: ["ZPOPMIN", key("zset"), "2"]
        case 18: ["ZUNIONSTORE", key("zset"), "2", key("zset"), key("zset")]
        case 19, 20: ["XADD", key("stream"), "*", "field", value(), "other", value()]
        case 21: ["XGROUP", "CREATE", key("stream"), "group\(random.below(2))", "0", "MKSTREAM"]
        case 22:
            [
                "XREADGROUP", "GROUP", "group\(random.below(2))", "reader\(random.below(3))", "COUNT", "4", "STREAMS",
                key("stream"), ">",
            ]
        case 23: ["XAUTOCLAIM", key("stream"), "group\(random.below(2))", "reader\(random.below(3))", "0", "0"]
        case 24: ["XTRIM", key("stream"), "MAXLEN", "\(random.below(50))"]
        case 25: ["EXPIRE", key("string"), "\(random.oneIn(3) ? 0 : 1000 + random.below(1000))"]
        case 26: ["DEL", key(random.pick(["string", "list", "set", "zset", "hash", "stream"]))]
        case 27:
            [
                "EVAL",
                "redis.call('SET', KEYS[1], redis.call('TIME')[2]); redis.call('EXPIRE', KEYS[1], 100); "
                    + "return redis.call('SPOP', KEYS[2])",
                "2", key("string"), key("set"),
            ]
        case 28: ["FCALL", "touch", "1", key("string"), value()]
        default: random.oneIn(40) ? ["FLUSHDB"] : ["COPY", key("hash"), key("hash"), "DB", "3", "REPLACE"]
        }
    }
}

/// Goes on writing to a server from a thread of its own, until it is stopped.
final class BusyWriter: Sendable {
    private let worker = WorkerThread()
    private let isStopped = Mutex(false)
    private let written = Mutex(0)

    /// Begins; the caller stops it.
    init(_ server: CopyServer, seed: UInt64, databases: [Int] = [0, 3, 15]) {
        worker.start { [self] in
            guard let connection = try? RedisConnection(server, Interruption()) else { return }
            var writer = RandomWriter(seed: seed, databases: databases)
            try? connection.select(databases[0])
            while !isStopped.withLock({ $0 }) {
                let commands = writer.commands(50)
                guard (try? connection.ask(commands.bytes, count: commands.count)) != nil else { return }
                written.withLock { $0 += commands.count }
            }
        }
    }

    /// Commands that were answered.
    var count: Int { written.withLock { $0 } }

    func stop() async {
        isStopped.withLock { $0 = true }
        await worker.stop()
    }
}
