import TestKit
import Testing

@Suite(.comparedWithRedis)
struct GeoDifferentialTests {
    private static let places: [Step] = [
        "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", "GEOADD g 12.5 41.9 Rome 2.35 48.85 Paris",
        "GEOADD g 13.583333 37.316667 Agrigento 17.24151 38.788135 edge -0.1278 51.5074 London",
        "GEOADD g 179.9 -16.5 Fiji -179.8 -17 Tonga 0 0 Null -122.27 37.8 Oakland 139.69 35.68 Tokyo 151.2 -33.87 Sydney",
        "GEOADD g 25 85 North 10 -84.9 South",
    ]

    @Test func `places are added with the scores of Redis`() throws {
        try compare(
            Self.places + [
                "ZRANGE g 0 -1 WITHSCORES", "GEOADD g 13.361389 38.115556 Palermo", "GEOADD g CH 13.4 38.1 Palermo",
                "GEOADD g NX 1 1 Palermo 1 1 New", "GEOADD g XX 2 2 New 3 3 Newer", "GEOADD g XX CH 2 2.5 New",
                "GEOADD g NX XX 1 1 a",
                "GEOADD g nx ch 1 1 a 2 2 b", "GEOADD none XX 1 1 a", "EXISTS none",
                "GEOADD e -180 -85.05112878 a 180 85.05112878 b",
                "ZRANGE e 0 -1 WITHSCORES", "GEOPOS e a b", "GEOADD e 180.1 0 x", "GEOADD e 0 85.06 x",
                "GEOADD e x 0 y", "GEOADD e 0 y z",
                "GEOADD e 1 2", "GEOADD e 1 2 3 4", "GEOADD e", "GEOADD e XX NX CH", "GEOADD e NX CH XX x",
                "GEOADD e nan 1 x", "GEOADD e inf 1 x",
                "GEOADD e 1e-300 -0 x", "ZSCORE e x", "SET s v", "GEOADD s 1 1 a", "GEOADD s 200 1 a",
                "ZRANGE g 0 -1 WITHSCORES", "TYPE e",
                "GEOADD e 1 1 a 1 1 a 2 2 a", "ZSCORE e a", "GEOADD e 181 91 far",
            ])
    }

    @Test func `positions, distances and hashes have the same digits`() throws {
        try compare(
            Self.places + [
                "GEOPOS g Palermo Catania none Rome", "GEOPOS g", "GEOPOS none a b", "GEOPOS none",
                "GEOPOS g Fiji Tonga Null North South",
                "GEOHASH g Palermo Catania none", "GEOHASH g", "GEOHASH none a",
                "GEOHASH g Fiji Tonga Null North South London Sydney",
                "GEODIST g Palermo Catania", "GEODIST g Palermo Catania m", "GEODIST g Palermo Catania km",
                "GEODIST g Palermo Catania mi", "GEODIST g Palermo Catania FT", "GEODIST g Palermo Catania x",
                "ZADD odd -1 m -1e308 n 1e19 o 9007199254740993 p -5.5 q 1e300 r inf s", "GEOPOS odd m n o p q r s",
                "GEOHASH odd m n o p q r s", "GEODIST odd m n", "GEODIST g Palermo none", "GEODIST none a b",
                "GEODIST none a b x", "GEODIST g Palermo Palermo",
                "GEODIST g Fiji Tonga",
                "GEODIST g Null London km", "GEODIST g Palermo Catania km x", "GEODIST g Palermo",
                "GEODIST g North South km",
                "SET s v", "GEOPOS s a", "GEOHASH s a", "GEODIST s a b",
                "ZADD z 1 a 3.7 b 4503599627370495 c 9007199254740992 d",
                "GEOPOS z a b c", "GEOHASH z a b c", "GEODIST z a c", "GEOADD m 5 10 a 5 20 b", "GEODIST m a b",
            ])
    }

