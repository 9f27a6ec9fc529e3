import Foundation

/// A redis-server of this machine that runs while the test process does.
///
/// It is the child of a small shell that waits for the end of its own input: when the test process ends, however it
/// does, the shell ends the server and removes its directory. It asks for the same log-in as the emulator.
final class RealRedis: Sendable {
    static let executable: String? = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        .map { $0 + "/redis-server" }.first { FileManager.default.isExecutableFile(atPath: $0) }

    let socketPath: String
    let directory: String
    private let input: FileHandle

    // Killed, because a server inherits the signals that the starting thread blocks; it has nothing to save.
    private static let script = """
        "$1" --port 0 --unixsocket "$2/redis.sock" --dir "$2" --save "" --appendonly no --loglevel warning \
        --enable-debug-command "$5" --user "$3" on ">$4" "~*" "&*" +@all \
        --user default on ">$4" "~*" "&*" +@all >"$2/log" 2>&1 & PID=$!
        cat >/dev/null
        kill -9 "$PID"
        wait "$PID"
        rm -rf "$2"
        """

    init(executable: String, allowsDebug: Bool = false) throws {
        directory =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("broker-redis-\(UInt32.random(in: 0 ... .max))").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        socketPath = directory + "/redis.sock"
        let pipe = Pipe()
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = [
            "-c", Self.script, "sh", executable, directory, EmulatedRedis.user, EmulatedRedis.secret,
            allowsDebug ? "yes" : "no",
        ]
        shell.standardInput = pipe
        try shell.run()
        try pipe.fileHandleForReading.close()
        input = pipe.fileHandleForWriting
    }

    deinit {
        try? input.close()
    }
}
