import BrokerModel
import Crypto

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

/// What a server process of the broker keeps: a folder with its data, its configuration and its log, and its socket.
struct ServerFiles: Sendable {
    let folder: String
    /// In the runtime directory, since a socket's path must be short.
    let socket: String
    var configuration: String { folder + "/redis.conf" }
    var log: String { folder + "/server.log" }
    /// The attachments that have a user of their own at the server, a line each.
    var users: String { folder + "/users" }
    /// Which events of keys it publishes; absent where a swap has brought none.
    private var events: String { folder + "/events" }
    /// How much memory it may take, as lines of its configuration; absent where a swap has brought no limit.
    private var memory: String { folder + "/memory" }

    init(_ backing: BackingID, folders: String, runtime: String) {
        folder = "\(folders)/\(backing)"
        socket = "\(runtime)/\(backing).redis"
    }

    /// Makes the folder (0700) and the configuration (0600).
    func make(secret: Secret, users: [String]) throws(BrokerError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure("mkdir \(folder)") }
        let text = configurationText(
            secret: secret, users: users, events: try contents(of: events), memory: try contents(of: memory))
        try write(text, to: configuration)
    }

    /// In the letters of `notify-keyspace-events`: what is published after the next start.
    func setKeyspaceEvents(_ letters: String) throws(BrokerError) {
        try write(letters, to: events)
    }

    /// Settings with their values: what limits its memory after the next start.
    func setMemoryBound(_ settings: [[String]]) throws(BrokerError) {
        try write(settings.map { $0.joined(separator: " ") + "\n" }.joined(), to: memory)
    }

    private func contents(of path: String) throws(BrokerError) -> String {
        guard access(path, F_OK) == 0 else { return "" }
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { throw failure("read \(path)") }
        return String(decoding: data, as: UTF8.self)
    }

    /// Who has a user of its own.
    func attachmentsWithUser() throws(BrokerError) -> [String] {
        try contents(of: users).split(whereSeparator: \.isNewline).map(String.init)
    }

    func setAttachmentsWithUser(_ attachments: [String]) throws(BrokerError) {
        try write(attachments.map { $0 + "\n" }.joined(), to: users)
    }

    private func write(_ text: String, to path: String) throws(BrokerError) {
        let bytes = Array(text.utf8)
        // In one step: a crash leaves the former text or this one.
        let made = path + ".new"
        let descriptor = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("open \(made)") }
        defer { close(descriptor) }
        guard Self.writeAll(descriptor, bytes) else { throw failure("write \(made)") }
        guard rename(made, path) == 0 else { throw failure("rename \(made)") }
    }

    private static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        #if canImport(Darwin)
        Darwin.write(descriptor, bytes, bytes.count) == bytes.count
        #elseif canImport(Musl)
        Musl.write(descriptor, bytes, bytes.count) == bytes.count
        #else
        Glibc.write(descriptor, bytes, bytes.count) == bytes.count
        #endif
    }

    /// The server's settings. The secret is in it as a hash only, so that no file holds it in the clear. MIGRATE, which
    /// would connect elsewhere from the host, is forbidden here, since scripts could call it past the gateway.
    func configurationText(
        secret: Secret, users: [String] = [], events: String = "", memory: String = ""
    ) -> String {
        let hash = secret.reveal { SHA256.hash(data: Array($0.utf8)) }
        let digits = hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return users.map { "user \($0)\n" }.joined() + memory + """
            # Written by broker at every start of the server; changes are lost.
            port 0
            unixsocket \(Self.quoted(socket))
            unixsocketperm 600
            user default on #\(digits) ~* &* +@all -migrate
            dir \(Self.quoted(folder))
            appendonly yes
            appendfsync everysec
            save ""
            notify-keyspace-events \(Self.quoted(events))
            daemonize no
            supervised no
            pidfile ""
            logfile ""

            """
    }

    /// Takes away the socket of a server that has ended.
    func removeSocket() {
        unlink(socket)
    }

    /// Removes all of it; what is gone already is no error.
    func remove() throws(BrokerError) {
        removeSocket()
        guard access(folder, F_OK) == 0 else { return }
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            throw BrokerError(
                .needsAttention, "the folder \"\(folder)\" cannot be removed", why: "\(error.localizedReason)",
                fix: "rm -r \(ShellWord.quoted(folder))")
        }
    }

    /// The end of the log, for a message about a server that did not start.
    func logTail(lines: Int = 5) -> String {
        guard let data = try? Data(contentsOf: URL(filePath: log)) else { return "it has written no log" }
        let text = String(decoding: data.suffix(8 << 10), as: UTF8.self)
        let last = text.split(whereSeparator: \.isNewline).suffix(lines)
        return last.isEmpty ? "it has written no log" : last.joined(separator: "\n       ")
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private func failure(_ call: String) -> BrokerError {
        BrokerError(
            .needsAttention, "the server's folder \"\(folder)\" cannot be prepared",
            why: "\(call): \(String(cString: strerror(errno)))", fix: "ls -la \(ShellWord.quoted(folder))")
    }
}

extension Error {
    fileprivate var localizedReason: String {
        (self as? CocoaError).map { "\($0.code.rawValue) \($0.filePath ?? "")" } ?? "\(self)"
    }
}
