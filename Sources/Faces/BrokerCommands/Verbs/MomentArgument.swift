import ArgumentParser

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A point in time on the command line: `2030-01-01T00:00:00Z`, `2030-01-01`, or seconds since 1970.
struct MomentArgument: ExpressibleByArgument, Equatable {
    /// Since 1970.
    let milliseconds: Int64

    init?(argument: String) {
        if let seconds = Double(argument), abs(seconds) < 1e12 {
            milliseconds = Int64((seconds * 1000).rounded())
        } else if let date = Self.styles.lazy.compactMap({ try? Date(argument, strategy: $0) }).first {
            milliseconds = Int64((date.timeIntervalSince1970 * 1000).rounded())
        } else {
            return nil
        }
    }

    /// `2030-01-01T00:00:00.000Z`
    static func text(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(fractional)
    }

    private static let styles = [
        Date.ISO8601FormatStyle(), fractional, Date.ISO8601FormatStyle.iso8601.year().month().day(),
    ]
    private static let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}
