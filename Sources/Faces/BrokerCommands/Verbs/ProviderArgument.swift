import BrokerClient
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

/// A provider from the command line, and its secret from a file: what is in an argument everybody can read in `ps`.
enum ProviderArgument {
    /// - Parameter command: what was typed up to the provider, for a fix.
    static func document(
        _ text: String, secretFile: String?, _ console: Console, command: String
    ) throws(BrokerError) -> ProviderDocument {
        var document = try read(text, command)
        guard let secretFile else {
            if document.secret != nil {
                console.warn("other users of this machine can read a password in an argument; use --secret-file FILE")
            }
            return document
        }
        guard text.contains("://") else {
            throw BrokerError(
                .invalidRequest, "\"\(document.reference)\" takes no secret", why: "only a URL has one",
                fix: "\(command) \(ShellWord.quoted(document.reference))")
        }
        let data = try read(secretFile, asking: "secret of \(document.reference): ")
        // Editors end a file with a newline; it is not part of the secret.
        var bytes = data[...]
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") {
            bytes = bytes.dropLast()
        }
        guard !bytes.isEmpty, bytes.count <= 4096 else {
            throw BrokerError(
                .invalidRequest, "\"\(secretFile)\" holds no secret", why: "1 to 4096 bytes are expected",
                fix: "\(command) \(ShellWord.quoted(document.reference)) --secret-file -")
        }
        document.secret = String(decoding: bytes, as: UTF8.self)
        return document
    }

    private static func read(_ text: String, _ command: String) throws(BrokerError) -> ProviderDocument {
        do throws(BrokerError) {
            return try ProviderDocument(text)
        } catch {
            var error = error
            // A swap loses data: it is not for a paste.
            let isSwap = command.hasPrefix("broker swap")
            error.fix =
                error.fix
                ?? (isSwap ? "name one of emulator, exec:redis-server, redis://host:6379/0" : "\(command) emulator")
            throw error
        }
    }

    /// The first bytes of a file, a pipe (`<(…)`) or, for `-`, of stdin: one more than a secret may have. Where stdin is
    /// a terminal, `question` asks for one line, which is not shown.
    private static func read(_ path: String, asking question: String) throws(BrokerError) -> Data {
        if path == "-", let line = HiddenLine.read(asking: question) { return Data(line) }
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        while bytes.count <= 4096 {
            let count = withUnsafeTemporaryAllocation(byteCount: 4097, alignment: 1) { buffer in
                let count = systemRead(descriptor, buffer.baseAddress, buffer.count)
                if count > 0 { bytes += buffer[..<count] }
                return count
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, errno) }
            if count == 0 { break }
        }
        return Data(bytes)
    }

    private static func unreadable(_ path: String, _ number: Int32) -> BrokerError {
        BrokerError(
            .invalidRequest, "cannot read the secret file \"\(path)\"", why: SystemError.text(number),
            fix: "ls -l \(ShellWord.quoted(path))")
    }
}

/// The system's `read`, which the method of that name hides.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
