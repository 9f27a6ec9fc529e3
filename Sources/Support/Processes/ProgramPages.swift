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
    /// Code is as its file has it, so that nothing is lost (madvise(2), `MADV_DONTNEED`). On systems other than Linux
    /// nothing is done.
    package static func letGo() {
        #if os(Linux)
        for line in (TextFile.read("/proc/self/maps") ?? "").split(separator: "\n") {
            // ADDRESSES PERMISSIONS OFFSET DEVICE INODE PATH (proc_pid_maps(5)); what can be written to is not touched.
            let words = line.split(separator: " ", maxSplits: 5)
            guard words.count == 6, words[1] == "r-xp", words[5].contains("/") else { continue }
            let range = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard range.count == 2, range[0] < range[1] else { continue }
            madvise(UnsafeMutableRawPointer(bitPattern: range[0]), Int(range[1] - range[0]), MADV_DONTNEED)
        }
        #endif
    }

    /// How long this process's threads have run, since its start.
    package static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}
