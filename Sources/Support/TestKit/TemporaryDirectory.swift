#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A fresh folder with a short path, so that sockets fit into it; removed with everything in it by `remove` or when
/// the last reference goes.
public final class TemporaryDirectory: Sendable {
    public let path: String

    public init() throws {
        var template = Array("/tmp/b.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(errno: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        remove()
    }

    /// The path of something in the folder.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    public func remove() {
        Self.removeTree(path)
    }

    /// mkdtemp(3) failed.
    public struct Failure: Error {
        public let errno: Int32
    }

    private static func removeTree(_ path: String) {
        if unlink(path) == 0 || errno == ENOENT { return }
        if let handle = opendir(path) {
            var names: [String] = []
            while let entry = readdir(handle) {
                names.append(
                    withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                    })
            }
            closedir(handle)
            for name in names where name != "." && name != ".." { removeTree("\(path)/\(name)") }
        }
        rmdir(path)
    }
}
