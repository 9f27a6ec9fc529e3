/// How far a server's clock is ahead of this machine's, and what that means for the times in commands: a key lives as
/// long on the one as on the other.
///
/// Rounded to a tenth of a second: what is left of it is within what was measured, and two who measure the same server
/// nearly always come to the same. Only the times when keys end are translated; a stream's ids and the delivery times of
/// its pending entries stay what the server has said.
public struct ClockOffset: Hashable, Sendable {
    public let milliseconds: Int64

    public static let none = ClockOffset(milliseconds: 0)

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// From a question that was sent and answered at these times here, in which the server has read `theirs`; all in
    /// milliseconds since 1970.
    public init(theirs: Int64, sent: Int64, answered: Int64) {
        let difference = theirs - (sent + (answered - sent) / 2)
        milliseconds = Int64((Double(difference) / 100).rounded()) * 100
    }

    public enum Side: Sendable {
        case ours
        case theirs
    }

    /// A time of the one side as the other one has it.
    public func time(_ time: Int64, of side: Side) -> Int64 {
        let (result, overflow) =
            side == .theirs
            ? time.subtractingReportingOverflow(milliseconds) : time.addingReportingOverflow(milliseconds)
        return overflow ? time : result
    }

    private enum Name {
        static let absttl = CommandName("absttl")
        static let exat = CommandName("exat")
        static let expireat = CommandName("expireat")
        static let getex = CommandName("getex")
        static let pexpire = Array("PEXPIREAT".utf8)
        static let pxat = CommandName("pxat")
        static let restore = CommandName("restore")
        static let set = CommandName("set")
    }

    /// A command of one side as the other one is to run it; nil where it can stay as it is. PEXPIREAT has more letters
    /// than a `CommandName`.
    public func translated(_ command: ReplicatedCommand, of side: Side) -> ReplicatedCommand? {
        guard milliseconds != 0 else { return nil }
        switch CommandName(of: command) {
        case Name.restore:
            guard command.arguments.indices.dropFirst(4).contains(where: { isWord($0, of: command, Name.absttl) }),
                let time = command.number(at: 2), time != 0
            else { return nil }
            return command.replacing([2: digits(max(self.time(Int64(time), of: side), 1))])
        case Name.expireat: return replacing(2, in: command, Name.pexpire, side, unit: 1000)
        case Name.set: return option(behind: 3, in: command, side)
        case Name.getex: return option(behind: 2, in: command, side)
        default:
            guard command.nameText == "PEXPIREAT" else { return nil }
            return replacing(2, in: command, Name.pexpire, side, unit: 1)
        }
    }

    /// Commands that stand one behind the other, as the other side is to run them.
    public func translated(_ commands: [UInt8], of side: Side) throws(ReplicationError) -> [UInt8] {
        guard milliseconds != 0 else { return commands }
        var stream = CommandStream(offset: 0)
        stream.append(commands)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(commands.count)
        while let command = try stream.next() { bytes += translated(command, of: side)?.bytes ?? command.bytes }
        return bytes
    }

    private func option(behind first: Int, in command: ReplicatedCommand, _ side: Side) -> ReplicatedCommand? {
        for index in command.arguments.indices.dropFirst(first) {
            let isSeconds = isWord(index, of: command, Name.exat)
            guard isSeconds || isWord(index, of: command, Name.pxat) else { continue }
            guard let time = command.number(at: index + 1) else { return nil }
            let (ms, overflow) = Int64(time).multipliedReportingOverflow(by: isSeconds ? 1000 : 1)
            guard !overflow else { return nil }
            return command.replacing([
                index: Array("PXAT".utf8), index + 1: digits(max(self.time(ms, of: side), 1)),
            ])
        }
        return nil
    }

    private func replacing(
        _ index: Int, in command: ReplicatedCommand, _ name: [UInt8], _ side: Side, unit: Int64
    ) -> ReplicatedCommand? {
        guard let time = command.number(at: index) else { return nil }
        let (ms, overflow) = Int64(time).multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        return command.replacing([0: name, index: digits(self.time(ms, of: side))])
    }

    private func isWord(_ index: Int, of command: ReplicatedCommand, _ name: CommandName) -> Bool {
        command.argument(index).map { $0.count < 9 && CommandName($0) == name } ?? false
    }

    private func digits(_ number: Int64) -> [UInt8] { Array("\(number)".utf8) }
}
