import RESPWire
import Testing

@testable import CacheEmulator

@Suite struct AccessTests {
    private func rights(_ rules: String...) throws -> AccessRights {
        var rights = AccessRights()
        for rule in rules { try rights.apply(word: Array(rule.utf8)) }
        return rights
    }

    @Test func `every command of the table is one of the catalogue`() {
        for command in CommandTable.shared.commands {
            #expect(command.catalogueNumber != nil, "\(command.name)")
            for part in command.subcommands { #expect(part.catalogueNumber != nil, "\(part.fullName)") }
        }
        #expect(CommandCatalogue.shared.names.count <= CommandSet.capacity)
    }

    @Test func `every command is fast or slow`() {
        let catalogue = CommandCatalogue.shared
        for number in catalogue.names.indices {
            let categories = catalogue.categories(of: number)
            #expect(categories.contains(.fast) != categories.contains(.slow))
        }
    }

    @Test func `rules that were written give the rights that were meant`() throws {
        for rules in [
            ["+@all", "-@admin", "+config|get", "-get"], ["+@read", "-@hash", "+set"], ["+@slow", "-@dangerous"],
            ["+@all", "-@all", "+select|0", "+client", "-client|kill"],
        ] {
            var given = AccessRights()
            for rule in rules { try given.apply(word: Array(rule.utf8)) }
            var read = AccessRights()
            for rule in given.root.commandRules.split(separator: UInt8(ascii: " ")) {
                try read.apply(word: Array(rule))
            }
            #expect(read == given)
        }
    }

    @Test func `a user within another has nothing that the other has not`() throws {
        let wide = try rights("~a*", "%R~b*", "&c*", "+@all", "-config", "(~x +set)")
        #expect(try rights("~ab", "+get").isWithin(wide, butFor: CommandSet()))
        #expect(try rights("(~x +set)").isWithin(wide, butFor: CommandSet()))
        #expect(try !rights("~x", "+get").isWithin(wide, butFor: CommandSet()))
        #expect(try !rights("~bb", "+get").isWithin(wide, butFor: CommandSet()))
        #expect(try !rights("+config|get").isWithin(wide, butFor: CommandSet()))
        #expect(try !rights("~a*", "+@all").isWithin(wide, butFor: CommandSet()))
    }

    @Test func `the log is bounded, and counts what is repeated within a minute`() {
        var log = AccessLog()
        func note(_ object: String, at time: Int64) {
            log.note(
                AccessLog.Entry(
                    reason: .key, context: .toplevel, object: Array(object.utf8), user: [], time: time, client: ""))
        }
        note("a", at: 0)
        note("b", at: 1)
        note("a", at: 60_000)
        #expect(log.entries.map(\.count) == [2, 1])
        note("a", at: 120_001)
        #expect(log.entries.map(\.count) == [1, 2, 1])
        for number in 0..<1000 { note("\(number)", at: 200_000) }
        #expect(log.entries.count == 128)
        log.most = 3
        #expect(log.entries.count == 3)
    }

    @Test func `a client with all rights stays plain, one of a made user is not`() {
        let cache = EmulatorAtHand()
        #expect(cache.run("ACL SETUSER u on nopass ~* +@all") == "+OK\r\n")
        #expect(cache.isPlain)
        cache.become("u")
        #expect(!cache.isPlain)
        #expect(cache.run("GET k") == "$-1\r\n")
        #expect(cache.run("ACL WHOAMI") == "$1\r\nu\r\n")
    }
}

extension EmulatorAtHand {
    fileprivate var isPlain: Bool { withClient { $0.isPlain } }

    fileprivate func become(_ user: String) {
        withClient { client in
            _ = Array(user.utf8).withBytes { emulator.logIn(client, user: $0, password: Bytes("")) }
        }
    }
}
