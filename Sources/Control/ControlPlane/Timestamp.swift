#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Milliseconds since 1970 as RFC 3339 in UTC.
enum Timestamp {
    static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    static func text(_ milliseconds: Int64) -> String {
        let seconds = Int(milliseconds.dividedFloor(by: 1000))
        let fraction = Int(milliseconds) - seconds * 1000
        let days = seconds.dividedFloor(by: 86_400)
        let time = seconds - days * 86_400
        let (year, month, day) = date(days)
        return "\(pad(year, 4))-\(pad(month))-\(pad(day))T\(pad(time / 3600)):\(pad(time / 60 % 60)):\(pad(time % 60))"
            + ".\(pad(fraction, 3))Z"
    }

    /// The proleptic Gregorian date of a day since 1970, counted in eras of 400 years that begin in March.
    private static func date(_ days: Int) -> (Int, Int, Int) {
        let shifted = days + 719_468
        let era = shifted.dividedFloor(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        return (yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0), civilMonth, day)
    }

    private static func pad(_ number: Int, _ width: Int = 2) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}

extension BinaryInteger {
    fileprivate func dividedFloor(by divisor: Self) -> Self {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
