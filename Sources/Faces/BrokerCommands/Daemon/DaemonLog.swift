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

/// The file that a daemon in the background logs to.
struct DaemonLog {
    let path: String

    var length: Int {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int(facts.st_size) : 0
    }

    /// Keeps the file small: past 8 MiB it becomes the one former file. Called while no daemon writes to it.
    func rotate() {
        guard length > 8 << 20 else { return }
        // Where it cannot be renamed the log simply goes on.
        try? FileManager.default.removeItem(atPath: path + ".1")
        try? FileManager.default.moveItem(atPath: path, toPath: path + ".1")
    }

    /// The last lines that came after `offset`, on one line, 600 characters at most.
    func tail(from offset: Int) -> String {
        let text = lines(from: offset).suffix(6).map(Self.readable).joined(separator: "; ")
        return text.isEmpty ? "its log is empty" : "its log ends with: " + text.suffix(600)
    }

    /// The error that a daemon which came after `offset` has ended with; nil when it has not said.
    func error(from offset: Int) -> BrokerError? {
        for line in lines(from: offset).reversed() where line.contains("\"schema\":\"broker.error/1\"") {
            if let error = try? JSONDecoder().decode(BrokerError.self, from: Data(line.utf8)) { return error }
        }
        return nil
    }

    /// Whether the folder's disk takes a little more.
    static func hasRoom(in folder: String) -> Bool {
        var facts = statvfs()
        guard statvfs(folder, &facts) == 0, facts.f_frsize > 0 else { return true }
        return UInt64(facts.f_bavail) * UInt64(facts.f_frsize) >= 64 << 10
    }

    private func lines(from offset: Int) -> [Substring] {
        guard let data = try? Data(contentsOf: URL(filePath: path)), data.count > offset else { return [] }
        return String(decoding: data[offset...], as: UTF8.self).split(separator: "\n")
    }

    /// A log line is a JSON object: what it says, without the rest.
    private static func readable(_ line: Substring) -> String {
        guard let object = try? JSONDecoder().decode([String: String].self, from: Data(line.utf8)),
            let message = object["message"]
        else { return String(line.drop { $0 == " " }) }
        return message + (object["error"].map { ": \($0)" } ?? "")
    }
}
