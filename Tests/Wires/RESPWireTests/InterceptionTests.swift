import RESPWire
import Testing

@Suite struct InterceptionTests {
    private func isIntercepted(_ name: [UInt8]) -> Bool {
        name.withBytes { CommandName($0).flatMap(Interception.of) != nil }
    }

    @Test func `names are found whatever their case, and only whole`() {
        #expect(isIntercepted(Array("auth".utf8)) && isIntercepted(Array("AuTh".utf8)))
        #expect(isIntercepted(Array("punsubscribe".utf8)))
        for other in [
            "", "aut", "auths", "auth\0", "auth\0\0", "\0auth", "get", "sixteenletters..", "seventeenletters..",
            String(repeating: "x", count: 25),
        ] {
            #expect(!isIntercepted(Array(other.utf8)), "\(other.debugDescription)")
        }
    }
}
