#if os(Linux)
import Glibc

/// A real beanstalkd on a port of its own; it ends with this object.
final class RealBeanstalkd {
    static let program = "/usr/bin/beanstalkd"

    let port: UInt16
    private let processID: pid_t

    /// Starts the server and waits until it answers; another program may take the port meanwhile, so it tries anew.
    init() throws {
        for _ in 0..<20 {
            let port = try SocketClient.freePort()
            let processID = try Self.start(port: port)
            if Self.answers(port: port, processID: processID) {
                self.port = port
                self.processID = processID
                return
            }
            Self.end(processID)
        }
        throw SocketFailure("no port for \(Self.program)")
    }

    deinit {
        Self.end(processID)
    }

    /// SIGUSR1 puts the server into drain mode, soon.
    func drain() {
        kill(processID, SIGUSR1)
    }

    private static func start(port: UInt16) throws -> pid_t {
        let words = [program, "-l", "127.0.0.1", "-p", String(port)]
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        // The threads that tests run on block signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var processID = pid_t()
        let result = posix_spawn(&processID, program, nil, &attributes, &arguments, environ)
        guard result == 0 else { throw SocketFailure("posix_spawn \(program): \(result)") }
        return processID
    }

    /// Whether it is this very process that listens at `port`.
    private static func answers(port: UInt16, processID: pid_t) -> Bool {
        let deadline = SocketClient.time() + 5
        while SocketClient.time() < deadline {
            var status: CInt = 0
            guard waitpid(processID, &status, WNOHANG) == 0 else { return false }
            if let client = try? SocketClient(port: port), (try? client.send(Array("stats\r\n".utf8))) != nil {
                while let line = try? client.readLine(), line != "\r\n" {
                    if line == "pid: \(processID)\n" { return true }
                }
                return false
            }
            poll(nil, 0, 2)
        }
        return false
    }

    private static func end(_ processID: pid_t) {
        kill(processID, SIGKILL)
        var status: CInt = 0
        waitpid(processID, &status, 0)
    }
}
#endif
