#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The file that this process runs.
enum OwnProgram {
    /// The absolute path where the system tells it, else the name by which it was called.
    static var path: String {
        #if os(Linux)
        let path = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer -> String? in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink("/proc/self/exe", start, buffer.count)
            return count > 0 ? String(decoding: UnsafeRawBufferPointer(buffer).prefix(count), as: UTF8.self) : nil
        }
        #else
        var length: UInt32 = 4096
        let path = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(length)) { buffer -> String? in
            guard let start = buffer.baseAddress, _NSGetExecutablePath(start, &length) == 0 else { return nil }
            return String(cString: start)
        }
        #endif
        return path ?? CommandLine.arguments.first ?? "broker"
    }
}
