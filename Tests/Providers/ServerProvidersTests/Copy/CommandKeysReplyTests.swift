import BrokerModel
import RESPWire
import ReplicationWire
import TestKit
import Testing

@testable import ServerProviders

/// What is read from COMMAND finds the keys that the server itself finds: COMMAND GETKEYS is the judge.
@Suite(.requires(.redisServer)) struct CommandKeysReplyTests {
    private static let requests = [
        "SET k v", "GETDEL k", "GETEX k PERSIST", "MSET a 1 b 2", "MSETNX a 1 b 2", "DEL a b c", "UNLINK a b",
        "RENAME a b", "RENAMENX a b", "COPY a b", "MOVE k 1", "RESTORE k 0 x", "EXPIRE k 1", "PERSIST k",
        "LPUSH k a b", "LMOVE a b LEFT RIGHT", "RPOPLPUSH a b", "BLMOVE a b LEFT RIGHT 0", "BRPOPLPUSH a b 0",
        "BLPOP a b c 0", "BRPOP a 0", "LMPOP 2 a b LEFT", "BLMPOP 0 2 a b LEFT", "ZMPOP 2 a b MIN",
        "BZMPOP 0 2 a b MIN", "BZPOPMIN a b 0", "SADD k a", "SMOVE a b m", "SINTERSTORE d a b", "SUNIONSTORE d a b",
        "SDIFFSTORE d a", "SPOP k", "HSET k f v", "HINCRBY k f 1", "ZADD k 1 m", "ZUNIONSTORE d 2 a b WEIGHTS 1 2",
        "ZINTERSTORE d 1 a", "ZDIFFSTORE d 2 a b", "ZRANGESTORE d a 0 -1", "ZREMRANGEBYRANK k 0 1",
        "GEOADD k 1 1 m", "GEOSEARCHSTORE d a FROMMEMBER m BYRADIUS 1 m", "GEORADIUS k 1 1 1 m STORE d",
        "GEORADIUSBYMEMBER k m 1 m STOREDIST d", "PFADD k a", "PFMERGE d a b", "PFCOUNT a b", "BITOP AND d a b",
        "BITFIELD k SET u8 0 1", "SETBIT k 1 1", "SETRANGE k 1 x", "APPEND k x", "INCRBYFLOAT k 1.5", "XADD k * f v",
        "XREADGROUP GROUP g c COUNT 1 STREAMS a b > >", "XACK k g 1-1", "XCLAIM k g c 0 1-1",
        "XAUTOCLAIM k g c 0 0", "XGROUP CREATE k g $", "XGROUP DESTROY k g", "XTRIM k MAXLEN 1", "XDEL k 1-1",
        "XSETID k 1-1", "EVAL code 2 a b arg", "EVALSHA sha 1 a", "FCALL f 2 a b", "SORT k STORE d",
        "SORT k BY w* DESC STORE d",
        "LINSERT k BEFORE a b", "LSET k 0 a", "LTRIM k 0 1", "HDEL k f", "SETEX k 1 v", "PSETEX k 1 v", "GETSET k v",
    ]

    @Test func `the keys of every way to name them are found`() async throws {
        try await RealServer.run(.redisServer) { server in
            let end = RedisEnd(
                CopyServer(
                    login: RedisLogin(place: .tcp(host: "127.0.0.1", port: server.port ?? 0), secret: nil), scope: .all,
                    name: "", isElsewhere: true))
            let found = try await end.ask { connection throws(BrokerError) in
                let keys = CommandKeys(try connection.ask("COMMAND"))
                var found: [(String, CommandKeys.Touched, Set<[UInt8]>)] = []
                for request in Self.requests {
                    let words = request.split(separator: " ").map { Array($0.utf8) }
                    let question = ReplicatedCommand([Array("COMMAND".utf8), Array("GETKEYS".utf8)] + words).bytes
                    guard case .array(let names)? = try connection.ask(question, count: 1).first else {
                        found.append((request, keys.touched(by: words), []))
                        continue
                    }
                    let expected = Set(names.compactMap { if case .bytes(let name) = $0 { name } else { nil } })
                    found.append((request, keys.touched(by: words), expected))
                }
                return found
            }
            await end.close()
            for (request, touched, expected) in found {
                switch touched {
                case .keys(let names), .keysOfScript(let names): #expect(Set(names) == expected, "\(request)")
                default: Issue.record("\(request): \(touched)")
                }
            }
        }
    }

    @Test func `every command that writes tells where its keys are, or counts for all of them`() async throws {
        try await RealServer.run(.redisServer) { server in
            let end = RedisEnd(
                CopyServer(
                    login: RedisLogin(place: .tcp(host: "127.0.0.1", port: server.port ?? 0), secret: nil), scope: .all,
                    name: "", isElsewhere: true))
            let everything = try await end.ask { connection throws(BrokerError) in
                let reply = try connection.ask("COMMAND")
                let keys = CommandKeys(reply)
                guard case .array(let commands) = reply else { return [String]() }
                return commands.compactMap { command -> String? in
                    guard case .array(let parts) = command, let name = parts[0].text else { return nil }
                    let words = [name, "1", "2", "3", "4", "5"].map { Array($0.utf8) }
                    return keys.touched(by: words) == .everything ? name : nil
                }.sorted()
            }
            await end.close()
            #expect(everything == ["flushall", "flushdb", "swapdb"])
        }
    }
}
