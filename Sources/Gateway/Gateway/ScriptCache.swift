import RESPWire

/// The scripts that clients have put into a server's cache, to be put into another one's: EVALSHA goes on there.
struct ScriptCache {
    /// In bytes, of all; beyond it the oldest go.
    private static let most = 8 << 20

    /// The oldest first.
    private(set) var scripts: [[UInt8]] = []
    private var known: Set<[UInt8]> = []
    private var size = 0
    /// How many have gone from the front.
    private(set) var gone = 0

    /// The number behind the last one, counted from the first that ever came.
    var end: Int { gone + scripts.count }

    /// Those of this number and behind it.
    func from(_ number: Int) -> ArraySlice<[UInt8]> { scripts[max(number - gone, 0)...] }

    /// Notes EVAL, SCRIPT LOAD and SCRIPT FLUSH.
    mutating func note(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) {
        if arguments[0].isWord("script") {
            if count > 1, arguments[1].isWord("flush") { return removeAll() }
            guard count == 3, arguments[1].isWord("load") else { return }
            add(arguments[2].array)
        } else if count > 2 {
            add(arguments[1].array)
        }
    }

    mutating func add(_ script: [UInt8]) {
        guard script.count <= Self.most, known.insert(script).inserted else { return }
        scripts.append(script)
        size += script.count
        while size > Self.most {
            let oldest = scripts.removeFirst()
            known.remove(oldest)
            size -= oldest.count
            gone += 1
        }
    }

    /// Has what a server's cache has, also where that was emptied since.
    mutating func follow(_ texts: [[UInt8]]) {
        if !known.isSubset(of: texts) { removeAll() }
        for text in texts { add(text) }
    }

    private mutating func removeAll() {
        gone += scripts.count
        scripts = []
        known = []
        size = 0
    }
}
