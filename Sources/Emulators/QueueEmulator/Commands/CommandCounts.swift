import BeanstalkWire

/// How often each command was given, malformed ones left out.
struct CommandCounts {
    private var counts = [UInt64](repeating: 0, count: CommandName.allCases.count)

    subscript(name: CommandName) -> UInt64 { counts[name.rawValue] }

    mutating func count(_ name: CommandName) {
        counts[name.rawValue] += 1
    }
}
