public import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// How the last daemon of a home has ended, for whoever has stopped it: blank, or the error with which it did.
///
/// The file has its room from the daemon's start on: a disk that is full is what there may be to tell of.
public struct DaemonEnd: Sendable {
    let path: String
    private static let room = 4096

    public init(path: String) {
        self.path = path
    }

    /// Nil where it ended in order, or nothing is known.
    public func read() -> BrokerError? {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { return nil }
        return try? JSONDecoder().decode(BrokerError.self, from: data)
    }

    /// To be called when a daemon starts. Where it fails there is no room for much else, which is told by others.
    public func clear() {
        write([], O_CREAT)
    }

    /// Nothing is made where the home is gone.
    public func tell(_ error: BrokerError) {
        if let data = try? JSONEncoder().encode(error) { write(Array(data), 0) }
    }

    private func write(_ bytes: [UInt8], _ flags: Int32) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | flags, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let blank = UInt8(ascii: " ")
        let padded = bytes + [UInt8](repeating: blank, count: max(Self.room - bytes.count, 0))
        guard pwrite(descriptor, padded, padded.count, 0) == padded.count else { return }
        ftruncate(descriptor, off_t(padded.count))
    }
}
