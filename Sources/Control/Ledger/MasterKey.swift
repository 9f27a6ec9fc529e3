import BrokerModel

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

/// The 32 bytes that seal everything: given, or kept in a file that only its owner can read.
enum MasterKey {
    /// The bytes of a key that the environment gives. Where it is none, the fix depends on what the ledger was made with.
    static func given(_ text: Secret, isNew: Bool, keyFile: String) throws -> Data {
        let hasFile = access(keyFile, F_OK) == 0
        return try decode(
            text, from: "BROKER_MASTER_KEY",
            fix: isNew || hasFile
                ? "unset BROKER_MASTER_KEY" : "set BROKER_MASTER_KEY to the key that the ledger was made with")
    }

    /// The bytes of a key in base64; throws `masterKeyWrong` without repeating the text.
    private static func decode(_ text: Secret, from source: String, fix: String) throws -> Data {
        let bytes = text.reveal { text in
            Data(base64Encoded: text.trimmingWhitespace())
        }
        guard let bytes, bytes.count == 32 else {
            throw BrokerError(
                .masterKeyWrong, "\(source) is no key", why: "32 bytes in base64 are expected", fix: fix)
        }
        return bytes
    }

    /// Reads the key file. With `mayMake`, one that is missing is made: never beside a ledger that has a key already.
    static func file(_ path: String, mayMake: Bool) throws -> Data {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw unusable(path, String(cString: strerror(errno))) }
            guard mayMake else {
                throw BrokerError(
                    .masterKeyWrong, "the key file \"\(path)\" is missing",
                    why: "the ledger's secrets were sealed with it; nothing was changed",
                    fix: "put the file back, or set BROKER_MASTER_KEY to what was in it")
            }
            return try make(path)
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_uid == geteuid(), facts.st_mode & 0o077 == 0 else {
            throw BrokerError(
                .unsafe, "others can read the key file \"\(path)\"", why: "who has it can open every secret",
                fix: "chmod 600 \(ShellWord.quoted(path))")
        }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else {
            // Its making was cut short before anything was sealed with it.
            guard mayMake, count == 0 else { throw unusable(path, "it is empty") }
            unlink(path)
            return try make(path)
        }
        return try decode(
            Secret(String(decoding: bytes.prefix(count), as: UTF8.self)), from: "\"\(path)\"",
            fix: "put the file back as it was, from a copy")
    }

    /// Draws a key and writes it where nothing is; it is on disk when this returns, before anything is sealed with it.
    private static func make(_ path: String) throws -> Data {
        var source = SystemRandomNumberGenerator()
        let key = Data((0..<32).map { _ in UInt8.random(in: 0...255, using: &source) })
        let text = Array((key.base64EncodedString() + "\n").utf8)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw unusable(path, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        guard write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0 else {
            let number = errno
            unlink(path)
            throw unusable(path, String(cString: strerror(number)))
        }
        syncFolder(of: path)
        return key
    }

    /// The file's name is on disk, too.
    private static func syncFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func unusable(_ path: String, _ why: String) -> BrokerError {
        BrokerError(
            .masterKeyWrong, "the key file \"\(path)\" cannot be used", why: why, fix: "ls -l \(ShellWord.quoted(path))"
        )
    }
}

extension String {
    fileprivate func trimmingWhitespace() -> String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
