import Foundation

/// A dialogue of one or more clients with a server, read from a text file.
///
///     # a comment
///     C1: put 0 0 60 2\r\nab     sent with CR LF behind it; C: is C1:
///     R1: put 0 0                sent as it is
///     S1: INSERTED 1             a line that the server sends; ~ stands for any text
///     END1:                      the client sends FIN
///     EOF1:                      the server ends the stream
///     CLOSE1:                    the client goes
///     WAITING: 2                 from now on so many clients wait for a job
///     CONNECTED: 2               from now on so many clients are connected
///     DRAIN:                     the server is put into drain mode
///
/// Escapes: \r \n \t \0 \\ and {x*300} for repetition. Clients connect when they are first named.
struct Transcript: Sendable, CustomStringConvertible {
    enum Step: Sendable {
        case send(client: Int, bytes: [UInt8])
        case expect(client: Int, line: String)
        case end(client: Int)
        case expectEnd(client: Int)
        case close(client: Int)
        case waitForWaiting(count: Int)
        case waitForConnected(count: Int)
        case drain
    }

    struct Line: Sendable {
        let number: Int
        let step: Step
    }

    let name: String
    let lines: [Line]

    var description: String { name }

    /// All transcripts in the folder beside this file's.
    static let all: [Transcript] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Transcripts")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return files.filter { $0.hasSuffix(".txt") }.sorted().compactMap { file in
            guard let text = try? String(contentsOf: folder.appending(path: file), encoding: .utf8) else { return nil }
            return Transcript(name: file, text: text)
        }
    }()

    init(name: String, text: String) {
        self.name = name
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
            guard !line.isEmpty, !line.hasPrefix("#") else { return nil }
            guard let step = Self.step(line) else { fatalError("\(name):\(index + 1): \(line)") }
            return Line(number: index + 1, step: step)
        }
    }

    private static func step(_ line: Substring) -> Step? {
        guard let colon = line.firstIndex(of: ":") else { return nil }
        let word = line[..<colon].prefix { $0.isLetter }
        let client = Int(line[..<colon].dropFirst(word.count)) ?? 1
        var text = String(line[line.index(after: colon)...])
        if text.hasPrefix(" ") { text.removeFirst() }
        switch word {
        case "C": return .send(client: client, bytes: Array((unescape(text) + "\r\n").utf8))
        case "R": return .send(client: client, bytes: Array(unescape(text).utf8))
        case "S": return .expect(client: client, line: unescape(text))
        case "END": return .end(client: client)
        case "EOF": return .expectEnd(client: client)
        case "CLOSE": return .close(client: client)
        case "WAITING": return Int(text).map { .waitForWaiting(count: $0) }
        case "CONNECTED": return Int(text).map { .waitForConnected(count: $0) }
        case "DRAIN": return .drain
        default: return nil
        }
    }

    private static func unescape(_ text: String) -> String {
        var result = text
        for match in text.matches(of: /\{([^*}]+)\*(\d+)\}/).reversed() {
            result.replaceSubrange(match.range, with: String(repeating: String(match.1), count: Int(match.2) ?? 0))
        }
        for (escape, character) in [("\\r", "\r"), ("\\n", "\n"), ("\\t", "\t"), ("\\0", "\0")] {
            result = result.replacing(escape, with: character)
        }
        return result.replacing("\\\\", with: "\\")
    }
}
