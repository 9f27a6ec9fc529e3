import FuzzLines

@testable import CacheEmulator

/// A session of several clients: no crash, one well-formed reply to each command, and a keyspace that holds together.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCacheEmulator(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let session = CacheSessionScript()
    session.play(Array(UnsafeBufferPointer(start: start, count: count)))
    session.check()
    return 0
}

@_cdecl("LLVMFuzzerCustomMutator")
public func mutateCacheSession(
    _ place: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int, _ seed: UInt32
) -> Int {
    mutator.mutate(place, size, capacity, seed: seed)
}

private let mutator = LineMutator(
    beginnings: CommandTable.shared.commands.filter { !$0.flags.contains(.refused) }.map { "\($0.name)" }
        + ["@client 1", "@client 2", "@gone", "@pass 1", "@pass 500", "@pass 100000", "@snapshot", "@drop"],
    words: [
        "a", "b", "c", "d", "{a}1", "{a}2", "m1", "m2", "w1", "w2", "w3", "x", "y", "\"\"", "\"\\x00\\xff\"", "*", "a*",
        "0", "1", "2", "3", "4", "5", "7", "10", "17", "63", "64", "100", "128", "512", "-1", "-2", "-5", "-100",
        "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1700000000000", "1700000100", "1.5",
        "-0.0", "1e308", "inf", "-inf", "nan", "(1", "[a", "(m1", "-", "+", "~40", "~65", "~300", "~5000", "~w5",
        "~w140", "~w600", "~p3", "~p140", "~n20", "~n600", "nx", "xx", "gt", "lt", "ch", "incr", "get", "ex", "px",
        "exat", "pxat", "keepttl", "persist", "limit", "count", "match", "type", "withscores", "withvalues", "weights",
        "aggregate", "sum", "min", "max", "byscore", "bylex", "rev", "rank", "maxlen", "left", "right", "before",
        "after", "replace", "db", "absttl", "idletime", "freq", "and", "or", "xor", "not", "byte", "bit", "set",
        "incrby", "overflow", "wrap", "sat", "fail", "u8", "i16", "u63", "i64", "#1", "idx", "len", "minmatchlen",
        "withmatchlen", "encoding", "usage", "help", "getkeys", "docs", "list", "info", "resetstat", "channels",
        "numsub", "ch1", "ch*", "list", "string", "hash", "zset", "async", "stream", "1-1", "5-0", "$", ">", "g1", "c1",
        "mkstream", "streams", "block", "group", "noack", "~", "=", "minid", "entriesread", "force", "justid", "idle",
        "time", "retrycount", "xx", "m", "km", "ft", "withcoord", "withdist", "withhash", "asc", "desc", "frommember",
        "fromlonlat", "byradius", "bybox", "storedist", "13.361389", "38.115556", "alpha", "by", "nosort", "w*",
        "\"return redis.call('get',KEYS[1])\"", "\"return {KEYS[1],ARGV[1],1.5,false,{ok='x'}}\"",
        "\"return redis.pcall(unpack(ARGV))\"", "\"#!lua name=l\\nredis.register_function('f',redis.pcall)\"", "flags",
        "load", "exists", "flush", "dump", "delete", "append", "f", "l", "bcast", "optin", "optout", "noloop", "prefix",
        "setuser", "getuser", "u1", ">secret", "on", "off", "+@all", "-@dangerous", "~*", "&*", "nopass", "reset",
    ])
