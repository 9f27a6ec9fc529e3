import RDBWire
import RESPWire

/// The libraries of functions that were loaded into a cache, and the state of Lua in which they live.
final class FunctionLibraries {
    struct Function {
        var name: [UInt8]
        var flags: Shebang.Flags
        var description: [UInt8]?
        /// What the engine knows it by.
        var key: [UInt8]
    }

    struct Library {
        var name: [UInt8]
        var code: [UInt8]
        var functions: [Function]
        /// With which the keys of its functions begin.
        var prefix: [UInt8]
    }

    /// What to do with libraries that are there when others are restored.
    enum Policy {
        case flush
        case append
        case replace
    }

    /// In the words that a client is answered.
    struct Refusal: Error {
        var text: [UInt8]

        init(_ text: String, _ quoted: [UInt8] = [], _ end: String = "") {
            self.text = Array("ERR \(text)".utf8) + quoted + Array(end.utf8)
        }
    }

    /// In the order in which they were loaded.
    private(set) var libraries: [Library] = []
    /// By name, letters folded.
    private var functions: [[UInt8]: Function] = [:]
    private let engine: ScriptEngine
    private var lastNumber = 0

    init(_ emulator: CacheEmulator) {
        engine = ScriptEngine(emulator, isForFunctions: true)
    }

    var memory: Int { engine.memory }
    var functionCount: Int { functions.count }

    func find(_ name: Bytes) -> Function? { functions[Self.folded(name.array)] }

    func run(
        _ function: Function, keys: Range<Int>, isReadOnly: Bool, ignoresMemory: Bool, for call: borrowing Call
    ) {
        engine.run(
            function.key, named: function.name, keys: keys, isReadOnly: isReadOnly, ignoresMemory: ignoresMemory,
            for: call)
    }

    /// Loads a library; returns its name.
    func load(_ code: [UInt8], replaces: Bool) throws(Refusal) -> [UInt8] {
        let (name, source) = try Self.header(code)
        if !replaces, libraries.contains(where: { $0.name == name }) {
            throw Refusal("Library '", name, "' already exists")
        }
        let library = try compile(name, code, from: source)
        try keep(libraries.filter { $0.name != name } + [library], new: [library])
        return name
    }

    func delete(_ name: [UInt8]) -> Bool {
        guard let index = libraries.firstIndex(where: { $0.name == name }) else { return false }
        engine.forget(libraries.remove(at: index).prefix)
        reindex()
        return true
    }

    func removeAll() {
        libraries = []
        functions = [:]
        engine.removeAll()
    }

    // MARK: all libraries in one payload

    func dump() throws(RDBError) -> [UInt8] {
        var payload: [UInt8] = []
        for library in libraries {
            var encoder = RDBEncoder()
            // A string behind its type, which is that of a library here.
            payload.append(Self.libraryType)
            payload += try encoder.encode(.string(library.code)).dropFirst()
        }
        DumpPayload.seal(&payload)
        return payload
    }

    func restore(_ payload: [UInt8], _ policy: Policy) throws(Refusal) {
        let codes: [[UInt8]]
        do throws(RDBError) {
            codes = try Self.codes(in: payload)
        } catch {
            // A key's value, most likely.
            let isOther =
                (try? DumpPayload.open(payload)).map { $0.first.map { $0 != Self.libraryType } ?? false } ?? false
            throw Refusal(isOther ? "given type is not a function" : "DUMP payload version or checksum are wrong")
        }
        var new: [Library] = []
        var kept = policy == .flush ? [] : libraries
        do throws(Refusal) {
            for code in codes {
                let (name, source) = try Self.header(code)
                if policy == .replace { kept.removeAll { $0.name == name } }
                if (kept + new).contains(where: { $0.name == name }) {
                    throw Refusal("Library ", name, " already exists")
                }
                new.append(try compile(name, code, from: source))
            }
        } catch {
            for library in new { engine.forget(library.prefix) }
            throw error
        }
        try keep(kept + new, new: new)
    }

