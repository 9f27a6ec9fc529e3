#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Why a program could not be started.
package enum SpawnError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no such file, or none of the name on PATH.
    case notFound(program: String)
    /// It is there and cannot be run.
    case notExecutable(program: String, errno: Int32)
    /// What it needs could not be had: its folder, its log file, a process.
    case failed(call: String, subject: String, errno: Int32)

    /// What a shell, `env` and `broker run` exit with: 127 not found, 126 not executable, 125 their own failure.
    package var exitCode: Int32 {
        switch self {
        case .notFound: 127
        case .notExecutable: 126
        case .failed: 125
        }
    }

    package var description: String {
        switch self {
        case .notFound(let program): "\"\(program)\" is not found"
        case .notExecutable(let program, let number): "\"\(program)\" cannot be run: \(SystemError.text(number))"
        case .failed(let call, let subject, let number): "\(call) \"\(subject)\": \(SystemError.text(number))"
        }
    }
}

/// The system's words for its error numbers.
enum SystemError {
    static func text(_ number: Int32) -> String { String(cString: strerror(number)) }
}
