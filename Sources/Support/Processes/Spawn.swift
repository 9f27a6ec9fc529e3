#if os(Linux)
import CSpawn
#endif

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// posix_spawn(3), with nothing inherited but what the command names.
enum Spawn {
    /// Starts the program and returns its pid. Folder, program and files are checked here first, since posix_spawn
    /// reports every failure of the child as the program's.
    static func run(_ command: ProcessCommand) throws(SpawnError) -> pid_t {
        let path = try ProgramPath.resolve(command.program, path: command.environment["PATH"])
        if let folder = command.workingDirectory, access(folder, X_OK) != 0 {
            throw .failed(call: "enter", subject: folder, errno: errno)
        }
        var streams = Streams()
        defer { streams.close() }
        try streams.open(command)

        let words = [command.program] + command.arguments
        let environment = command.environment.map { "\($0.key)=\($0.value)" }
        var (pid, result) = spawn(path, words, environment, command, streams)
        if result == ENOEXEC {
            // A script without "#!": execvp(3) hands it to the shell.
            (pid, result) = spawn("/bin/sh", ["sh", path] + command.arguments, environment, command, streams)
        }
        switch result {
        case 0: return pid
        case ENOENT: throw .notFound(program: command.program)
        case EACCES, ENOEXEC, ELOOP, ENOTDIR, EPERM, ETXTBSY:
            throw .notExecutable(program: command.program, errno: result)
        default: throw .failed(call: "start", subject: command.program, errno: result)
        }
    }

    private static func spawn(
        _ path: String, _ words: [String], _ environment: [String], _ command: ProcessCommand, _ streams: Streams
    ) -> (pid: pid_t, result: Int32) {
        var actions = makeActions()
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (target, source) in streams.descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, source, Int32(target))
        }
        if let folder = command.workingDirectory { addFolder(&actions, folder) }
        #if os(Linux)
        if !command.keepsDescriptors { cspawn_add_close_from(&actions, 3) }
        #endif

        var attributes = makeAttributes()
        defer { posix_spawnattr_destroy(&attributes) }
        var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        if command.newSession { flags |= setSession }
        #if canImport(Darwin)
        if !command.keepsDescriptors { flags |= POSIX_SPAWN_CLOEXEC_DEFAULT }
        #endif
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        if !command.keepsIgnoredSignals { sigfillset(&signals) }
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)

        var pid: pid_t = 0
        let result = withCStrings(words) { arguments in
            withCStrings(environment) { variables in
                posix_spawn(&pid, path, &actions, &attributes, arguments, variables)
            }
        }
        return (pid, result)
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { buffer in
            // The array has at least the nil at its end, so it has an address.
            body(buffer.baseAddress.unsafelyUnwrapped)
        }
    }

    #if canImport(Darwin)
    private static let setSession = POSIX_SPAWN_SETSID

    private static func addFolder(_ actions: inout posix_spawn_file_actions_t?, _ folder: String) {
        posix_spawn_file_actions_addchdir_np(&actions, folder)
    }

    private static func makeActions() -> posix_spawn_file_actions_t? {
        var actions: posix_spawn_file_actions_t?
        posix_spawn_file_actions_init(&actions)
        return actions
    }

    private static func makeAttributes() -> posix_spawnattr_t? {
        var attributes: posix_spawnattr_t?
        posix_spawnattr_init(&attributes)
        return attributes
    }
    #else
    private static let setSession = Int32(CSPAWN_SETSID)

    private static func addFolder(_ actions: inout posix_spawn_file_actions_t, _ folder: String) {
        cspawn_add_chdir(&actions, folder)
    }

    private static func makeActions() -> posix_spawn_file_actions_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        return actions
    }

    private static func makeAttributes() -> posix_spawnattr_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        return attributes
    }
    #endif
}
