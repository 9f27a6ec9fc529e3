import NIOCore
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Asks the system who is on the other end of a unix socket.
enum PeerUser {
    /// Whether the peer had this process's user when it connected.
    static func isOurs(_ channel: any Channel) async throws -> Bool {
        #if os(Linux)
        return try await peer(channel)?.user == geteuid()
        #else
        guard let options = channel as? any SocketOptionProvider else { return false }
        let peer: xucred = try await options.unsafeGetSocketOption(
            level: SocketOptionLevel(SOL_LOCAL), name: SocketOptionName(LOCAL_PEERCRED)
        ).get()
        return peer.cr_uid == geteuid()
        #endif
    }

    /// The process that has connected; nil where the system does not tell.
    static func pid(_ channel: any Channel) async throws -> Int32? {
        #if os(Linux)
        // Over TCP there is none.
        return try await peer(channel).flatMap { $0.process > 0 ? $0.process : nil }
        #else
        guard let options = channel as? any SocketOptionProvider else { return nil }
        return try await options.unsafeGetSocketOption(
            level: SocketOptionLevel(SOL_LOCAL), name: SocketOptionName(LOCAL_PEERPID)
        ).get()
        #endif
    }

    #if os(Linux)
    /// Who has connected does not change: the system is asked once for each connection.
    private static let known = Mutex<[ObjectIdentifier: LinuxPeer]>([:])

    private static func peer(_ channel: any Channel) async throws -> LinuxPeer? {
        let name = ObjectIdentifier(channel)
        if let peer = known.withLock({ $0[name] }) { return peer }
        guard let options = channel as? any SocketOptionProvider else { return nil }
        let peer: LinuxPeer = try await options.unsafeGetSocketOption(
            level: SocketOptionLevel(SOL_SOCKET), name: SocketOptionName(SO_PEERCRED)
        ).get()
        known.withLock { $0[name] = peer }
        // Before the channel goes, and with it the name; of one that is closed already at once.
        channel.closeFuture.whenComplete { _ in known.withLock { $0[name] = nil } }
        return peer
    }
    #endif

    /// `struct ucred` of unix(7), which Glibc shows only to those who define _GNU_SOURCE.
    private struct LinuxPeer {
        var process: Int32 = 0
        var user: UInt32 = .max
        var group: UInt32 = .max
    }
}
