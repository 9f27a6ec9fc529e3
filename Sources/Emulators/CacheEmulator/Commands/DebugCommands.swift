import EventLoop
import RESPWire

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What the tests of clients ask of a server. Refused where `CacheEmulator.allowsDebug` is not set.
let debugCommands: [Command] = [
    Command("debug", -2, [.admin, .noscript, .loading, .stale, .protected], body: Debug.run)
]

private enum Debug {
    /// As in Redis no container: what is not known is so to the body.
    static let run: CommandBody = { call in
        switch (call[1].text.lowercased(), call.count) {
        case ("help", 2): call.reply.help(HelpText.debug)
        case ("sleep", 3):
            let seconds = call[2].double ?? 0
            guard call.emulator.maySleep(seconds) else { return call.reply.error(ErrorText.sleepsTooLong) }
            sleep(seconds)
            call.reply.ok()
        case ("set-active-expire", 3):
            call.emulator.looksForExpired = (call[2].integer ?? 0) != 0
            call.reply.ok()
        case ("object", 3): describe(call)
        case ("error", 3): call.reply.error(call[2].array)
        case ("protocol", 3): showType(call)
        case ("quicklist-packed-threshold", 3):
            // As a list's payload is cut: it is kept in chunks whatever this is.
            guard let size = Configuration.Kind.memory(call[2].text), size >= 0, size <= 4 << 30 else {
                return call.reply.error(ErrorText.packedThreshold)
            }
            call.emulator.memory.packing.listPlainBytes = size == 0 ? PackingLimits.longest : Int(size)
            call.reply.ok()
        case ("digest", 2): DebugData.digest(call)
        case ("digest-value", _): DebugData.digestValues(call)
        case ("populate", 3...5): DebugData.populate(call)
        case ("reload", _): DebugData.reload(call)
        case ("change-repl-id", 2):
            call.emulator.replication.changeID()
            call.reply.ok()
        case (let word, _) where refused.contains(word): call.reply.error(ErrorText.notDebugged, quoting: call[1])
        default: call.reply.error(ErrorText.wrongSubcommandArity("debug", call[1]))
        }
    }

    /// What Redis has besides: it would end the daemon of all resources, or tells of what is not here.
    private static let refused: Set<String> = [
        "aof-flush-sleep", "assert", "client-eviction", "clusterlink", "config-rewrite-force-all", "crash-and-recover",
        "drop-cluster-packet-filter", "htstats", "htstats-key", "leak", "listpack", "loadaof", "log", "mallctl",
        "mallctl-str", "oom", "panic", "pause-cron", "quicklist", "replicate", "replybuffer", "restart", "sdslen",
        "segfault", "set-skip-checksum-validation", "stringmatch-test", "structsize",
    ]

    /// Holds the loop, and with it all clients of this cache.
    private static func sleep(_ seconds: Double) {
        guard seconds > 0 else { return }
        var time = timespec()
        time.tv_sec = Int(seconds)
        time.tv_nsec = Int((seconds - seconds.rounded(.down)) * 1e9)
        var rest = timespec()
        while nanosleep(&time, &rest) == -1, errno == EINTR { time = rest }
    }

    /// A value in a few words.
    private static func describe(_ call: borrowing Call) {
        let database = call.database
        guard let entry = database.find(call[2], database.hash(call[2])) else {
            return call.reply.error(ErrorText.noSuchKey)
        }
        // Without the byte that names the type.
        let length = (try? database.payload(of: entry, by: call.emulator.payloadMaker).count - 1) ?? 0
        let idle = (UInt32(truncatingIfNeeded: call.now / 1000) & 0xff_ffff &- entry.access) & 0xff_ffff
        let address = String(UInt(bitPattern: entry.block), radix: 16)
        var text = """
            Value at:0x\(address) refcount:\(entry.referenceCount) encoding:\(entry.encodingName) \
            serializedlength:\(length) lru:\(entry.access) lru_seconds_idle:\(idle)
            """
        if entry.type == .list {
            let list = database.list(entry)
            let average = Double(list.count) / Double(max(list.chunkCount, 1))
            text += " ql_nodes:\(list.chunkCount) ql_avg_node:\(DoubleText.fixed(average, digits: 2))"
        }
        call.reply.simple(text)
    }

    private static func showType(_ call: borrowing Call) {
        let reply = call.reply
        switch call[2].text.lowercased() {
        case "string": reply.bulk("Hello World")
        case "integer": reply.integer(12345)
        case "double": reply.double(3.141)
        case "null": reply.null()
        case "array": numbers(call) { reply.array(3) }
        case "set": numbers(call) { reply.set(3) }
        case "map":
            reply.map(3)
            for number in 0..<3 {
                reply.integer(number)
                reply.boolean(number == 1)
            }
        case "bignum":
            let number: StaticString = "1234567999999999999999999999999999999"
            if reply.isVersion3 { call.write("(\(number)\r\n") } else { reply.bulk(number) }
        case "attrib":
            if reply.isVersion3 {
                call.write("|1\r\n")
                reply.bulk("key-popularity")
                reply.array(2)
                reply.bulk("key:123")
                reply.integer(90)
            }
            reply.bulk("Some real reply following the attribute")
        case "push":
            guard reply.isVersion3 else { return reply.error(ErrorText.notInVersion2) }
            reply.push(2)
            reply.bulk("server-cpu-usage")
            reply.integer(42)
            reply.bulk("Some real reply following the push reply")
        case "verbatim": reply.verbatim("This is a verbatim\nstring")
        case "true": reply.boolean(true)
        case "false": reply.boolean(false)
        default: reply.error(ErrorText.protocolType)
        }
    }

    private static func numbers(_ call: borrowing Call, _ header: () -> Void) {
        header()
        for number in 0..<3 { call.reply.integer(number) }
    }
}

extension Call {
    fileprivate func write(_ text: String) { client.connection.output.append(text) }
}

extension Entry {
    /// Redis shares its objects for the numbers below 10,000 and says so with the largest count.
    var referenceCount: Int {
        let isShared =
            type == .string && encoding == Database.StringEncoding.integer && (0..<10_000).contains(integer)
        return isShared ? Int(Int32.max) : 1
    }
}

extension CacheEmulator {
    /// In seconds: the control plane, and other resources of the loop, wait as long.
    private static let longestSleep = 10.0

    /// Counts what DEBUG SLEEP takes of one turn of the loop: many of them are not more than one.
    fileprivate func maySleep(_ seconds: Double) -> Bool {
        if slept.turn != loop.now { slept = (loop.now, 0) }
        guard slept.seconds + seconds <= Self.longestSleep else { return false }
        slept.seconds += max(seconds, 0)
        return true
    }
}
