import Testing

@testable import ReplicationWire

/// Times of one clock as the other has them.
@Suite struct ClockOffsetTests {
    private let ahead = ClockOffset(milliseconds: 5000)

    private func translated(_ line: String, of side: ClockOffset.Side) -> String? {
        let command = ReplicatedCommand(line.split(separator: " ").map { Array($0.utf8) })
        return ahead.translated(command, of: side).map { command in
            command.arguments.map { String(decoding: command.bytes[$0], as: UTF8.self) }.joined(separator: " ")
        }
    }

    @Test func `it is measured at the middle of the question, to a tenth of a second`() {
        #expect(ClockOffset(theirs: 10_140, sent: 10_000, answered: 10_020) == ClockOffset(milliseconds: 100))
        #expect(ClockOffset(theirs: 10_040, sent: 10_000, answered: 10_020) == .none)
        #expect(ClockOffset(theirs: 8_000, sent: 10_000, answered: 10_000) == ClockOffset(milliseconds: -2000))
    }

    @Test(arguments: [
        ("RESTORE k 9000 payload REPLACE ABSTTL", "RESTORE k 4000 payload REPLACE ABSTTL"),
        // A time of 0 would mean none.
        ("RESTORE k 4000 payload ABSTTL", "RESTORE k 1 payload ABSTTL"),
        ("PEXPIREAT k 9000", "PEXPIREAT k 4000"),
        ("expireat k 9 GT", "PEXPIREAT k 4000 GT"),
        ("SET k PXAT PXAT 9000", "SET k PXAT PXAT 4000"),
        ("SET k v KEEPTTL", nil),
        ("SET k v exat 9 NX", "SET k v PXAT 4000 NX"),
        ("GETEX k PXAT 9000", "GETEX k PXAT 4000"),
        // In how long, or not at all.
        ("RESTORE k 9000 payload REPLACE", nil), ("RESTORE k 0 payload ABSTTL", nil), ("EXPIRE k 9", nil),
        ("SET k v PX 9000", nil), ("SET PXAT 9000", nil), ("PEXPIREAT k soon", nil), ("PEXPIRE k 9000", nil),
        ("SET k v EXAT 9223372036854775807", nil), ("SET k v PXAT", nil), ("PEXPIREAT k", nil),
    ])
    func `a server's time becomes ours`(command: String, expected: String?) {
        #expect(translated(command, of: .theirs) == expected)
    }

    @Test func `and ours the server's`() {
        #expect(translated("PEXPIREAT k 4000", of: .ours) == "PEXPIREAT k 9000")
        #expect(ahead.time(ahead.time(123_456, of: .ours), of: .theirs) == 123_456)
        #expect(ahead.time(.max, of: .ours) == .max)
        #expect(ClockOffset.none.translated(ReplicatedCommand("PEXPIREAT", "k", "1"), of: .ours) == nil)
    }
}
