import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A provider from the command line, and its secret from a file: what is in an argument everybody can read in `ps`.
enum ProviderArgument {
    static func document(
        _ text: String, secretFile: String?, _ console: Console
    ) throws(BrokerError) -> ProviderDocument {
        var document = try ProviderDocument(text)
        guard let secretFile else {
            if document.secret != nil {
                console.warn("other users of this machine can read a password in an argument; use --secret-file FILE")
            }
            return document
        }
        guard text.contains("://") else {
            throw BrokerError(
                .invalidRequest, "\"\(document.reference)\" takes no secret", why: "only a URL has one",
                fix: "leave --secret-file away")
        }
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: secretFile))
        } catch {
            throw BrokerError(.invalidRequest, "cannot read the secret file \"\(secretFile)\"", why: "\(error)")
        }
        // Editors end a file with a newline; it is not part of the secret.
        var bytes = data[...]
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") {
            bytes = bytes.dropLast()
        }
        guard !bytes.isEmpty, bytes.count <= 4096 else {
            throw BrokerError(
                .invalidRequest, "\"\(secretFile)\" holds no secret", why: "1 to 4096 bytes are expected")
        }
        document.secret = String(decoding: bytes, as: UTF8.self)
        return document
    }
}
