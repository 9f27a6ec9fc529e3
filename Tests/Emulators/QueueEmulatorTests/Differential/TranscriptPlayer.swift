/// Plays a transcript against a server and keeps every line that it sends.
struct TranscriptPlayer {
    /// One line as it came, and what the transcript says of it.
    struct Heard {
        let number: Int
        let expected: String
        let line: String
    }

    /// The client that asks for the state of the server; transcripts count from 1.
    private static let observer = 0

    let transcript: Transcript
    let server: any TranscriptServer

    func play() throws -> [Heard] {
        var heard: [Heard] = []
        var open: Set<Int> = []
        for line in transcript.lines {
            do {
                try play(line, &heard, &open)
            } catch {
                throw SocketFailure("\(transcript.name):\(line.number): \(error)")
            }
        }
        for client in open.sorted() {  // nothing more may have come
            server.end(client: client)
            heard.append(Heard(number: 0, expected: "", line: try server.readToEnd(client: client)))
        }
        return heard
    }

    private func play(_ line: Transcript.Line, _ heard: inout [Heard], _ open: inout Set<Int>) throws {
        switch line.step {
        case .send(let client, let bytes):
            open.insert(client)
            try server.send(bytes, client: client)
        case .expect(let client, let expected):
            heard.append(Heard(number: line.number, expected: expected, line: try server.readLine(client: client)))
        case .end(let client): server.end(client: client)
        case .expectEnd(let client):
            heard.append(Heard(number: line.number, expected: "", line: try server.readToEnd(client: client)))
            open.remove(client)
        case .close(let client):
            server.close(client: client)
            open.remove(client)
        case .waitForWaiting(let count): try wait(for: "current-waiting: \(count)\n")
        case .waitForConnected(let count): try wait(for: "current-connections: \(count + 1)\n")
        case .drain:
            server.drain()
            try wait(for: "draining: true\n")
        }
    }

    /// Asks for the statistics until a line of them is `wanted`.
    private func wait(for wanted: String) throws {
        for _ in 0..<10_000 {
            try server.send(Array("stats\r\n".utf8), client: Self.observer)
            var isSeen = false
            while true {
                let line = try server.readLine(client: Self.observer)
                if line == wanted { isSeen = true }
                if line == "\r\n" || line.isEmpty { break }
            }
            if isSeen { return }
        }
        throw SocketFailure("'\(wanted)' never came")
    }
}

extension TranscriptPlayer.Heard {
    var hasMask: Bool { expected.contains("~") }

    /// The line's end, which masks do not cover.
    var ending: String {
        line.utf8.reversed().starts(with: [0x0a, 0x0d]) ? "\r\n" : line.utf8.last == 0x0a ? "\n" : ""
    }

    /// Whether the line is what the transcript says.
    var isExpected: Bool {
        let text = String(decoding: line.utf8.dropLast(ending.utf8.count), as: UTF8.self)
        let parts = expected.split(separator: "~", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return text == expected }
        return text.hasPrefix(first) && text.hasSuffix(last) && text.count >= first.count + last.count
    }
}
