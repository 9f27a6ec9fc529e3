import ArgumentParser

/// A length of time on the command line: `250ms`, `2s`, `30m`, `1h`, `7d`; a number alone is seconds.
struct DurationArgument: ExpressibleByArgument, Equatable {
    let milliseconds: Int

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), !digits.isEmpty else { return nil }
        let unit: Int
        switch argument.dropFirst(digits.count) {
        case "ms": unit = 1
        case "", "s": unit = 1000
        case "m": unit = 60_000
        case "h": unit = 3_600_000
        case "d": unit = 24 * 3_600_000
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow, product <= 365 * 24 * 3_600_000 else { return nil }
        milliseconds = product
    }
}