    /// RDB_OPCODE_FUNCTION2
    private static let libraryType: UInt8 = 245

    private static func codes(in payload: [UInt8]) throws(RDBError) -> [[UInt8]] {
        // A whole file of which these are the items; its checksum is not looked at where it is 0.
        let file = Array("REDIS0010".utf8) + (try DumpPayload.open(payload)) + [255] + [UInt8](repeating: 0, count: 8)
        var read = 0
        var reader = RDBReader(totalLength: file.count) { (buffer) throws(RDBError) in
            let count = min(buffer.count, file.count - read)
            buffer.copyBytes(from: file[read..<read + count])
            read += count
            return count
        }
        var codes: [[UInt8]] = []
        while true {
            switch try reader.next() {
            case .function(let code): codes.append(code)
            case .end: return codes
            default: throw RDBError.unusableDump
            }
        }
    }

    // MARK: parts

    /// The name in a library's first line, and where that line ends.
    private static func header(_ code: [UInt8]) throws(Refusal) -> (name: [UInt8], end: Int) {
        guard code.starts(with: "#!".utf8) else { throw Refusal("Missing library metadata") }
        guard let end = code.firstIndex(of: UInt8(ascii: "\n")),
            let words = code.withUnsafeBytes({ Shebang.words($0[..<end]) })
        else { throw Refusal("Invalid library metadata") }
        var name: [UInt8]?
        for word in words.dropFirst() {
            guard folded(Array(word.prefix(5))) == Array("name=".utf8) else {
                throw Refusal("Invalid metadata value given: ", word)
            }
            guard name == nil else {
                throw Refusal("Invalid metadata value, name argument was given multiple times")
            }
            name = Array(word.dropFirst(5))
        }
        guard let name else { throw Refusal("Library name was not given") }
        guard isName(name) else {
            throw Refusal(
                "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
            )
        }
        let engine = Array(words[0].dropFirst(2))
        guard folded(engine) == Array("lua".utf8) else { throw Refusal("Engine '", engine, "' not found") }
        return (name, end)
    }

    private static func isName(_ name: [UInt8]) -> Bool {
        !name.isEmpty
            && name.allSatisfy { byte in
                let folded = Bytes.folded(byte)
                return (0x61...0x7a).contains(folded) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "_")
            }
    }

    private func compile(_ name: [UInt8], _ code: [UInt8], from end: Int) throws(Refusal) -> Library {
        lastNumber += 1
        let prefix = Array("\(lastNumber):".utf8)
        let loaded = code.withBytes { engine.loadLibrary($0.slice(end, code.count - end), under: prefix) }
        switch loaded {
        case .refused(let words):
            engine.forget(prefix)
            throw Refusal("", words)
        case .loaded(let functions):
            guard !functions.isEmpty else { throw Refusal("No functions registered") }
            return Library(name: name, code: code, functions: functions, prefix: prefix)
        }
    }

    /// From now on these are the libraries, some of them new; nothing changes where two functions have one name.
    private func keep(_ all: [Library], new: [Library]) throws(Refusal) {
        for library in new {
            let others = all.filter { $0.prefix != library.prefix }.flatMap(\.functions)
            for function in library.functions
            where others.contains(where: { Self.folded($0.name) == Self.folded(function.name) }) {
                for library in new { engine.forget(library.prefix) }
                throw Refusal("Function ", function.name, " already exists")
            }
        }
        for library in libraries where !all.contains(where: { $0.prefix == library.prefix }) {
            engine.forget(library.prefix)
        }
        libraries = all
        reindex()
    }

    private func reindex() {
        functions = [:]
        for function in libraries.flatMap(\.functions) { functions[Self.folded(function.name)] = function }
    }

    private static func folded(_ name: [UInt8]) -> [UInt8] { name.map { Bytes.folded($0) } }
}
