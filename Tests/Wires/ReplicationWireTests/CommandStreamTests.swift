import ReplicationWire
import Testing

@Suite struct CommandStreamTests {
    private static let set = ReplicatedCommand("SET", "key", "value")
    private static let ping = ReplicatedCommand("PING")
    private static let binary = ReplicatedCommand([Array("SET".utf8), [0, 13, 10], [UInt8](repeating: 42, count: 300)])

    private func all(_ stream: inout CommandStream) throws -> [ReplicatedCommand] {
        var commands: [ReplicatedCommand] = []
        while let command = try stream.next() { commands.append(command) }
        return commands
    }

    @Test func `the same bytes cut at every place give the same commands and offsets`() throws {
        let bytes = Self.set.bytes + [10] + Self.ping.bytes + Array("*0\r\n\r\n".utf8) + Self.binary.bytes
        for cut in 0...bytes.count {
            var stream = CommandStream(offset: 1000)
            stream.append(Array(bytes[..<cut]))
            var commands = try all(&stream)
            stream.append(Array(bytes[cut...]))
            commands += try all(&stream)
            #expect(commands == [Self.set, Self.ping, Self.binary], "cut at \(cut)")
            #expect(stream.offset == 1000 + Int64(bytes.count), "cut at \(cut)")
        }
        var stream = CommandStream(offset: 0)
        var commands: [ReplicatedCommand] = []
        for byte in bytes {
            stream.append([byte])
            commands += try all(&stream)
        }
        #expect(commands == [Self.set, Self.ping, Self.binary])
    }

    @Test func `the offset is behind the last whole command, from where a lost link goes on`() throws {
        var stream = CommandStream(offset: 7)
        stream.append(Self.set.bytes + Self.binary.bytes.prefix(20))
        #expect(try all(&stream) == [Self.set])
        #expect(stream.offset == 7 + Int64(Self.set.bytes.count))
        stream.restart()
        stream.append(Self.binary.bytes + Self.ping.bytes)
        #expect(try all(&stream) == [Self.binary, Self.ping])
        #expect(stream.offset == 7 + Int64(Self.set.bytes.count + Self.binary.bytes.count + Self.ping.bytes.count))
    }

    @Test func `many commands keep no more memory than is waiting`() throws {
        var stream = CommandStream(offset: 0)
        let large = ReplicatedCommand([Array("SET".utf8), Array("k".utf8), [UInt8](repeating: 1, count: 3 << 20)])
        for round in 0..<40 {
            let command = round % 10 == 0 ? large : Self.binary
            var begin = 0
            var found: [ReplicatedCommand] = []
            while begin < command.bytes.count {
                let end = min(begin + 64 << 10, command.bytes.count)
                stream.append(Array(command.bytes[begin..<end]))
                found += try all(&stream)
                begin = end
            }
            #expect(found == [command])
        }
    }

    @Test(arguments: [
        "SET key value\r\n", "*x\r\n", "*-1\r\n", "*1\r\n+PING\r\n", "*1\r\n$-1\r\n", "*1\r\n$4\r\nPINGxx",
        "*1\r\n$4x\r\n",
        "\rx", "*111111111111111111111111111111", "*1\rx",
    ])
    func `what is no command is told`(text: String) {
        var stream = CommandStream(offset: 0)
        stream.append(Array(text.utf8))
        #expect(throws: ReplicationError.self) { try stream.next() }
    }

    @Test(arguments: ["*1048577\r\n", "*1\r\n$536870913\r\n"])
    func `lengths are bounded`(text: String) {
        var stream = CommandStream(offset: 0)
        stream.append(Array(text.utf8))
        let error = #expect(throws: ReplicationError.self) { try stream.next() }
        guard case .tooLarge = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }

    @Test func `a command of many large arguments is bounded as a whole`() throws {
        var limits = ReplicationLimits()
        limits.commandBytes = 1000
        var stream = CommandStream(offset: 0, limits: limits)
        stream.append(Array("*100\r\n".utf8))
        for _ in 0..<3 { stream.append(Array("$300\r\n".utf8) + [UInt8](repeating: 7, count: 300) + [13, 10]) }
        #expect(try stream.next() == nil)
        stream.append(Array("$300\r\n".utf8))
        #expect(throws: ReplicationError.tooLarge(limit: 1000)) { try stream.next() }
    }

    @Test func `an announced length is no memory`() throws {
        var stream = CommandStream(offset: 0)
        stream.append(Array("*1048576\r\n$536870912\r\nabc".utf8))
        #expect(try stream.next() == nil)
        #expect(stream.offset == 0)
    }
}
