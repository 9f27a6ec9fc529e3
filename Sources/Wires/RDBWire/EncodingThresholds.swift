/// Which encoding a value gets by its size: the settings of Redis with the same names, and its defaults.
public struct EncodingThresholds: Equatable, Sendable {
    /// `rdbcompression`: strings above 20 bytes are compressed where that makes them shorter.
    public var compresses = true
    /// `list-max-listpack-size`: elements of a list's node; -1 to -5 mean 4, 8, 16, 32 and 64 KiB instead.
    public var listMaxListpackSize = -2
    /// Bytes from which on an element of a list stands alone, in no listpack; what DEBUG QUICKLIST-PACKED-THRESHOLD
    /// sets.
    public var listPlainBytes = 1 << 30
    public var setMaxIntsetEntries = 512
    public var hashMaxListpackEntries = 512
    /// In bytes, of names and values.
    public var hashMaxListpackValue = 64
    /// `zset-max-listpack-entries`
    public var sortedSetMaxListpackEntries = 128
    /// `zset-max-listpack-value`, in bytes.
    public var sortedSetMaxListpackValue = 64
    /// 0 is no limit but that of listpacks.
    public var streamNodeMaxBytes = 4096
    /// 0 is no limit.
    public var streamNodeMaxEntries = 100

    public init() {}

    /// Above this no element is added to a listpack, whatever the settings say.
    static let listpackMaxBytes = 1 << 30
    /// Bytes of a list's node whose elements are counted.
    private static let countedNodeMaxBytes = 8192

    /// Whether a list's node of `bytes` and `count` elements takes an element that may make it `newBytes` long.
    func listNodeAdmits(count: Int, newBytes: Int) -> Bool {
        if listMaxListpackSize < 0 {
            return newBytes <= 4096 << min(-1 - max(listMaxListpackSize, -5), 4)
        }
        return newBytes <= Self.countedNodeMaxBytes && count < listMaxListpackSize
    }
}
