import RESPWire
import Testing

@testable import CacheEmulator

struct CommandTableTests {
    private let table = CommandTable.shared

    private func index(_ name: String) -> Int? { Array(name.utf8).withBytes { table.index(of: $0) } }

    @Test func `every command is found in any case`() {
        for (place, command) in table.commands.enumerated() {
            let name = command.name.description
            let mixed = String(
                name.enumerated().map { $0.offset % 2 == 0 ? Character($0.element.uppercased()) : $0.element })
            #expect(index(name) == place)
            #expect(index(name.uppercased()) == place)
            #expect(index(mixed) == place)
        }
    }

    @Test func `no name is there twice`() {
        let names = table.commands.map(\.name.description)
        #expect(Set(names).count == names.count)
        for command in table.commands {
            let parts = command.subcommands.map(\.name.description)
            #expect(Set(parts).count == parts.count)
            #expect(command.subcommands.allSatisfy { $0.container?.description == command.name.description })
        }
    }

    @Test func `names that are nearly right are not found`() {
        let names = Set(table.commands.map(\.name.description))
        for name in names {
            var others = [name + "x", String(name.dropLast()), "x" + name, name + " ", name + "\0"]
            var bytes = Array(name.utf8)
            for place in bytes.indices {
                bytes[place] ^= 1
                others.append(String(decoding: bytes, as: UTF8.self))
                bytes[place] ^= 1
                // Folding must not take other bytes for letters: `@` is no back quote, `[` no brace.
                bytes[place] ^= 0x40
                others.append(String(decoding: bytes, as: UTF8.self))
                bytes[place] ^= 0x40
            }
            for other in others where !names.contains(other.lowercased()) { #expect(index(other) == nil, "\(other)") }
        }
        #expect(index("") == nil)
        #expect(index(String(repeating: "get", count: 100)) == nil)
    }

    @Test func `rows are consistent`() {
        for command in table.commands {
            #expect(command.arity != 0)
            #expect(!command.flags.isSuperset(of: [.write, .readonly]), "\(command.name)")
            #expect(command.flags.contains(.write) || !command.flags.contains(.needsKeys), "\(command.name)")
            if command.keys.first > 0 { #expect(command.keys.step > 0) }
            #expect(command.name.description == command.name.description.lowercased())
        }
    }
}
