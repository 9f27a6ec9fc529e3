import CLua
import EventLoop
import RESPWire

/// A state of Lua with what it asks of the emulator: commands run by a client of its own, with the caller's database.
///
/// Made with the first script. Nothing here is called by Lua while it could leave by a jump: see `CLua.h`.
final class ScriptEngine {
    /// What the values of all scripts may take, in bytes; beyond it a script fails with "not enough memory".
    static let memoryLimit = 128 << 20
    static let notEnoughMemory = Array("not enough memory".utf8)

    private unowned let emulator: CacheEmulator
    private let front = NoFront()
    private var client: CacheClient
    /// Who has asked for the script that runs.
    private var caller: CacheClient?
    private var state: OpaquePointer?
    private let isForFunctions: Bool
    /// The running script may change nothing.
    private var isReadOnly = false
    /// It may not begin to write, for want of memory; one that has begun goes on.
    private var lacksMemory = false
    /// What errors call the running script, and whether it has run a command that writes.
    private var name: [UInt8] = []
    private var hasWritten = false

    init(_ emulator: CacheEmulator, isForFunctions: Bool = false) {
        self.emulator = emulator
        self.isForFunctions = isForFunctions
        client = Self.makeClient(front)
    }

    deinit {
        if let state { clua_close(state) }
    }

    private static func makeClient(_ front: any CacheFront) -> CacheClient {
        let connection = Connection(id: Connection.nextID(), pool: BufferPool(), peerAddress: "", localAddress: "")
        let client = CacheClient(connection: connection, id: 0, isAuthenticated: true, front: front)
        // As in a transaction: nothing waits.
        client.isExecuting = true
        return client
    }

    /// Bytes that the state takes.
    var memory: Int { state.map { Int(clua_memory($0)) } ?? 0 }

    /// Forgets all that was loaded.
    func removeAll() {
        if let state { clua_close(state) }
        state = nil
    }

