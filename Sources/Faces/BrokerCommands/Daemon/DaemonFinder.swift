import BrokerClient

/// Finds the daemon of a home.
struct DaemonFinder {
    let places: BrokerPlaces

    /// The socket of the running daemon; nil when none answers.
    ///
    /// The daemon says in its home where it listens. A home that somebody else could write to is not believed.
    var socket: String? {
        guard PrivateFolder.isOurs(places.home, mayBeLink: true), let announced = Announcement.read(places.announcement)
        else {
            return nil
        }
        return SocketProbe.answers(announced.socket) ? announced.socket : nil
    }
}
