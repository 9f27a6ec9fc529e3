import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What `broker.yaml` says. Its place names the workspace; of its content this version reads `version` and `test`, and
/// says so.
struct WorkspaceFile: Equatable {
    /// The keys at its top that have no effect.
    let ignored: [String]
    /// Below `test`, what `broker test` leases: names with their classes, in the file's order.
    let tests: [Lease]

    struct Lease: Equatable {
        let name: String
        /// Nil where the name alone is there: `cache:`.
        let serviceClass: String?
    }

    /// Throws `invalidRequest` for a file that cannot be read or is of another version.
    static func read(_ path: String) throws(BrokerError) -> WorkspaceFile {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw BrokerError(
                .invalidRequest, "cannot read \"\(path)\"", why: "the system refuses it",
                fix: "ls -l \(ShellWord.quoted(path))")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw mistake(path, "it is no UTF-8 text")
        }
        return try WorkspaceFile(text, path: path)
    }

    /// Reads the keys at the top of a YAML mapping in block style, and those below `test`; what is below others is left
    /// for later.
    init(_ text: String, path: String) throws(BrokerError) {
        var keys: [String] = []
        var tests: [Lease] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.last == "\r" ? line.dropLast() : line
            guard let first = line.first, first != "#", line != "---", line != "...", !line.allSatisfy(\.isWhitespace)
            else { continue }
            if first == " " || first == "\t" {
                guard !keys.isEmpty else { throw Self.mistake(path, "line \(number + 1) is indented below nothing") }
                guard keys.last == "test", line.drop(while: \.isWhitespace).first != "#" else { continue }
                guard let (name, serviceClass) = Self.pair(line) else {
                    throw Self.mistake(path, "line \(number + 1) is no \"name: class\", as in \"cache: redis\"")
                }
                tests.append(Lease(name: name, serviceClass: serviceClass.isEmpty ? nil : serviceClass))
                continue
            }
            guard let (key, value) = Self.pair(line) else {
                throw Self.mistake(path, "line \(number + 1) is no \"key: value\"")
            }
            guard key != "version" || value == "1" else { throw Self.otherVersion(value, path) }
            keys.append(key)
        }
        ignored = keys.filter { $0 != "version" && $0 != "test" }
        self.tests = tests
    }

    private static func pair(_ line: Substring) -> (key: String, value: String)? {
        guard let colon = line.firstIndex(of: ":") else { return nil }
        let key = bare(line[..<colon])
        let rest = line[line.index(after: colon)...]
        guard !key.isEmpty, !key.contains(where: { "{}[]-&*!|>%@`".contains($0) && key.first == $0 }),
            rest.isEmpty || rest.first == " " || rest.first == "\t"
        else { return nil }
        return (key, bare(rest.firstRange(of: " #").map { rest[..<$0.lowerBound] } ?? rest))
    }

    /// Without spaces around it and without its quotes.
    private static func bare(_ text: Substring) -> String {
        var text = text.drop(while: \.isWhitespace)
        while let last = text.last, last.isWhitespace { text.removeLast() }
        for quote in ["\"", "'"] where text.count > 1 && text.hasPrefix(quote) && text.hasSuffix(quote) {
            text = text.dropFirst().dropLast()
        }
        return String(text)
    }

    private static func mistake(_ path: String, _ why: String) -> BrokerError {
        BrokerError(
            .invalidRequest, "cannot read \"\(path)\" as a mapping", why: why,
            fix: "echo 'version: 1' > \(ShellWord.quoted(path))")
    }

    private static func otherVersion(_ version: String, _ path: String) -> BrokerError {
        BrokerError(
            .invalidRequest, "\"\(path)\" is of version \"\(version.prefix(40))\"",
            why: "broker \(BrokerVersion.current) reads version 1", fix: "write \"version: 1\" into it")
    }
}
