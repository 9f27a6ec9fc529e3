import TestKit

/// Draws commands whose replies do not depend on the time: delays, times to run and pauses are nothing or very long.
struct RandomCommands {
    private static let tubes = ["default", "a", "b", "c", "long-name/with;all.of$it_(all)"]
    private static let malformed = [
        "put 0 0 60 x", "put 0 0 60 1 x", "delete x", "release 1 2", "bury 1", "touch", "kick", "kick x", "peek 1 ",
        "use -x", "watch !", "ignore ", "pause-tube -a 0", "reserved", "stats-job", "nonsense", "",
        "reserve-with-timeout 99999999999999999999",
    ]

    private var generator: SeededRandom
    /// The highest id that may exist.
    var lastID: UInt64 = 1

    init(seed: UInt64) {
        generator = SeededRandom(seed: seed)
    }

    mutating func number(below bound: Int) -> Int {
        Int.random(in: 0..<bound, using: &generator)
    }

    /// One command with its CR LF, and its body. `canWait` allows one that may wait without end.
    mutating func next(canWait: Bool) -> String {
        switch number(below: 100) {
        case 0..<20: put()
        case 20..<34: canWait && number(below: 3) == 0 ? "reserve\r\n" : "reserve-with-timeout 0\r\n"
        case 34..<38: "reserve-job \(id())\r\n"
        case 38..<48: "delete \(id())\r\n"
        case 48..<56: "release \(id()) \(priority()) \(delay())\r\n"
        case 56..<62: "bury \(id()) \(priority())\r\n"
        case 62..<65: "touch \(id())\r\n"
        case 65..<68: "kick \(number(below: 4))\r\n"
        case 68..<70: "kick-job \(id())\r\n"
        case 70..<73: "use \(tube())\r\n"
        case 73..<77: "watch \(tube())\r\n"
        case 77..<80: "ignore \(tube())\r\n"
        case 80..<82: "peek \(id())\r\n"
        case 82..<88: ["peek-ready\r\n", "peek-delayed\r\n", "peek-buried\r\n"][number(below: 3)]
        case 88..<90: "stats-job \(id())\r\n"
        case 90..<92: "stats-tube \(tube())\r\n"
        case 92..<95: ["list-tubes\r\n", "list-tube-used\r\n", "list-tubes-watched\r\n", "stats\r\n"][number(below: 4)]
        case 95..<98: "pause-tube \(tube()) \(number(below: 3) == 0 ? 100_000 : 0)\r\n"
        default: Self.malformed[number(below: Self.malformed.count)] + "\r\n"
        }
    }

    private mutating func put() -> String {
        let size = number(below: 12)
        let body = String((0..<size).map { _ in Character(UnicodeScalar(UInt8(97 + number(below: 26)))) })
        let end = number(below: 40) == 0 ? "xx" : "\r\n"
        return "put \(priority()) \(delay()) \(100_000 + number(below: 9)) \(size)\r\n\(body)\(end)"
    }

    private mutating func tube() -> String {
        Self.tubes[number(below: Self.tubes.count)]
    }

    /// Mostly a recent job, which is mostly alive.
    private mutating func id() -> UInt64 {
        let age = UInt64(number(below: number(below: 4) == 0 ? 200 : 20))
        return lastID > age ? lastID - age : 1
    }

    private mutating func priority() -> Int {
        [0, 1, 2, 1023, 1024, 4_294_967_295][number(below: 6)]
    }

    private mutating func delay() -> Int {
        [0, 0, 0, 100_000, 100_000, 200_000][number(below: 6)]
    }
}