    /// The state, made when it is missing; nil when there is no memory for it.
    private func open() -> OpaquePointer? {
        if let state { return state }
        let host = clua_host(
            context: Unmanaged.passUnretained(self).toOpaque(),
            call: { context, arguments, count, version, reply in
                guard let engine = ScriptEngine.of(context), let arguments, let reply else { return -1 }
                return engine.call(arguments, count, version, reply)
            },
            may_call: { context, arguments, count in
                guard let engine = ScriptEngine.of(context), let arguments else { return -1 }
                return engine.mayCall(arguments, count)
            },
            goes_on: { context, milliseconds in
                ScriptEngine.of(context)?.goesOn(milliseconds).map {
                    UnsafeRawPointer($0.utf8Start).assumingMemoryBound(to: CChar.self)
                }
            }, random: emulator.scriptRandom)
        state = clua_open(host, Self.memoryLimit, isForFunctions ? 1 : 0)
        return state
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> ScriptEngine? {
        context.map { Unmanaged<ScriptEngine>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: loading and running

    /// Compiles a script and keeps it under its name; the compiler's words when it is none.
    func load(_ body: Bytes, named name: [UInt8]) -> [UInt8]? {
        guard let state = open() else { return Self.notEnoughMemory }
        let result = name.withBytes { clua_load(state, clua_bytes(body), clua_bytes($0)) }
        return result == 0 ? nil : Array(UnsafeRawBufferPointer(clua_output(state)))
    }

    /// Forgets the script with this digest. Its memory comes back with the garbage.
    func drop(_ digest: [UInt8]) {
        if let state { digest.withBytes { clua_drop(state, clua_bytes($0)) } }
    }

    /// Frees what was forgotten.
    func collect() {
        if let state { clua_collect(state) }
    }

    enum Loaded {
        case loaded([FunctionLibraries.Function])
        /// The words of an error, without its type.
        case refused([UInt8])
    }

    /// Runs a library, which registers functions; they are kept under keys that begin with the prefix.
    func loadLibrary(_ body: Bytes, under prefix: [UInt8]) -> Loaded {
        guard let state = open() else { return .refused(Self.notEnoughMemory) }
        let result = prefix.withBytes { clua_load_library(state, clua_bytes(body), clua_bytes($0)) }
        let output = UnsafeRawBufferPointer(clua_output(state))
        guard result == 0 else { return .refused(Array(output)) }
        var functions: [FunctionLibraries.Function] = []
        var place = 0
        func word() -> [UInt8] {
            let count = Int(output.loadUnaligned(fromByteOffset: place, as: UInt32.self))
            defer { place += 4 + count }
            return Array(output[place + 4..<place + 4 + count])
        }
        while place < output.count {
            let flags = Shebang.Flags(rawValue: output[place])
            let isDescribed = output[place + 1] != 0
            place += 2
            let name = word()
            let description = word()
            functions.append(
                FunctionLibraries.Function(
                    name: name, flags: flags, description: isDescribed ? description : nil, key: prefix + name))
        }
        return .loaded(functions)
    }

    /// Forgets what was loaded under keys with this prefix.
    func forget(_ prefix: [UInt8]) {
        if let state { prefix.withBytes { clua_forget(state, clua_bytes($0)) } }
    }

    /// Runs what was loaded under a key, with the arguments of a call from `keys` on, and writes its reply. Failures
    /// call it by its name.
    func run(
        _ key: [UInt8], named name: [UInt8], keys: Range<Int>, isReadOnly: Bool, ignoresMemory: Bool,
        for call: borrowing Call
    ) {
        guard let state = open() else { return call.reply.error(ErrorText.notEnoughMemory) }
        client.database = call.client.database
        client.account = call.client.account
        caller = call.client
        (self.name, hasWritten) = (name, false)
        defer {
            client.account = .unnamed
            caller = nil
            if emulator.isBusy { emulator.longScript = nil }
        }
        self.isReadOnly = isReadOnly
        lacksMemory = emulator.isOutOfMemory && !ignoresMemory
        let (arguments, count, version) = (call.arguments, call.count, Int32(call.client.version))
        withBoth(key, name) { key, name in
            withUnsafeTemporaryAllocation(of: clua_bytes.self, capacity: count) { words in
                for index in keys.lowerBound..<count { words[index] = clua_bytes(arguments[index]) }
                guard let start = words.baseAddress else { return }
                var run = clua_run(
                    key: clua_bytes(key), name: clua_bytes(name), keys: start + keys.lowerBound, key_count: keys.count,
                    arguments: start + keys.upperBound, argument_count: count - keys.upperBound, version: version)
                clua_eval(state, &run)
            }
        }
        call.client.connection.output.append(UnsafeRawBufferPointer(clua_output(state)))
        client.connection.output.removeAll()
    }

    private func withBoth(_ first: [UInt8], _ second: [UInt8], _ body: (Bytes, Bytes) -> Void) {
        first.withBytes { first in second.withBytes { body(first, $0) } }
    }

    // MARK: what scripts ask

    private func call(
        _ words: UnsafePointer<clua_bytes>, _ count: Int, _ version: Int32, _ reply: UnsafeMutablePointer<clua_bytes>
    ) -> Int32 {
        withArguments(words, count) { arguments in
            let row: UnsafePointer<Command>
            switch find(arguments, count) {
            case .found(let found): row = found
            case .refused(let text):
                emulator.noteRefusalInScript(self.row(arguments, count), text)
                reply.pointee = clua_bytes(Bytes(text))
                return Int32(CLUA_REFUSED)
            }
            client.version = UInt8(version)
            let output = client.connection.output
            output.truncate(to: 0)
            let hash = count > 1 ? keyHash(arguments[1], seed: emulator.memory.seed) : 0
            emulator.call(row, arguments, count, hash, client)
            if output.hasOverflowed {
                let account = client.account
                client = Self.makeClient(front)
                client.account = account
                reply.pointee = clua_bytes(Bytes(ErrorText.replyTooLarge))
                return Int32(CLUA_REFUSED)
            }
            let bytes = output.readable
            reply.pointee = clua_bytes(bytes.baseAddress.map { Bytes(raw: $0, bytes.count) } ?? Bytes(""))
            return Int32(CLUA_REPLIED)
        }
    }

    private func mayCall(_ words: UnsafePointer<clua_bytes>, _ count: Int) -> Int32 {
        withArguments(words, count) { arguments in
            guard let row = row(arguments, count) else { return -1 }
            return emulator.denial(to: client, row, arguments, count) == nil ? 1 : 0
        }
    }

    /// Why the running script has to end, or nil.
    private func goesOn(_ milliseconds: Int64) -> StaticString? {
        emulator.reasonToEnd(
            LongScript(isFunction: isForFunctions, name: name, milliseconds: milliseconds, hasWritten: hasWritten))
    }

    private enum Lookup {
        case found(UnsafePointer<Command>)
        case refused(StaticString)
    }

    /// The row that a command of a script means, if a script may run it.
    private func find(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Lookup {
        guard let row = row(arguments, count) else { return .refused(ErrorText.unknownInScript) }
        let command = row.pointee
        guard emulator.hasRightArity(row, count) else { return .refused(ErrorText.wrongArityInScript) }
        guard !command.flags.contains(.noscript) else { return .refused(ErrorText.notInScript) }
        guard !command.flags.contains(.front) else { return .refused(ErrorText.noPermissionInScript) }
        if let denial = emulator.denial(to: client, row, arguments, count) {
            if let caller { emulator.note(denial, row, arguments, of: caller, .lua) }
            return .refused(ErrorText.deniedInScript(denial.reason))
        }
        if isReadOnly, command.isToldToReplicas {
            return .refused(ErrorText.writeInReadOnlyScript)
        }
        if lacksMemory, command.flags.contains(.denyOOM) { return .refused(ErrorText.outOfMemory) }
        if command.flags.contains(.write) {
            lacksMemory = false
            hasWritten = true
        }
        return .found(row)
    }

    /// The row that arguments mean: of a container, its subcommand's.
    private func row(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> UnsafePointer<Command>? {
        guard let index = emulator.table.index(of: arguments[0]) else { return nil }
        let row = emulator.table.row(index)
        guard count > 1, let subcommands = row.pointee.subcommands.baseAddress, !row.pointee.subcommands.isEmpty else {
            return row
        }
        if let place = row.pointee.subcommands.firstIndex(where: { arguments[1].isWord($0.name) }) {
            return subcommands + place
        }
        return row.pointee.arity < -1 ? nil : row
    }

    private func withArguments(
        _ words: UnsafePointer<clua_bytes>, _ count: Int, _ body: (UnsafeMutablePointer<Bytes>) -> Int32
    ) -> Int32 {
        withUnsafeTemporaryAllocation(of: Bytes.self, capacity: count) { place in
            let arguments = place.baseAddress.unsafelyUnwrapped
            for index in 0..<count {
                (arguments + index).initialize(to: Bytes(words[index].start, words[index].count))
            }
            return body(arguments)
        }
    }
}

extension clua_bytes {
    init(_ bytes: Bytes) {
        self.init(start: bytes.start, count: bytes.count)
    }
}

extension UnsafeRawBufferPointer {
    init(_ bytes: clua_bytes) {
        self.init(start: bytes.start, count: bytes.count)
    }
}
