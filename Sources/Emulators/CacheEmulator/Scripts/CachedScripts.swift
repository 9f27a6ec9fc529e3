import CLua
import RESPWire

/// The scripts that were sent to a cache, by their digests, and the state of Lua that they are compiled in.
final class CachedScripts {
    private struct Script {
        var flags: Shebang.Flags?
        /// As it was sent, for another server.
        var text: [UInt8]
    }

    /// Where a script is, or why there is none.
    enum Found {
        case script(digest: [UInt8], flags: Shebang.Flags?)
        /// An error for the client.
        case refused([UInt8])
    }

    private let engine: ScriptEngine
    private var scripts: [[UInt8]: Script] = [:]
    /// Bytes of all texts.
    private(set) var size = 0

    init(_ emulator: CacheEmulator) {
        engine = ScriptEngine(emulator)
    }

    var count: Int { scripts.count }
    var texts: [[UInt8]] { scripts.values.map(\.text) }
    var memory: Int { engine.memory }

    func contains(_ digest: Bytes) -> Bool { scripts[Self.folded(digest)] != nil }

    /// The script with this digest, or nil.
    func find(_ digest: Bytes) -> Found? {
        let digest = Self.folded(digest)
        return scripts[digest].map { .script(digest: digest, flags: $0.flags) }
    }

    /// A script by its text, compiled when it is new.
    func load(_ body: Bytes) -> Found {
        let digest = Self.digest(of: body)
        if let known = scripts[digest] { return .script(digest: digest, flags: known.flags) }
        let shebang: Shebang
        switch Shebang.read(body) {
        case .read(let found): shebang = found
        case .refused(let text): return .refused(text)
        }
        let source = body.slice(shebang.length, body.count - shebang.length)
        var problem = engine.load(source, named: digest)
        // Scripts that nobody sends again are never missed.
        if problem != nil, engine.memory > ScriptEngine.memoryLimit / 2 {
            removeAll()
            problem = engine.load(source, named: digest)
        }
        if let problem {
            return .refused(Array("ERR Error compiling script (new function): ".utf8) + problem)
        }
        scripts[digest] = Script(flags: shebang.flags, text: body.array)
        size += body.count
        return .script(digest: digest, flags: shebang.flags)
    }

    func run(
        _ digest: [UInt8], keys: Range<Int>, isReadOnly: Bool, ignoresMemory: Bool, for call: borrowing Call
    ) {
        engine.run(
            digest, named: digest, keys: keys, isReadOnly: isReadOnly, ignoresMemory: ignoresMemory, for: call)
    }

    func removeAll() {
        scripts = [:]
        size = 0
        engine.removeAll()
    }

    static func digest(of body: Bytes) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(CLUA_SHA1)) { digits, count in
            digits.withMemoryRebound(to: CChar.self) { clua_sha1(clua_bytes(body), $0.baseAddress) }
            count = Int(CLUA_SHA1)
        }
    }

    private static func folded(_ digest: Bytes) -> [UInt8] { digest.array.map { Bytes.folded($0) } }
}