    @Test(arguments: [
        "GEORADIUS g 15 37", "GEORADIUS_RO g 15 37", "GEORADIUSBYMEMBER g Catania", "GEORADIUSBYMEMBER_RO g Catania",
    ])
    func `a radius finds`(_ command: String) throws {
        let options = [
            "200 km", "200 km ASC", "200 km DESC", "200 km WITHDIST", "200 km WITHCOORD WITHDIST WITHHASH ASC",
            "200 km COUNT 1", "200 km COUNT 1 DESC",
            "500 mi COUNT 2 ANY", "500 mi COUNT 3 ANY ASC WITHDIST", "500 mi ANY", "500 mi COUNT 0", "500 mi COUNT -1",
            "500 mi COUNT x", "500 mi COUNT",
            "0 m", "1 ft", "-1 km", "x km", "1 parsec", "1", "30000 km", "30000 km DESC WITHDIST",
            "5000 km COUNT 4 WITHHASH", "200 km BOGUS",
            "200 km STORE d", "200 km STOREDIST d", "200 km STORE d WITHDIST", "200 km STORE d STOREDIST d",
            "200 km STORE", "0 m STORE d",
            "1e400 km", "inf km", "nan km", "200 km BYRADIUS 1 m", "200 km COUNT 2 STOREDIST d ASC",
            "10000 km COUNT 5 DESC STORE d",
        ]
        try compare(
            Self.places
                + options.flatMap { [Step("\(command) \($0)"), "ZRANGE d 0 -1 WITHSCORES", "OBJECT ENCODING d"] })
    }

    @Test(arguments: ["GEOSEARCH g", "GEOSEARCHSTORE d g"]) func `a search finds`(_ command: String) throws {
        let centers = ["FROMLONLAT 15 37", "FROMMEMBER Rome", "FROMLONLAT 179 -16"]
        let shapes = ["BYRADIUS 300 km", "BYBOX 400 800 km", "BYBOX 10000 10000 km", "BYRADIUS 9000 mi", "BYBOX 0 0 m"]
        let options = ["", "ASC", "DESC COUNT 2", "COUNT 3 ANY", "WITHDIST WITHCOORD ASC", "STOREDIST", "COUNT 1"]
        let good = centers.flatMap { center in shapes.flatMap { shape in options.map { "\(center) \(shape) \($0)" } } }
        let bad = [
            "FROMLONLAT 1 1", "BYRADIUS 1 m", "FROMLONLAT 1 1 FROMMEMBER Rome BYRADIUS 1 m",
            "FROMMEMBER Rome FROMLONLAT 1 1 BYRADIUS 1 m",
            "FROMMEMBER Rome FROMMEMBER Paris BYRADIUS 1 m", "FROMMEMBER none BYRADIUS 1 m",
            "FROMLONLAT 1 1 BYBOX 1 1 m BYRADIUS 1 m",
            "FROMLONLAT 1 1 BYRADIUS 1 m BYBOX 1 1 m", "FROMLONLAT 1 1 BYBOX -1 1 m", "FROMLONLAT 1 1 BYBOX 1 -1 m",
            "FROMLONLAT 1 1 BYBOX x 1 m",
            "FROMLONLAT 1 1 BYBOX 1 x m", "FROMLONLAT 1 1 BYBOX 1 1", "FROMLONLAT 1 1 BYBOX 1 1 x",
            "FROMLONLAT 200 1 BYRADIUS 1 m",
            "FROMLONLAT x 1 BYRADIUS 1 m", "FROMLONLAT 1 1 BYRADIUS 1 m STORE d",
            "FROMLONLAT 1 1 BYRADIUS 1 m WITHHASH STOREDIST",
            "FROMLONLAT 1 1 BYRADIUS 1 m ANY", "FROMLONLAT 1 1 BYRADIUS 1 m COUNT 0",
            "FROMLONLAT 1 1 FROMLONLAT 2 2 BYRADIUS 1 m",
        ]
        try compare(Self.places + (good + bad).flatMap { [Step("\(command) \($0)"), "ZRANGE d 0 -1 WITHSCORES"] })
    }

