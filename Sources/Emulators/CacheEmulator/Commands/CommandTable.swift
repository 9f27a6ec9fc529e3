import RESPWire

/// All commands, found by name without regard to case. Built once; every emulator uses the same.
///
/// A new family is one file and one line in `families`; a test reads the folder and names the line that is missing.
///
/// Safety of `@unchecked Sendable`: what the pointers lead to is written in `init` alone, before anybody has the table.
struct CommandTable: @unchecked Sendable {
    static let shared = CommandTable(families.flatMap { $0 })

    private static let families: [[Command]] = [
        connectionCommands, keyCommands, stringCommands, transactionCommands, pubSubCommands, serverCommands,
        listCommands, listMoveCommands, blockingCommands, sortedSetCommands, sortedSetRangeCommands,
        sortedSetAlgebraCommands, hashCommands, setCommands, setAlgebraCommands, bitCommands, streamCommands,
        streamReadCommands, streamGroupCommands, streamClaimCommands, streamInfoCommands, dumpCommands, scriptCommands,
        functionCommands, sortCommands, hyperLogLogCommands, geoCommands, geoSearchCommands, slowLogCommands,
        latencyCommands, memoryCommands, debugCommands, replicationCommands, saveCommands, accessCommands,
        clusterCommands, moduleCommands, pictureCommands, refusedCommands,
    ]

    let commands: UnsafeBufferPointer<Command>
    /// Of all commands, each with its subcommands behind it: by their numbers.
    let rows: [UnsafePointer<Command>]
    /// Of each command, where it has some.
    let options: [DatedOptions?]
    private let keys: UnsafePointer<UInt64>
    private let places: UnsafePointer<UInt16>
    private static let placeCount = 1024

    init(_ commands: [Command]) {
        // Never freed, as there is one table: a look at it counts no reference.
        let rows = UnsafeMutableBufferPointer<Command>.allocate(capacity: commands.count)
        _ = rows.initialize(from: commands)
        var numbered: [UnsafePointer<Command>] = []
        func number(_ rows: UnsafeMutableBufferPointer<Command>) {
            guard let first = rows.baseAddress else { return }
            for index in rows.indices {
                rows[index].number = numbered.count
                numbered.append(UnsafePointer(first + index))
                // Allocated for its container, and read by nobody yet.
                number(UnsafeMutableBufferPointer(mutating: rows[index].subcommands))
            }
        }
        number(rows)
        self.rows = numbered
        self.commands = UnsafeBufferPointer(rows)
        options = commands.map { command in CommandName(Bytes(command.name)).flatMap { DatedOptions.of($0) } }
        let places = UnsafeMutablePointer<UInt16>.allocate(capacity: Self.placeCount)
        places.initialize(repeating: 0, count: Self.placeCount)
        let keys = UnsafeMutablePointer<UInt64>.allocate(capacity: commands.count)
        for (index, command) in commands.enumerated() {
            let key = Self.key(Bytes(command.name))
            (keys + index).initialize(to: key)
            var place = Self.place(key)
            while places[place] != 0 { place = (place + 1) % Self.placeCount }
            places[place] = UInt16(index + 1)
        }
        self.keys = UnsafePointer(keys)
        self.places = UnsafePointer(places)
    }

    /// The row of an index.
    @inline(__always) func row(_ index: Int) -> UnsafePointer<Command> {
        commands.baseAddress.unsafelyUnwrapped + index
    }

    /// The index of a command, or nil.
    func index(of name: Bytes) -> Int? {
        guard name.count > 0, name.count <= 32 else { return nil }
        let key = Self.key(name)
        var place = Self.place(key)
        while places[place] != 0 {
            let index = Int(places[place]) - 1
            if keys[index] == key, name.isWord(commands[index].name) { return index }
            place = (place + 1) % Self.placeCount
        }
        return nil
    }

    /// The first 8 bytes, letters folded, mixed with the length.
    @inline(__always) private static func key(_ name: Bytes) -> UInt64 {
        var key: UInt64 = 0
        if name.count >= 8 {
            key = UnsafeRawPointer(name.start).loadUnaligned(as: UInt64.self)
        } else {
            for index in 0..<name.count { key |= UInt64(name.start[index]) << UInt64(index &* 8) }
        }
        return (key | 0x2020_2020_2020_2020) ^ UInt64(name.count) << 56
    }

    @inline(__always) private static func place(_ key: UInt64) -> Int {
        Int((key &* 0x9e37_79b9_7f4a_7c15) >> 54)
    }
}
