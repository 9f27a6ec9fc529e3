import Foundation
import Testing

/// The four parts of an error: what a reader of the sources can check of them.
@Suite struct ErrorTests {
    @Test func `every error that is made names a fix`() throws {
        var count = 0
        for file in try SourceTree.files() {
            for call in calls(of: "BrokerError(", in: file.text) where call.hasPrefix(".") {
                count += 1
                #expect(call.contains("fix:"), "\(file.path) makes an error without a fix: \(call.prefix(120))")
            }
        }
        #expect(count > 80, "the calls were not found")
    }

    /// The arguments of every call, on one line each.
    private func calls(of name: String, in text: String) -> [String] {
        text.ranges(of: name).map { range in
            var depth = 1
            let arguments = text[range.upperBound...].prefix { character in
                if character == "(" { depth += 1 }
                if character == ")" { depth -= 1 }
                return depth > 0
            }
            return arguments.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
    }
}
