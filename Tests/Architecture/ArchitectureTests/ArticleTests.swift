import Foundation
import Testing

/// Articles show code that is compiled, and the public libraries are documented.
@Suite struct ArticleTests {
    private static let libraries: Set<String> = ["BrokerTesting", "ProviderConformance"]

    /// Where the code of articles is compiled, and run.
    private static let compiled = [
        "Tests/Faces/BrokerTestingTests", "Tests/Providers/ProviderConformanceTests",
        "docs/examples/swift-testing/Tests/SessionsTests",
    ]

    @Test func `every piece of code in an article is one that is compiled, and each of those is in an article`() throws
    {
        let files = try Self.compiled.flatMap { try Self.files(under: $0, ".swift") }
        let regions = files.flatMap { ArticleCode.regions(in: $0.text) }
        #expect(regions.count > 6, "the regions were not found")
        var articles = try SourceTree.files().filter { Self.libraries.contains($0.target) }.map {
            (path: $0.path, text: ArticleCode.comments(in: $0.text))
        }
        articles += try Self.files(under: "Sources", ".md")
        articles += try Self.files(under: "docs/guides", "testing.md")
        var shown: Set<String> = []
        for article in articles {
            for block in ArticleCode.blocks(in: article.text) {
                #expect(regions.contains(block), "\(article.path) has code that no test compiles:\n\(block)")
                shown.insert(block)
            }
        }
        #expect(shown.count > 6, "the articles were not found")
        for region in regions { #expect(shown.contains(region), "no article has this code:\n\(region)") }
    }

    @Test func `everything public of the libraries has a doc comment`() throws {
        var count = 0
        for file in try SourceTree.files() where Self.libraries.contains(file.target) {
            let (all, without) = PublicDeclarations.find(in: file.text)
            count += all
            #expect(without == [], "\(file.path)")
        }
        #expect(count > 60, "the declarations were not found")
    }

    @Test func `code and declarations are found, and what is missing, too`() {
        let source = """
            // article: a
                let a = 1

                  let b = 2
            // end of article
            /// ```swift
            /// let a = 1
            ///
            ///   let b = 2
            /// ```
            """
        #expect(ArticleCode.regions(in: source) == ["let a = 1\n\n  let b = 2"])
        #expect(ArticleCode.blocks(in: ArticleCode.comments(in: source)) == ["let a = 1\n\n  let b = 2"])
        #expect(ArticleCode.blocks(in: "```sh\nls\n```\n```swift\nlet c = 3\n```") == ["let c = 3"])
        let declarations = """
            public import Testing
            /// It has one.
            @MainActor public struct A {
                public let a: Int
                /// This, too.
                @TaskLocal
                public static var b: Int?
                let c: Int
            }
            /// An enum.
            public enum B {
                case one
                /// With one.
                case two
            }
            enum C { case three }
            """
        let (count, without) = PublicDeclarations.find(in: declarations)
        #expect(count == 6)
        #expect(without == ["public let a: Int", "case one"])
    }

    /// The files of a folder whose names end so, from the package's folder.
    private static func files(under folder: String, _ end: String) throws -> [(path: String, text: String)] {
        let root = SourceTree.root.appending(path: folder).path
        let paths = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return try paths.filter { $0.hasSuffix(end) }.sorted().map {
            ("\(folder)/\($0)", try String(contentsOfFile: "\(root)/\($0)", encoding: .utf8))
        }
    }
}

/// Code in articles, and where it is compiled.
private enum ArticleCode {
    /// What stands between `// article: NAME` and `// end of article`.
    static func regions(in source: String) -> [String] {
        parts(of: source, from: { $0.hasPrefix("// article: ") }, to: { $0 == "// end of article" })
    }

    /// What stands in fences of Swift.
    static func blocks(in article: String) -> [String] {
        parts(of: article, from: { $0 == "```swift" }, to: { $0 == "```" })
    }

    /// The doc comments of a file, as an article.
    static func comments(in source: String) -> String {
        source.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line in
            let line = line.drop { $0 == " " }
            guard line.hasPrefix("///") else { return nil }
            return String(line.dropFirst(line.hasPrefix("/// ") ? 4 : 3))
        }.joined(separator: "\n")
    }

    /// Without what all lines of a part are indented by.
    private static func parts(of text: String, from: (String) -> Bool, to: (String) -> Bool) -> [String] {
        var parts: [String] = []
        var part: [String]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            let bare = line.trimmingCharacters(in: .whitespaces)
            if let lines = part, to(bare) {
                let filled = lines.filter { !$0.isEmpty }
                let indent = filled.map { $0.prefix { $0 == " " }.count }.min() ?? 0
                parts.append(lines.map { String($0.dropFirst(indent)) }.joined(separator: "\n"))
                part = nil
            } else if part != nil {
                part?.append(line)
            } else if from(bare) {
                part = []
            }
        }
        return parts
    }
}

/// The public declarations of a file, cases of public enumerations among them, as swift-format lays them out.
private enum PublicDeclarations {
    static func find(in source: String) -> (count: Int, undocumented: [String]) {
        var (count, without) = (0, [String]())
        var isDocumented = false
        /// The indent of the public enumeration whose cases come.
        var enumeration: Int?
        for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
            let indent = line.prefix { $0 == " " }.count
            let bare = line.dropFirst(indent)
            if bare == "}", indent == enumeration { enumeration = nil }
            let isCase = enumeration.map { $0 + 4 == indent } ?? false && bare.hasPrefix("case ")
            if isCase || isPublic(bare) {
                count += 1
                if !isDocumented { without.append(String(bare.split(separator: " {").first ?? bare)) }
            }
            if bare.contains("public enum "), !bare.hasSuffix("}") { enumeration = indent }
            // An attribute on a line of its own stands between a comment and its declaration.
            let isAttribute = bare.hasPrefix("@") && !bare.contains(" ")
            if !isAttribute { isDocumented = bare.hasPrefix("///") }
        }
        return (count, without)
    }

    private static func isPublic(_ line: Substring) -> Bool {
        let declaration = /(?:@\w+(?:\([^)]*\))?\s+)*public\s+(?!import|extension)\w+.*/
        return line.wholeMatch(of: declaration) != nil
    }
}
