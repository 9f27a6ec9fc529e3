import BrokerClient

/// Finds the daemon of a home.
struct DaemonFinder {
    let places: BrokerPlaces

    /// The socket of the running daemon; nil when none answers.
    ///
    /// The daemon says in its home where it listens. A home that somebody else could write to is not believed.
    var socket: String? {
        guard let announced else { return nil }
        return SocketProbe.answers(announced) ? announced : nil
    }

    /// The socket that the home names, whether anybody answers on it or not.
    var announced: String? {
        guard PrivateFolder.isOurs(places.home, mayBeLink: true) else { return nil }
        return Announcement.read(places.announcement)?.socket
    }
}
