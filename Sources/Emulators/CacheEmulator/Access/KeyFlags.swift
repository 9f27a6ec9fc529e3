import RESPWire

/// What a command does with each of its keys, in the words of COMMAND GETKEYSANDFLAGS: what its specification says of the
/// place (`KeyUse`), but where the options of the request say more.
enum KeyFlags {
    private static let reads: StaticString = "RO access"
    private static let overwrites: StaticString = "OW update"

    /// For keys at these places, in their order.
    static func of(
        _ row: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ places: [Int]
    ) -> [[Substring]] {
        let command = row.pointee
        let uses = command.catalogueNumber.map { KeyUse.byCommand[$0] } ?? []
        // All of MIGRATE's are what its first is.
        let told =
            command.keys.areMigrated
            ? [] : uses.map { (places: $0.places?.indices(arguments, count) ?? [], flags: $0.flags) }
        let store = command.keys.storeFrom > 0 ? command.keys.storePlace(arguments, count) : nil
        return places.enumerated().map { number, place in
            var flags =
                place == store
                ? overwrites : told.first { $0.places.contains(place) }?.flags ?? uses.first?.flags ?? reads
            if number == 0 { flags = narrowed(flags, command, arguments, count) }
            return flags.description.split(separator: " ")
        }
    }

    /// SET reads only with GET, and BITFIELD writes only where it says so.
    private static func narrowed(
        _ flags: StaticString, _ command: Command, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int
    ) -> StaticString {
        guard let number = command.catalogueNumber else { return flags }
        guard ["set", "bitfield"].contains(command.name.description) else { return flags }
        let use = withUnsafePointer(to: command) { command in
            var keys = UsedKeys(number, command, arguments, count)
            return keys.keys.first?.permissions
        }
        switch use {
        case KeyPermissions.write: return overwrites
        case KeyPermissions.read: return reads
        default: return "RW access update"
        }
    }
}
