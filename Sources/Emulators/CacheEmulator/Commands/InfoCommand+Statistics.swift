import RESPWire

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The sections of INFO that tell how much was done, and how fast.
extension CacheEmulator {
    /// `cmdstat_config|get`
    var commandLines: [(String, String)] {
        table.rows.compactMap { row in
            let count = commandStatistics.counted[row.pointee.number]
            guard count.calls > 0 || count.rejected > 0 || count.failed > 0 else { return nil }
            let time = count.estimatedTime / 1000
            let mean = count.calls == 0 ? 0 : time / Double(count.calls)
            return (
                "cmdstat_\(row.pointee.fullName)",
                """
                calls=\(count.calls),usec=\(Int(time)),usec_per_call=\(DoubleText.fixed(mean, digits: 2)),\
                rejected_calls=\(count.rejected),failed_calls=\(count.failed)
                """
            )
        }
    }

    /// `errorstat_ERR`; bytes that would break the line are shown as Redis shows them.
    var errorLines: [(String, String)] {
        commandStatistics.errors.map { word, count in
            let shown = word.map { Array("#:\n\r".utf8).contains($0) ? UInt8(ascii: "_") : $0 }
            return ("errorstat_\(String(decoding: shown, as: UTF8.self))", "count=\(count)")
        }.sorted { Array($0.0.utf8).lexicographicallyPrecedes(Array($1.0.utf8)) }
    }

    /// `latency_percentiles_usec_get`
    var latencyLines: [(String, String)] {
        guard commandStatistics.isTracking else { return [] }
        return table.rows.compactMap { row in
            guard let histogram = commandStatistics.histograms[row.pointee.number] else { return nil }
            let values = commandStatistics.percentiles.map { percentile in
                let value = Double(histogram.value(atPercentile: Double(percentile) ?? 0)) / 1000
                return "p\(percentile)=\(DoubleText.fixed(value, digits: 3))"
            }
            return ("latency_percentiles_usec_\(row.pointee.fullName)", values.joined(separator: ","))
        }
    }

    /// Of the process, which serves other resources as well, and of the thread of this one's loop.
    var processorLines: [(String, String)] {
        var lines: [(String, String)] = []
        func add(_ who: rusage, _ end: String) {
            lines.append(("used_cpu_sys\(end)", Self.seconds(who.ru_stime)))
            lines.append(("used_cpu_user\(end)", Self.seconds(who.ru_utime)))
        }
        var usage = rusage()
        #if canImport(Darwin)
        if getrusage(RUSAGE_SELF, &usage) == 0 { add(usage, "") }
        if getrusage(RUSAGE_CHILDREN, &usage) == 0 { add(usage, "_children") }
        #else
        // As Linux numbers the process, its children, and the thread that asks: C's names are of another type in each libc.
        if getrusage(0, &usage) == 0 { add(usage, "") }
        if getrusage(-1, &usage) == 0 { add(usage, "_children") }
        if getrusage(1, &usage) == 0 { add(usage, "_main_thread") }
        #endif
        return lines
    }

    private static func seconds(_ time: timeval) -> String {
        let digits = String(time.tv_usec)
        return "\(time.tv_sec)." + String(repeating: "0", count: max(6 - digits.count, 0)) + digits
    }
}

extension Database {
    /// Milliseconds that keys have left on average, of those in some segments that have any; 0 where none ends.
    func averageExpiry(at now: Int64) -> Int64 {
        guard expiringCount > 0 else { return 0 }
        var (sum, count, looks) = (0.0, 0, Self.looksForExpiry)
        var place = 0
        while place < table.directoryCount, looks > 0 {
            let segment = Segment(block: table.directory[place])
            place += 1 << Int(table.depth - segment.depth)
            guard segment.nextExpiry != Segment.never else { continue }
            looks -= 1
            for index in 0..<segment.capacity where segment.slots[index] != 0 {
                let entry = Segment.entry(segment.slots[index])
                guard entry.hasExpiry else { continue }
                sum += Double(max(entry.expiry &- now, 0))
                count += 1
            }
        }
        return count == 0 ? 0 : Int64(min(sum / Double(count), 0x1p62))
    }

    /// Segments of up to 512 keys.
    private static let looksForExpiry = 16
}
