/// The value of `client-output-buffer-limit`: for each class of clients how many bytes may wait for one of them.
struct OutputLimits: Equatable {
    struct Limit: Equatable {
        /// Above this a client is closed.
        var hard: Int64
        /// Above this it is closed after so many seconds.
        var soft: Int64
        var seconds: Int64
    }

    /// Why a text is none, in the words of Redis.
    enum Problem: String, Error {
        case count = "Wrong number of arguments in buffer limit configuration."
        case name = "Invalid client class specified in buffer limit configuration."
        case value = "Error in hard, soft or soft_seconds setting in buffer limit configuration."
    }

    private static let names = ["normal", "slave", "pubsub"]
    private var limits: [String: Limit] = [:]

    /// Nil where the text is none.
    init?(_ text: String) {
        do throws(Problem) { try apply(text) } catch { return nil }
    }

    /// `normal`, `slave` or `pubsub`.
    subscript(name: String) -> Limit? { limits[name] }

    /// Takes over the classes that a text names: `slave 256mb 64mb 60`.
    mutating func apply(_ text: String) throws(Problem) {
        let words = text.split(separator: " ")
        guard words.count % 4 == 0 else { throw .count }
        for index in stride(from: 0, to: words.count, by: 4) {
            let word = words[index].lowercased()
            let name = word == "replica" ? "slave" : word
            guard Self.names.contains(name) else { throw .name }
            guard let hard = Configuration.Kind.memory(String(words[index + 1])),
                let soft = Configuration.Kind.memory(String(words[index + 2])),
                let seconds = Int64(words[index + 3]), seconds >= 0
            else { throw .value }
            limits[name] = Limit(hard: hard, soft: soft, seconds: seconds)
        }
    }

    /// As CONFIG GET shows it.
    var text: String {
        Self.names.compactMap { name in
            limits[name].map { "\(name) \($0.hard) \($0.soft) \($0.seconds)" }
        }.joined(separator: " ")
    }

    /// The same but for replicas' limits: only they are kept here.
    func differsForReplicasOnly(from other: OutputLimits) -> Bool {
        var mine = self
        mine.limits["slave"] = other.limits["slave"]
        return mine == other
    }
}
