/// How the drivers count time: unsigned nanoseconds that saturate, so that a timeout of "for ever" is no overflow.
extension Duration {
    /// Whole nanoseconds; a negative duration is 0, one of more than 584 years the largest.
    package var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product.saturatingAdd(UInt64(attoseconds / 1_000_000_000))
    }
}

extension UInt64 {
    /// The sum, or the largest number where it does not fit.
    package func saturatingAdd(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
