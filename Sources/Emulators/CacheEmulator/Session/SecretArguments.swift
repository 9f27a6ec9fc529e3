import RESPWire

/// The places of a request's arguments that are shown to nobody: passwords, and all that makes a user.
///
/// As Redis where a request is written rightly. Of one that is not, Redis shows some; here whatever may be a password is
/// hidden: it was meant as one.
enum SecretArguments {
    static func places(_ command: Command, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Set<Int> {
        if command.flags.contains(.redacted) { return Set(2..<max(count, 2)) }
        switch command.fullName {
        case "auth": return Set(1..<max(count, 1))
        case "hello": return ofHello(arguments, count)
        case "config|set":
            return Set((2..<max(count, 2)).filter { isSecret(arguments[$0]) }.map { $0 + 1 })
        case "migrate": return ofMigrate(arguments, count)
        default: return []
        }
    }

    private static func ofHello(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Set<Int> {
        var places: Set<Int> = []
        var index = 2
        while index < count {
            if arguments[index].isWord("auth"), index + 2 < count {
                places.formUnion([index + 1, index + 2])
                index += 3
            } else if arguments[index].isWord("setname"), index + 1 < count {
                index += 2
            } else {
                break
            }
        }
        if count < 2 || index >= count && arguments[1].integer != nil { return places }
        // Whatever stands behind the first one: a value may read so, too.
        guard let word = (1..<count).first(where: { arguments[$0].isWord("auth") }) else { return places }
        return places.union(word + 1..<count)
    }

    private static func ofMigrate(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> Set<Int> {
        var places: Set<Int> = []
        var index = 6
        while index < count, !arguments[index].isWord("keys") {
            let secrets = arguments[index].isWord("auth") ? 1 : arguments[index].isWord("auth2") ? 2 : 0
            places.formUnion(index + 1..<index + 1 + secrets)
            index += 1 + secrets
        }
        return places
    }

    /// A parameter whose value is a secret, or says who has it.
    private static func isSecret(_ name: Bytes) -> Bool {
        name.isWord("requirepass") || name.isWord("masterauth") || name.isWord("masteruser")
            || name.isWord("tls-key-file-pass") || name.isWord("tls-client-key-file-pass")
    }
}
