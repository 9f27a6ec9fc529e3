/// Who listens on a TCP port of this machine.
package struct PortOwner: Equatable, Sendable, CustomStringConvertible {
    package let pid: Int32
    /// The program's name as the system shows it.
    package let command: String

    package var description: String { "\(command) (pid \(pid))" }

    /// The process that listens on `port` of the loopback or of every address.
    ///
    /// Nil where it cannot be told: nobody listens, the process is another user's, or the system is not Linux.
    package static func find(port: UInt16) -> PortOwner? {
        #if os(Linux)
        let sockets = listeningSockets(on: port)
        guard !sockets.isEmpty else { return nil }
        for name in TextFile.names(in: "/proc") {
            guard let pid = Int32(name) else { continue }
            let folder = "/proc/\(name)/fd"
            for descriptor in TextFile.names(in: folder) {
                guard let link = TextFile.link("\(folder)/\(descriptor)"), sockets.contains(link) else { continue }
                let command = TextFile.read("/proc/\(name)/comm") ?? "?\n"
                return PortOwner(pid: pid, command: String(command.dropLast()))
            }
        }
        #endif
        return nil
    }

    #if os(Linux)
    /// The sockets in state LISTEN (0A) on `port`, as the links of /proc/PID/fd name them: `socket:[4711]`.
    private static func listeningSockets(on port: UInt16) -> Set<String> {
        var sockets: Set<String> = []
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            for line in (TextFile.read(table) ?? "").split(separator: "\n").dropFirst() {
                // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …
                let fields = line.split(separator: " ")
                guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
                    UInt16(fields[1][fields[1].index(after: colon)...], radix: 16) == port
                else { continue }
                sockets.insert("socket:[\(fields[9])]")
            }
        }
        return sockets
    }
    #endif
}
