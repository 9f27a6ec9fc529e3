import BrokerModel

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Finds a port that an app can listen on.
enum FreePort {
    /// A port of 127.0.0.1 that nobody holds now; the system chooses it from its own range, which is far from the
    /// endpoints'. Whoever binds it next may be somebody else: that is the app's `EADDRINUSE`, and very rare.
    static func find() throws(BrokerError) -> UInt16 {
        #if os(Linux)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
        let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { throw failure("socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
            }
        }
        guard result == 0 else { throw failure("bind") }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func failure(_ call: String) -> BrokerError {
        BrokerError(
            .internalFailure, "cannot find a free port for the app",
            why: "\(call): \(String(cString: strerror(errno)))",
            fix: "set PORT to a port that is free"
        )
    }
}
