import Foundation

/// The source files of this package, read as text.
enum SourceTree {
    /// The package's folder.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        .standardizedFileURL

    /// One Swift file.
    struct File {
        /// From the package's folder: `Sources/Model/BrokerModel/Names.swift`.
        let path: String
        let floor: String
        let target: String
        let text: String

        /// The modules that it imports, whatever the access level or kind: `public import struct A.B` is `A`.
        var imports: [String] {
            let importLine =
                /\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+).*/
            return text.split(separator: "\n").filter { $0.contains("import ") }.compactMap { line in
                guard let match = line.wholeMatch(of: importLine) else { return nil }
                return String(match.1)
            }
        }
    }

    /// All Swift files under `Sources/`.
    static func files() throws -> [File] {
        let sources = root.appending(path: "Sources").path
        guard let walk = FileManager.default.enumerator(atPath: sources) else { return [] }
        return try walk.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().compactMap { path in
            let parts = path.split(separator: "/").map(String.init)
            guard parts.count > 2 else { return File(path: "Sources/\(path)", floor: "", target: "", text: "") }
            let text = try String(contentsOfFile: "\(sources)/\(path)", encoding: .utf8)
            return File(path: "Sources/\(path)", floor: parts[0], target: parts[1], text: text)
        }
    }

    static func manifest() throws -> String {
        try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
    }
}
