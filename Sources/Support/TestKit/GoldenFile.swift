// As in Requirement.swift: not in the benchmarks.
#if canImport(Testing)
import Foundation
public import Testing

/// Compares a text with a file beside the test. `BROKER_UPDATE_GOLDEN=1` writes the file instead.
public enum GoldenFile {
    /// - Parameters:
    ///   - name: the file in the folder `Golden` beside the calling test.
    ///   - text: what is to stand in it.
    public static func expect(
        _ name: String, _ text: String, filePath: String = #filePath, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let folder = URL(fileURLWithPath: filePath).deletingLastPathComponent().appendingPathComponent("Golden")
        let file = folder.appendingPathComponent(name)
        if ProcessInfo.processInfo.environment["BROKER_UPDATE_GOLDEN"] == "1" {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
            return
        }
        guard let golden = try? String(contentsOf: file, encoding: .utf8) else {
            Issue.record(
                "there is no golden file \(name): BROKER_UPDATE_GOLDEN=1 writes it", sourceLocation: sourceLocation)
            return
        }
        guard golden != text else { return }
        Issue.record(
            "\(name) differs (BROKER_UPDATE_GOLDEN=1 rewrites it):\n\(difference(golden, text))",
            sourceLocation: sourceLocation)
    }

    /// The lines that only one of the two has, in order.
    private static func difference(_ golden: String, _ text: String) -> String {
        let old = golden.split(separator: "\n", omittingEmptySubsequences: false)
        let new = text.split(separator: "\n", omittingEmptySubsequences: false)
        return new.difference(from: old).map { change in
            switch change {
            case .remove(let offset, let line, _): "- \(offset + 1): \(line)"
            case .insert(let offset, let line, _): "+ \(offset + 1): \(line)"
            }
        }.joined(separator: "\n")
    }
}
#endif
