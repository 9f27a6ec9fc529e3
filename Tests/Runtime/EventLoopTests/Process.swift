import TestKit
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What the process holds in memory now.
func residentBytes() -> Int {
    #if canImport(Darwin)
    var info = mach_task_basic_info()
    var count = mach_msg_type_number_t(MemoryLayout<mach_task_basic_info>.size / MemoryLayout<natural_t>.size)
    _ = withUnsafeMutablePointer(to: &info) {
        $0.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
            task_info(mach_task_self_, task_flavor_t(MACH_TASK_BASIC_INFO), $0, &count)
        }
    }
    return Int(info.resident_size)
    #else
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    defer { close(file) }
    var text = [UInt8](repeating: 0, count: 128)
    let count = read(file, &text, text.count)
    let fields = String(decoding: text.prefix(max(count, 0)), as: UTF8.self).split(separator: " ")
    return Int(fields[1]).unsafelyUnwrapped * Int(sysconf(Int32(_SC_PAGESIZE)))
    #endif
}

/// Processor time that the process has used.
func processorTime() -> Duration {
    var usage = rusage()
    #if canImport(Glibc)
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #else
    getrusage(CInt(RUSAGE_SELF), &usage)
    #endif
    return .seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + .microseconds(Int64(usage.ru_utime.tv_usec) + Int64(usage.ru_stime.tv_usec))
}

/// Takes every descriptor that the process may have, of `limit` at most, and returns them; only in a child process.
func takeAllDescriptors(limit: UInt64) -> [CInt] {
    var bounds = rlimit()
    #if canImport(Glibc)
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
    let resource = RLIMIT_NOFILE
    #endif
    getrlimit(resource, &bounds)
    bounds.rlim_cur = rlim_t(limit)
    setrlimit(resource, &bounds)
    var taken: [CInt] = []
    while true {
        let descriptor = dup(0)
        guard descriptor >= 0 else { return taken }
        taken.append(descriptor)
    }
}

func closeDescriptor(_ descriptor: CInt) {
    close(descriptor)
}

func pauseThread() {
    usleep(100)
}

let connectionReset = ECONNRESET
let connectionRefused = ECONNREFUSED
let fileMissing = ENOENT
let addressInUse = EADDRINUSE
let invalid = EINVAL
let nameTooLong = ENAMETOOLONG
let cancelled = ECANCELED
let timedOut = ETIMEDOUT

/// Milliseconds since 1970.
func wallClock() -> Int64 {
    Int64(time(nil)) * 1000
}

/// Open sockets of this process that a program which it runs would get.
func inheritedSockets() -> [CInt] {
    (3..<256).filter { option($0, SOL_SOCKET, SO_TYPE) != nil && fcntl($0, F_GETFD) & FD_CLOEXEC == 0 }
}

/// Connected TCP sockets of this process that hold back small pieces.
func delayingSockets() -> [CInt] {
    (3..<256).filter { descriptor in
        var peer = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &peer) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &size) }
        }
        guard result == 0, peer.sin_family == sa_family_t(AF_INET) else { return false }
        return option(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY) == 0
    }
}

private func option(_ descriptor: CInt, _ level: CInt, _ name: CInt) -> CInt? {
    var value: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    return getsockopt(descriptor, level, name, &value, &size) == 0 ? value : nil
}

func fileExists(_ path: String) -> Bool {
    access(path, F_OK) == 0
}

extension SocketClient {
    /// Sends one byte and expects it back.
    func echo(_ byte: UInt8) throws {
        try send([byte])
        let reply = try receive(exactly: 1)
        if reply != [byte] { Issue.record("echo of \(byte) is \(reply)") }
    }
}
