#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A place on the earth, in degrees.
struct GeoPoint {
    var longitude: Double
    var latitude: Double

    /// What the Mercator projection shows.
    static let latitudes = -85.05112878...85.05112878
    static let longitudes = -180.0...180.0

    var isValid: Bool { Self.longitudes.contains(longitude) && Self.latitudes.contains(latitude) }

    /// The mean radius of the earth that Redis reckons with, in metres.
    static let earthRadius = 6372797.560856

    static func radians(_ degrees: Double) -> Double { degrees * (Double.pi / 180) }
    static func degrees(_ radians: Double) -> Double { radians / (Double.pi / 180) }

    /// Metres along a meridian.
    static func distance(fromLatitude a: Double, to b: Double) -> Double {
        earthRadius * abs(radians(b) - radians(a))
    }

    /// Metres along a great circle, by the haversine formula.
    func distance(to other: GeoPoint) -> Double {
        let longer = sin((Self.radians(other.longitude) - Self.radians(longitude)) / 2)
        if longer == 0 { return Self.distance(fromLatitude: latitude, to: other.latitude) }
        let first = Self.radians(latitude)
        let second = Self.radians(other.latitude)
        let wider = sin((second - first) / 2)
        let square = wider * wider + cos(first) * cos(second) * longer * longer
        return 2 * Self.earthRadius * asin(square.squareRoot())
    }
}

/// A rectangle of a grid of 2^steps by 2^steps over the earth. Its name has the bits of column and row interleaved, the column's
/// above the row's; with all 26 steps that is the score of a member.
struct GeoCell: Equatable {
    var column: UInt32
    var row: UInt32
    let steps: Int

    static let mostSteps = 26

    /// Where a point is; `latitudes` is other than Mercator's for geohashes as the world writes them.
    init(_ point: GeoPoint, steps: Int = GeoCell.mostSteps, latitudes: ClosedRange<Double> = GeoPoint.latitudes) {
        self.steps = steps
        column = Self.index(of: point.longitude, in: GeoPoint.longitudes, steps)
        row = Self.index(of: point.latitude, in: latitudes, steps)
    }

    init(score: Double) {
        steps = Self.mostSteps
        // As C converts on the machines of today, also what has no room in 64 bits.
        let bits: UInt64 =
            switch score {
            case 0..<0x1p64: UInt64(score)
            case 0x1p64...: 0
            case -0x1p63..<0: UInt64(bitPattern: Int64(score))
            default: 1 << 63
            }
        column = Self.gathered(bits >> 1)
        row = Self.gathered(bits)
    }

    private static func index(of value: Double, in range: ClosedRange<Double>, _ steps: Int) -> UInt32 {
        let part = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        return UInt32(min(max(part * Double(1 << steps), 0), Double(UInt32.max)))
    }

    /// The name, in the lowest `2 * steps` bits.
    var bits: UInt64 { Self.spread(row) | Self.spread(column) << 1 }

    /// The least score in the cell.
    var firstScore: UInt64 { bits << UInt64(52 - 2 * steps) }
    /// The least score behind the cell.
    var endScore: UInt64 { (bits + 1) << UInt64(52 - 2 * steps) }

    /// A zero between any two bits.
    private static func spread(_ value: UInt32) -> UInt64 {
        var bits = UInt64(value)
        bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff
        bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff
        bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f
        bits = (bits | bits << 2) & 0x3333_3333_3333_3333
        return (bits | bits << 1) & 0x5555_5555_5555_5555
    }

    /// Every second bit, the lowest first.
    private static func gathered(_ value: UInt64) -> UInt32 {
        var bits = value & 0x5555_5555_5555_5555
        bits = (bits | bits >> 1) & 0x3333_3333_3333_3333
        bits = (bits | bits >> 2) & 0x0f0f_0f0f_0f0f_0f0f
        bits = (bits | bits >> 4) & 0x00ff_00ff_00ff_00ff
        bits = (bits | bits >> 8) & 0x0000_ffff_0000_ffff
        return UInt32(truncatingIfNeeded: bits | bits >> 16)
    }

    var longitudes: ClosedRange<Double> { Self.range(column, in: GeoPoint.longitudes, steps) }
    var latitudes: ClosedRange<Double> { Self.range(row, in: GeoPoint.latitudes, steps) }

    private static func range(_ index: UInt32, in whole: ClosedRange<Double>, _ steps: Int) -> ClosedRange<Double> {
        let extent = whole.upperBound - whole.lowerBound
        let parts = Double(1 << steps)
        let low = whole.lowerBound + Double(index) / parts * extent
        return low...max(low, whole.lowerBound + (Double(index) + 1) / parts * extent)
    }

    var center: GeoPoint {
        let (across, along) = (longitudes, latitudes)
        let longitude = (across.lowerBound + across.upperBound) / 2
        let latitude = (along.lowerBound + along.upperBound) / 2
        return GeoPoint(
            longitude: min(max(longitude, GeoPoint.longitudes.lowerBound), GeoPoint.longitudes.upperBound),
            latitude: min(max(latitude, GeoPoint.latitudes.lowerBound), GeoPoint.latitudes.upperBound))
    }

    /// The cell so many columns east and rows north, round the edges of the grid.
    func neighbour(east: Int, north: Int) -> GeoCell {
        var cell = self
        let mask = UInt32((1 << steps) - 1)
        cell.column = UInt32(truncatingIfNeeded: Int(column) + east) & mask
        cell.row = UInt32(truncatingIfNeeded: Int(row) + north) & mask
        return cell
    }

    /// The geohash of a point as the world writes it: 11 digits, of which the last has no bits left to tell.
    static func text(of point: GeoPoint) -> String {
        let digits = Array("0123456789bcdefghjkmnpqrstuvwxyz")
        let bits = GeoCell(point, latitudes: -90...90).bits
        var text = ""
        for place in 1...10 {
            let shift = UInt64(52 - place * 5)
            text.append(digits[Int((bits >> shift) & 0x1f)])
        }
        return text + "0"
    }
}
