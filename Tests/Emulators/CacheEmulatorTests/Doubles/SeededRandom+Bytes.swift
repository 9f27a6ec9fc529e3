import TestKit

extension SeededRandom {
    /// Some bytes, mostly few of them.
    mutating func bytes() -> [UInt8] {
        let bounds = [4, 20, 130, 300, 5000]
        let count = below(bounds[below(100) < 98 ? below(3) : 3 + below(2)])
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}
