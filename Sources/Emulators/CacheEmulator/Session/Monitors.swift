import EventLoop
import RESPWire

/// MONITOR: clients to which every command that runs is shown, but for those that administer.
extension CacheEmulator {
    func startMonitoring(_ client: CacheClient) {
        guard !client.isMonitor else { return }
        client.isMonitor = true
        monitors.append(client)
    }

    func stopMonitoring(_ client: CacheClient) {
        guard client.isMonitor else { return }
        client.isMonitor = false
        monitors.removeAll { $0 === client }
    }

    /// Shows a command that has run, or the one that runs a script before that; `+time [database address] "word" …`.
    @inline(never)
    func showToMonitors(
        _ command: Command, _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, _ client: CacheClient
    ) {
        guard command.runsScript || command.flags.isDisjoint(with: [.skipMonitor, .admin]) else { return }
        let now = microseconds
        var line = Array("+\(now / 1_000_000).".utf8)
        let micros = "\(now % 1_000_000)"
        line += Array(String(repeating: "0", count: 6 - micros.utf8.count).utf8) + Array(micros.utf8)
        let source = client.id == 0 && scriptCall != nil ? "lua" : client.connection.peerAddress
        line += Array(" [\(client.database) \(source)]".utf8)
        let secrets = SecretArguments.places(command, arguments, count)
        for index in 0..<count {
            line.append(UInt8(ascii: " "))
            line += secrets.contains(index) ? Array("\"(redacted)\"".utf8) : Self.quoted(arguments[index])
        }
        line += [13, 10]
        for monitor in monitors where !monitor.isDropped {
            line.withUnsafeBytes { monitor.connection.output.append($0) }
            checkOutput(of: monitor)
        }
    }

    private static func quoted(_ bytes: Bytes) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "\"")]
        for byte in bytes.raw {
            switch byte {
            case UInt8(ascii: "\\"), UInt8(ascii: "\""): text += [UInt8(ascii: "\\"), byte]
            case 10: text += Array("\\n".utf8)
            case 13: text += Array("\\r".utf8)
            case 9: text += Array("\\t".utf8)
            case 7: text += Array("\\a".utf8)
            case 8: text += Array("\\b".utf8)
            case 32...126: text.append(byte)
            default: text += Array("\\x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        text.append(UInt8(ascii: "\""))
        return text
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
