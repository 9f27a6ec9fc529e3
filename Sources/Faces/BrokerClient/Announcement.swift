public import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a running daemon leaves in its home: who it is and where its socket is.
///
/// A client may have another `XDG_RUNTIME_DIR` or `TMPDIR` than the daemon had (cron, ssh, another terminal); with this
/// file it still finds the one daemon of the home instead of starting a second one that could not get the lock.
public struct Announcement: Codable, Equatable, Sendable {
    public var pid: Int32
    public var socket: String
    public var version: String
    /// When the system started the process, as it counts that: tells it from a later one of the same number.
    public var startTime: UInt64?

    public init(pid: Int32, socket: String, version: String, startTime: UInt64? = nil) {
        self.pid = pid
        self.socket = socket
        self.version = version
        self.startTime = startTime
    }

    /// What is written at `path`; nil when there is nothing, or nothing that can be read.
    public static func read(_ path: String) -> Announcement? {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { return nil }
        return try? JSONDecoder().decode(Announcement.self, from: data)
    }

    /// Replaces what is at `path` in one step.
    public func write(_ path: String) throws(BrokerError) {
        do {
            try JSONEncoder().encode(self).write(to: URL(filePath: path), options: .atomic)
        } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
            throw BrokerError(
                .diskFull, "there is no room for \"\(path)\"", why: "clients would not find the daemon",
                fix: "df -h \(ShellWord.quoted(path))")
        } catch {
            throw BrokerError(
                .unsafe, "cannot write \"\(path)\"", why: "clients would not find the daemon: \(error)",
                fix: "ls -l \(ShellWord.quoted(path))")
        }
    }
}
