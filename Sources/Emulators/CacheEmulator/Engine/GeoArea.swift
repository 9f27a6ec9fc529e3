#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What GEOSEARCH looks into: a circle or a rectangle round a point, in metres.
struct GeoArea {
    enum Shape {
        case circle(radius: Double)
        case rectangle(width: Double, height: Double)
    }

    var center: GeoPoint
    var shape: Shape
    /// In which unit the shape was given: metres in one.
    var unit: Double

    /// How far a point is from the centre; nil when it is not within.
    func distance(to point: GeoPoint) -> Double? {
        switch shape {
        case .circle(let radius):
            let distance = center.distance(to: point)
            return distance > radius * unit ? nil : distance
        case .rectangle(let width, let height):
            let along = GeoPoint.distance(fromLatitude: center.latitude, to: point.latitude)
            if along > height * unit / 2 { return nil }
            let across = point.distance(to: GeoPoint(longitude: center.longitude, latitude: point.latitude))
            return across > width * unit / 2 ? nil : center.distance(to: point)
        }
    }

    /// The cells to look into, in the order of Redis: the one of the centre, and those of its eight neighbours that the area
    /// reaches, none twice in a row.
    var cells: [GeoCell] {
        let bounds = bounds
        var steps = Self.steps(radius: outerRadius, latitude: center.latitude)
        var middle = GeoCell(center, steps: steps)
        let north = middle.neighbour(east: 0, north: 1).latitudes.upperBound
        let south = middle.neighbour(east: 0, north: -1).latitudes.lowerBound
        let east = middle.neighbour(east: 1, north: 0).longitudes.upperBound
        let west = middle.neighbour(east: -1, north: 0).longitudes.lowerBound
        let isShort =
            north < bounds.north || south > bounds.south || east < bounds.east || west > bounds.west
        if isShort, steps > 1 {
            steps -= 1
            middle = GeoCell(center, steps: steps)
        }

        let (across, along) = (middle.longitudes, middle.latitudes)
        var found = [middle]
        for (x, y) in [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)] {
            if steps >= 2 {
                if y < 0, along.lowerBound < bounds.south { continue }
                if y > 0, along.upperBound > bounds.north { continue }
                if x < 0, across.lowerBound < bounds.west { continue }
                if x > 0, across.upperBound > bounds.east { continue }
            }
            let cell = middle.neighbour(east: x, north: y)
            // Where a few cells are the whole earth, neighbours are one another's.
            if found.count > 1, found.last == cell { continue }
            found.append(cell)
        }
        return found
    }

    private var outerRadius: Double {
        switch shape {
        case .circle(let radius): radius * unit
        case .rectangle(let width, let height):
            ((width / 2) * (width / 2) + (height / 2) * (height / 2)).squareRoot() * unit
        }
    }

    private struct Bounds {
        var west: Double
        var south: Double
        var east: Double
        var north: Double
    }

    /// Of a rectangle of degrees round the area. Its sides are as long as the one that is farther from the equator asks for.
    private var bounds: Bounds {
        let (halfWidth, halfHeight): (Double, Double) =
            switch shape {
            case .circle(let radius): (radius * unit, radius * unit)
            case .rectangle(let width, let height): (width / 2 * unit, height / 2 * unit)
            }
        let along = GeoPoint.degrees(halfHeight / GeoPoint.earthRadius)
        let edge = center.latitude < 0 ? center.latitude - along : center.latitude + along
        let across = GeoPoint.degrees(halfWidth / GeoPoint.earthRadius / cos(GeoPoint.radians(edge)))
        return Bounds(
            west: center.longitude - across, south: center.latitude - along, east: center.longitude + across,
            north: center.latitude + along)
    }

    /// How fine a grid may be whose cell and its neighbours still hold a circle.
    private static func steps(radius: Double, latitude: Double) -> Int {
        let halfEquator = 20037726.37
        guard radius > 0 else { return GeoCell.mostSteps }
        var radius = radius
        var steps = 1
        while radius < halfEquator {
            radius *= 2
            steps += 1
        }
        steps -= 2
        // Towards the poles a cell is narrower.
        if abs(latitude) > 66 { steps -= 1 }
        if abs(latitude) > 80 { steps -= 1 }
        return min(max(steps, 1), GeoCell.mostSteps)
    }
}
