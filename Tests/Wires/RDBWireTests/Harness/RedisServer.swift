#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A real redis-server on a Unix socket in a folder of its own; stopped, and the folder removed, when it goes away.
final class RedisServer {
    struct Failure: Error {
        var text: String
    }

    static let isInstalled = path(of: "redis-server") != nil

    let folder: String
    let client: RESPClient
    private let process: pid_t

    /// `file` is what it finds as its RDB file.
    init(file: [UInt8]? = nil, settings: [String] = []) throws {
        var template = Array("/tmp/rdbwire.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(text: "no temporary folder") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let file { try writeFile(file, folder + "/dump.rdb") }
        let arguments =
            [
                "redis-server", "--port", "0", "--unixsocket", folder + "/socket", "--dir", folder, "--save", "",
                "--enable-debug-command", "yes", "--logfile", folder + "/log", "--databases", "16",
            ] + settings
        process = try Self.spawn("redis-server", arguments)
        client = try Self.connect(folder, process)
    }

    deinit {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        for name in ["socket", "dump.rdb", "log"] { unlink(folder + "/" + name) }
        rmdir(folder)
    }

    /// Saves, and returns the file.
    func save() throws -> [UInt8] {
        guard try client.command("SAVE") == .text(Array("OK".utf8)) else { throw Failure(text: "cannot save") }
        return try readFile(folder + "/dump.rdb")
    }

    /// Of all databases.
    func digest() throws -> [UInt8] {
        try client.command("DEBUG", "DIGEST").bytes ?? []
    }

    /// Whether redis-check-rdb calls a file fine.
    static func checkAccepts(_ file: [UInt8]) throws -> Bool {
        var template = Array("/tmp/rdbwire.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(text: "no temporary folder") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            unlink(folder + "/checked.rdb")
            rmdir(folder)
        }
        try writeFile(file, folder + "/checked.rdb")
        let process = try spawn("redis-check-rdb", ["redis-check-rdb", folder + "/checked.rdb"], isQuiet: true)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        return status == 0
    }

    private static func connect(_ folder: String, _ process: pid_t) throws -> RESPClient {
        // Half a minute at the most.
        for _ in 0..<3000 {
            if let client = RESPClient(path: folder + "/socket") {
                while try client.command("PING") != .text(Array("PONG".utf8)) { usleep(10_000) }
                return client
            }
            guard waitpid(process, nil, WNOHANG) == 0 else {
                let log = (try? readFile(folder + "/log")) ?? []
                throw Failure(text: "redis-server has ended: " + String(decoding: log, as: UTF8.self))
            }
            usleep(10_000)
        }
        throw Failure(text: "redis-server does not listen")
    }

    private static let searchPath = getenv("PATH").map { String(cString: $0) } ?? ""

    private static func path(of program: String) -> String? {
        searchPath.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    private static func spawn(_ program: String, _ arguments: [String], isQuiet: Bool = false) throws -> pid_t {
        guard let path = path(of: program) else { throw Failure(text: "\(program) is not installed") }
        let words = arguments.map { strdup($0) }
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let devices = try Quiet(isQuiet)
        let result = devices.spawn(&process, path, words + [nil])
        guard result == 0 else { throw Failure(text: "cannot start \(program), errno \(result)") }
        return process
    }

    /// A child's standard output, which may go nowhere.
    private final class Quiet {
        private let isQuiet: Bool
        #if canImport(Glibc)
        private var actions = posix_spawn_file_actions_t()
        #else
        private var actions: posix_spawn_file_actions_t?
        #endif

        init(_ isQuiet: Bool) throws {
            self.isQuiet = isQuiet
            posix_spawn_file_actions_init(&actions)
            if isQuiet { posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) }
        }

        deinit {
            posix_spawn_file_actions_destroy(&actions)
        }

        func spawn(_ process: inout pid_t, _ path: String, _ words: [UnsafeMutablePointer<CChar>?]) -> Int32 {
            posix_spawn(&process, path, &actions, nil, words, [nil])
        }
    }
}

func readFile(_ path: String) throws -> [UInt8] {
    let file = open(path, O_RDONLY)
    guard file >= 0 else { throw RedisServer.Failure(text: "cannot open \(path)") }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress!, $0.count) }
        guard count > 0 else { return bytes }
        bytes += buffer[..<count]
    }
}

func writeFile(_ bytes: [UInt8], _ path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard file >= 0 else { throw RedisServer.Failure(text: "cannot create \(path)") }
    defer { close(file) }
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes { write(file, $0.baseAddress! + written, bytes.count - written) }
        guard count > 0 else { throw RedisServer.Failure(text: "cannot write \(path)") }
        written += count
    }
}
