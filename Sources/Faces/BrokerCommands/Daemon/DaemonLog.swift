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
        guard let data = try? Data(contentsOf: URL(filePath: path)), data.count > offset else {
            return "its log is empty"
        }
        let lines = String(decoding: data[offset...], as: UTF8.self).split(separator: "\n").suffix(6)
        let text = lines.map { String($0.drop { $0 == " " }) }.joined(separator: "; ")
        return "its log ends with: " + text.suffix(600)
    }
}
