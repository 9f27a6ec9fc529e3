import CacheEmulator
import FuzzClient

/// Any bytes as what a script hands to the libraries and to `redis.*`, and takes back from them: no crash, and one
/// well-formed reply.
///
/// The first byte chooses the script, the next one the version of the protocol; the rest are its arguments, apart by zeros.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzScripts(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 2 else { return 0 }
    let input = UnsafeBufferPointer(start: start, count: count)
    let script = scripts[Int(input[0]) % scripts.count]
    let arguments = input[2...].split(separator: 0, omittingEmptySubsequences: false).map { Array($0) }
    guard !arguments.contains(where: asksForMuch) else { return 0 }
    let emulator = CacheEmulator(loop: loop)
    let front = ScriptFront()
    let client = ClientAtHand(id: 1, emulator, front)
    client.client.version = input[1] & 1 == 0 ? 2 : 3
    let words = ["EVAL", script, "1", "k"].map { Array($0.utf8) }
    _ = client.ask(words + arguments, emulator)
    _ = client.ask("FLUSHALL", emulator)
    emulator.clientGone(client.client)
    return 0
}

private let loop = ManualLoop()

private let scripts = [
    "return cjson.encode(cjson.decode(ARGV[1]))", "return cjson.decode(ARGV[1])",
    "return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))", "return {cmsgpack.unpack(ARGV[1])}",
    "return {cmsgpack.unpack_limit(ARGV[1], 2, tonumber(ARGV[2]) or 0)}",
    "return {struct.unpack(ARGV[1], ARGV[2], tonumber(ARGV[3]) or 1)}",
    "return struct.pack(ARGV[1], ARGV[2], ARGV[3], ARGV[4])", "return struct.size(ARGV[1])",
    "return {redis.pcall(unpack(ARGV))}", "redis.setresp(3); return redis.call(unpack(ARGV))",
    "return redis.status_reply(ARGV[1])", "return redis.error_reply(ARGV[1])", "return {err = ARGV[1], ok = ARGV[2]}",
    "return redis.sha1hex(ARGV[1]) .. tostring(redis.log(redis.LOG_NOTICE, ARGV[1]))",
    "local n = tonumber(ARGV[1]) or 0; return bit.tohex(bit.bxor(n, bit.rol(n, tonumber(ARGV[2]) or 0)))",
    "return {tonumber(ARGV[1]), {double = tonumber(ARGV[1]) or 0}, {big_number = ARGV[1]}, {map = {[ARGV[1]] = ARGV[2]}}}",
    "return string.format(ARGV[1], ARGV[2], ARGV[3])",
    "return {pcall(string.gsub, ARGV[1]:sub(1, 40), ARGV[2]:sub(1, 8), ARGV[3])}",
]

/// Numbers that Redis allows too and that cost hundreds of megabytes or minutes: offsets, widths, repetitions.
private func asksForMuch(_ argument: [UInt8]) -> Bool {
    var digits = 0
    for byte in argument {
        digits = (48...57).contains(byte) ? digits + 1 : 0
        if digits > 5 { return true }
    }
    return false
}
