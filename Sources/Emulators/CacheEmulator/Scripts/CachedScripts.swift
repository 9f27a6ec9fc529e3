import CLua
import RESPWire

/// The scripts that were sent to a cache, by their digests, and the state of Lua that they are compiled in.
///
/// Redis 7.0 keeps all until SCRIPT FLUSH. Here those that were only ever sent whole, as apps do that write values into
/// the text, are forgotten from the oldest on once they take a quarter of the memory: who sends one again does not
/// notice. A script that SCRIPT LOAD has brought, or that was called by its digest, stays.
final class CachedScripts {
    private struct Script {
        var flags: Shebang.Flags?
        /// As it was sent, for another server.
        var text: [UInt8]
        /// What it takes compiled, about.
        var memory: Int
        /// Somebody counts on its digest.
        var isLasting: Bool
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
    /// The digests of those that do not last, from the oldest on, with some that do by now; how many of them are gone,
    /// and what those that are there take.
    private var passing: [[UInt8]] = []
    private var gone = 0
    private var passingMemory = 0

    private static let mostPassing = ScriptEngine.memoryLimit / 4

    init(_ emulator: CacheEmulator) {
        engine = ScriptEngine(emulator)
    }

    var count: Int { scripts.count }
    /// Of those on which somebody counts: the others are sent again whole.
    var lastingTexts: [[UInt8]] { scripts.values.lazy.filter(\.isLasting).map(\.text) }
    var memory: Int { engine.memory }

    func contains(_ digest: Bytes) -> Bool { scripts[Self.folded(digest)] != nil }

    /// The script with this digest, or nil. From now on it stays.
    func find(_ digest: Bytes) -> Found? {
        let digest = Self.folded(digest)
        return scripts[digest].map { known in
            if !known.isLasting { keep(digest) }
            return .script(digest: digest, flags: known.flags)
        }
    }

    /// A script by its text, compiled when it is new.
    ///
    /// - Parameter isLasting: whether it stays until all are forgotten.
    func load(_ body: Bytes, isLasting: Bool) -> Found {
        let digest = Self.digest(of: body)
        if let known = scripts[digest] {
            if isLasting, !known.isLasting { keep(digest) }
            return .script(digest: digest, flags: known.flags)
        }
        let shebang: Shebang
        switch Shebang.read(body) {
        case .read(let found): shebang = found
        case .refused(let text): return .refused(text)
        }
        let source = body.slice(shebang.length, body.count - shebang.length)
        let before = engine.memory
        var problem = engine.load(source, named: digest)
        if problem == ScriptEngine.notEnoughMemory {
            forget(downTo: 0)
            engine.collect()
            problem = engine.load(source, named: digest)
        }
        // Better than to refuse every new script from here on.
        if problem == ScriptEngine.notEnoughMemory, engine.memory > ScriptEngine.memoryLimit / 2 {
            removeAll()
            problem = engine.load(source, named: digest)
        }
        if let problem {
            return .refused(Array("ERR Error compiling script (new function): ".utf8) + problem)
        }
        // Garbage may have gone meanwhile.
        let memory = max(engine.memory - before, body.count)
        scripts[digest] = Script(flags: shebang.flags, text: body.array, memory: memory, isLasting: isLasting)
        size += body.count
        if !isLasting {
            // The new one itself stays, however large it is.
            forget(downTo: max(Self.mostPassing - memory, 0))
            passing.append(digest)
            passingMemory += memory
        }
        return .script(digest: digest, flags: shebang.flags)
    }

    private func keep(_ digest: [UInt8]) {
        scripts[digest]?.isLasting = true
        passingMemory -= scripts[digest]?.memory ?? 0
    }

    /// Forgets the oldest that do not last, until these take no more than so many bytes.
    private func forget(downTo most: Int) {
        while passingMemory > most, gone < passing.count {
            let digest = passing[gone]
            gone += 1
            guard let script = scripts[digest], !script.isLasting else { continue }
            scripts[digest] = nil
            size -= script.text.count
            passingMemory -= script.memory
            engine.drop(digest)
        }
        guard gone > passing.count / 2 else { return }
        passing.removeFirst(gone)
        gone = 0
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
        (passing, gone, passingMemory) = ([], 0, 0)
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