    @Test func `missing keys and other types`() throws {
        try compare([
            "GEORADIUS none 1 1 1 km", "GEORADIUS none 1 1 x km", "GEORADIUSBYMEMBER none m 1 km",
            "GEORADIUSBYMEMBER none m x parsec",
            "GEORADIUSBYMEMBER none m 1 km BOGUS", "GEOSEARCH none FROMMEMBER m BYRADIUS 1 m",
            "GEOSEARCH none FROMMEMBER m BYRADIUS x m",
            "SET s v", "GEORADIUS s 1 1 1 km", "GEORADIUS s x 1 1 km", "GEORADIUSBYMEMBER s m 1 km",
            "GEOSEARCH s FROMMEMBER m BYRADIUS 1 m",
            "SET d v", "GEOSEARCHSTORE d none FROMMEMBER m BYRADIUS 1 m", "EXISTS d", "SET d v",
            "GEORADIUS none 1 1 1 m STORE d", "EXISTS d",
            "SET d v", "GEORADIUS none 1 1 1 m STORE d WITHDIST", "EXISTS d", "GEOADD g 1 1 a",
            "GEORADIUSBYMEMBER g none 1 km",
            "GEORADIUSBYMEMBER g none x km", "SET d v EX 100", "GEORADIUS g 50 50 1 m STORE d", "EXISTS d",
            "GEORADIUS g 1 1 1 km STORE g",
            "ZRANGE g 0 -1 WITHSCORES", "GEOSEARCHSTORE g g FROMLONLAT 1 1 BYRADIUS 10 km STOREDIST",
            "ZRANGE g 0 -1 WITHSCORES",
            "GEOSEARCH", "GEOSEARCHSTORE d g FROMLONLAT 1 1", "GEORADIUS g 1 1", "GEORADIUSBYMEMBER g a",
            "COMMAND GETKEYS GEORADIUS g 1 1 1 km STORE d", "COMMAND GETKEYS GEORADIUSBYMEMBER g m 1 km STOREDIST d",
            "COMMAND GETKEYS GEOSEARCHSTORE d g FROMLONLAT 1 1 BYRADIUS 1 m", "COMMAND GETKEYS GEORADIUS_RO g 1 1 1 km",
            "COMMAND GETKEYS GEORADIUS g 1 1 1 km",
        ])
    }

    @Test(arguments: [1.0, 20, 180]) func `random places and searches behave alike`(_ extent: Double) throws {
        func degrees(_ random: inout SeededRandom, _ most: Double) -> String {
            let part = Double(Int.random(in: -1_000_000...1_000_000, using: &random)) / 1_000_000
            return "\(part * min(most, extent))"
        }
        try compareRandomly { random in
            let point = "\(degrees(&random, 180)) \(degrees(&random, 85))"
            let member = "m\(random.below(300))"
            let unit = random.pick(["m", "km", "ft", "mi"])
            let metres = Double(1 + random.below(1000)) / 1000 * extent * random.pick([1000, 100_000, 150_000])
            let size = "\(metres / (["m": 1, "km": 1000, "ft": 0.3048, "mi": 1609.34][unit] ?? 1))"
            let options =
                random.maybe(random.pick(["ASC", "DESC"]))
                + random.maybe("COUNT \(1 + random.below(20))\(random.maybe("ANY"))")
            let with = random.maybe("WITHDIST") + random.maybe("WITHHASH") + random.maybe("WITHCOORD")
            let center = random.oneIn(2) ? "FROMLONLAT \(point)" : "FROMMEMBER \(member)"
            let shape = random.oneIn(2) ? "BYRADIUS \(size) \(unit)" : "BYBOX \(size) \(size) \(unit)"
            switch random.below(12) {
            case 0...4:
                return Step(
                    "GEOADD g \(point) \(member) \(degrees(&random, 180)) \(degrees(&random, 85)) m\(random.below(300))"
                )
            case 5: return Step("GEODIST g \(member) m\(random.below(300)) \(unit)")
            case 6: return Step("GEOPOS g \(member)")
            case 7: return Step("GEOHASH g \(member)")
            case 8: return Step("GEOSEARCH g \(center) \(shape)\(options)\(with)")
            case 9: return Step("GEORADIUS g \(point) \(size) \(unit)\(options)\(with)")
            case 10: return Step("GEORADIUSBYMEMBER g \(member) \(size) \(unit)\(options) STOREDIST d")
            default:
                return random.oneIn(2)
                    ? Step("ZRANGE d 0 -1 WITHSCORES") : Step("GEOSEARCHSTORE d g \(center) \(shape)\(options)")
            }
        }
    }
}
