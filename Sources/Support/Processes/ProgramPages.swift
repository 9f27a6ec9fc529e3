import CSpawn

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The pages of this program's code that are in memory.
package enum ProgramPages {
    /// Unmaps them; each comes back from the system's cache of files when it is used next. What counts as this process's
    /// memory is then what it uses, and not what it has once used, as at its start.
    ///
    /// Only code that is as its file has it (madvise(2), `MADV_DONTNEED`): what a debugger has put a breakpoint in stays.
    /// On systems other than Linux nothing is done.
    package static func letGo() {
        #if os(Linux)
        for range in unchangedCode() {
            madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
        // What was freed below a block that lives stays with malloc otherwise.
        cspawn_trim_memory()
        #endif
    }

    /// How many bytes of it are in memory; 0 on systems other than Linux.
    package static func resident() -> Int {
        mappings().reduce(0) { $0 + $1.resident }
    }

    /// How long this process's threads have run, since its start.
    package static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    private static func unchangedCode() -> [Range<UInt>] {
        mappings().filter { $0.changed == 0 && !$0.range.isEmpty }.map(\.range)
    }

    /// Code that is mapped from a file.
    private struct Mapping {
        let range: Range<UInt>
        /// Bytes.
        var resident = 0
        var changed = 0
    }

    /// From `/proc/self/smaps` (proc_pid_smaps(5)): a line with addresses, permissions, offset, device, inode and path, and
    /// figures in kB behind it.
    private static func mappings() -> [Mapping] {
        var found: [Mapping] = []
        var isCode = false
        for line in (TextFile.read("/proc/self/smaps") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0].hasSuffix(":") {
                guard isCode, words.count > 1, let kilobytes = Int(words[1]), let last = found.indices.last else {
                    continue
                }
                switch words[0] {
                case "Rss:": found[last].resident = kilobytes << 10
                case "Anonymous:": found[last].changed = kilobytes << 10
                default: break
                }
                continue
            }
            let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            isCode =
                words.count >= 6 && words[1] == "r-xp" && words[4] != "0" && words[5].hasPrefix("/")
                && ends.count == 2 && ends[0] < ends[1]
            if isCode { found.append(Mapping(range: ends[0]..<ends[1])) }
        }
        return found
    }
}
