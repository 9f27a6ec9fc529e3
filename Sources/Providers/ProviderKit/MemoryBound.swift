/// How much memory a backing may take, as it reckons itself, and what it throws away where that is too little.
public struct MemoryBound: Equatable, Sendable {
    /// 0 is no limit.
    public var bytes: Int
    /// As `maxmemory-policy` has it: `allkeys-lru`.
    public var policy: String

    public init(bytes: Int, policy: String) {
        self.bytes = bytes
        self.policy = policy
    }
}
