/// Up to where the values of a keyspace stay in their packed forms: parameters of Redis, with their first values.
struct PackingLimits {
    /// `hash-max-listpack-entries`
    var hashFields = 512
    /// `hash-max-listpack-value`: of a field or its value, in bytes.
    var hashBytes = 64
    /// `zset-max-listpack-entries`
    var sortedSetMembers = 128
    /// `zset-max-listpack-value`, in bytes.
    var sortedSetBytes = 64
    /// `set-max-intset-entries`
    var integers = 512
    /// `list-max-listpack-size`: how the nodes of a list's payload are cut.
    var listNode = -2
    /// DEBUG QUICKLIST-PACKED-THRESHOLD: from so many bytes on an element of a payload stands alone.
    var listPlainBytes = longest

    /// A packed form is never longer, in bytes, whatever the limits say.
    static let longest = 1 << 30
    /// So many bytes are packed at the most, whatever CONFIG SET allows: what is packed is moved within one command.
    static let mostPacked = 1 << 20

    /// Nothing changes its form: for copies.
    static let none: PackingLimits = {
        var limits = PackingLimits()
        limits.hashFields = .max
        limits.hashBytes = .max
        limits.sortedSetMembers = .max
        limits.sortedSetBytes = .max
        limits.integers = .max
        return limits
    }()

    init() {}

    init(_ configuration: Configuration, listPlainBytes: Int) {
        self.listPlainBytes = listPlainBytes
        hashFields = configuration.number("hash-max-listpack-entries")
        hashBytes = configuration.number("hash-max-listpack-value")
        sortedSetMembers = configuration.number("zset-max-listpack-entries")
        sortedSetBytes = configuration.number("zset-max-listpack-value")
        integers = configuration.number("set-max-intset-entries")
        listNode = configuration.number("list-max-listpack-size")
    }
}
