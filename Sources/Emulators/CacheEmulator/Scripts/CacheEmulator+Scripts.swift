import RESPWire

/// What a live swap does with the scripts that clients have loaded.
extension CacheEmulator {
    /// The texts of the scripts that clients have loaded, or called by their digests.
    public var scriptTexts: [[UInt8]] { hasScripts ? scripts.lastingTexts : [] }

    /// Caches a script that clients have loaded elsewhere; one that is refused here is refused when it is asked for.
    public func cacheScript(_ text: [UInt8]) {
        text.withBytes { _ = scripts.load($0, isLasting: true) }
    }

    var hasFunctions: Bool { hasFunctionState && !functions.libraries.isEmpty }

    /// The libraries of functions as they were loaded, in that order.
    var libraryCodes: [[UInt8]] { hasFunctions ? functions.libraries.map(\.code) : [] }

    /// Has these libraries instead of those that are there. They were loaded once, so that none is refused.
    func loadLibraries(_ codes: [[UInt8]]) {
        guard codes != libraryCodes else { return }
        functions.removeAll()
        for code in codes { _ = try? functions.load(code, replaces: true) }
    }

    /// Bytes of the states of Lua: none before the first script.
    var lua: (eval: Int, functions: Int) {
        (hasScripts ? scripts.memory : 0, hasFunctionState ? functions.memory : 0)
    }
}
