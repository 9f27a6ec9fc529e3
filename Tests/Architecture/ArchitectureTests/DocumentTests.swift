import Foundation
import Testing

/// What the documents say of the tree.
@Suite struct DocumentTests {
    @Test func `every place that docs/architecture.md names is there`() throws {
        let text = try String(contentsOf: SourceTree.root.appending(path: "docs/architecture.md"), encoding: .utf8)
        let table = try #require(text.split(separator: "## Finding things").last)
        let places = table.matches(of: /`([\w.\/*+-]+)`/).map { String($0.1) }.filter { $0.contains("/") }
        #expect(places.count > 8, "the table was not found")
        for place in places { #expect(exists(place), "docs/architecture.md names \(place), which is not there") }
    }

    /// A path from the package's folder; its last part may have one `*`.
    private func exists(_ place: String) -> Bool {
        let url = SourceTree.root.appending(path: place)
        guard place.contains("*") else { return FileManager.default.fileExists(atPath: url.path) }
        let parts = url.lastPathComponent.split(separator: "*", omittingEmptySubsequences: false)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.deletingLastPathComponent().path)) ?? []
        return parts.count == 2 && names.contains { $0.hasPrefix(parts[0]) && $0.hasSuffix(parts[1]) }
    }
}
