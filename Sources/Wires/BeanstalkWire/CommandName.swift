/// The 25 commands. The raw value counts from 0, for tables by command.
public enum CommandName: Int, CaseIterable, Sendable {
    case put
    case use
    case reserve
    case reserveWithTimeout
    case reserveJob
    case delete
    case release
    case bury
    case touch
    case watch
    case ignore
    case peek
    case peekReady
    case peekDelayed
    case peekBuried
    case kick
    case kickJob
    case stats
    case statsJob
    case statsTube
    case listTubes
    case listTubeUsed
    case listTubesWatched
    case pauseTube
    case quit
}

extension CommandName {
    /// Finds the command that a line begins with, and how many bytes of the line belong to its word.
    ///
    /// Like 1.12 it compares beginnings, case-sensitively: a word with arguments needs the space after it
    /// (`use` alone is unknown), a word without them does not (`reserved` is a malformed `reserve`, `quitter` quits,
    /// `pause-tubex 1` pauses `x`).
    static func leading(_ line: UnsafeRawBufferPointer) -> (name: CommandName, length: Int)? {
        guard let first = line.first else { return nil }
        switch first {
        case UInt8(ascii: "p"):
            if line.begins(with: "put ") { return (.put, 4) }
            if line.begins(with: "peek ") { return (.peek, 5) }
            if line.begins(with: "peek-ready") { return (.peekReady, 10) }
            if line.begins(with: "peek-delayed") { return (.peekDelayed, 12) }
            if line.begins(with: "peek-buried") { return (.peekBuried, 11) }
            if line.begins(with: "pause-tube") { return (.pauseTube, 10) }
        case UInt8(ascii: "r"):
            if line.begins(with: "reserve-with-timeout ") { return (.reserveWithTimeout, 21) }
            if line.begins(with: "reserve-job ") { return (.reserveJob, 12) }
            if line.begins(with: "reserve") { return (.reserve, 7) }
            if line.begins(with: "release ") { return (.release, 8) }
        case UInt8(ascii: "s"):
            if line.begins(with: "stats-job ") { return (.statsJob, 10) }
            if line.begins(with: "stats-tube ") { return (.statsTube, 11) }
            if line.begins(with: "stats") { return (.stats, 5) }
        case UInt8(ascii: "l"):
            if line.begins(with: "list-tubes-watched") { return (.listTubesWatched, 18) }
            if line.begins(with: "list-tube-used") { return (.listTubeUsed, 14) }
            if line.begins(with: "list-tubes") { return (.listTubes, 10) }
        case UInt8(ascii: "k"):
            if line.begins(with: "kick ") { return (.kick, 5) }
            if line.begins(with: "kick-job ") { return (.kickJob, 9) }
        case UInt8(ascii: "d"): if line.begins(with: "delete ") { return (.delete, 7) }
        case UInt8(ascii: "b"): if line.begins(with: "bury ") { return (.bury, 5) }
        case UInt8(ascii: "t"): if line.begins(with: "touch ") { return (.touch, 6) }
        case UInt8(ascii: "u"): if line.begins(with: "use ") { return (.use, 4) }
        case UInt8(ascii: "w"): if line.begins(with: "watch ") { return (.watch, 6) }
        case UInt8(ascii: "i"): if line.begins(with: "ignore ") { return (.ignore, 7) }
        case UInt8(ascii: "q"): if line.begins(with: "quit") { return (.quit, 4) }
        default: break
        }
        return nil
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func begins(with word: StaticString) -> Bool {
        guard count >= word.utf8CodeUnitCount else { return false }
        for index in 0..<word.utf8CodeUnitCount where self[index] != word.utf8Start[index] { return false }
        return true
    }
}
