import Foundation
import Processes
import TestKit
import Testing

/// `make demo` after its build: the shop's script with the built program.
@Suite(.serialized) struct DemoTests {
    @Test(.requires(.redisServer)) func `the demo ends well and leaves no process, port or file`() async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardizedFileURL
        let folder = try TemporaryDirectory()
        let before = Self.leftovers()
        let ports = try Self.listening()
        var variables = ProcessInfo.processInfo.environment
        variables["BROKER"] = Broker.binary
        var command = ProcessCommand(
            root.appending(path: "docs/examples/shop/demo.sh").path, [], environment: variables,
            workingDirectory: folder.path)
        command.output = .append(path: folder.file("out"))
        command.error = .append(path: folder.file("err"))
        let demo = try ChildProcess.spawn(command)
        let status = await demo.exit(within: .seconds(120))
        if status == nil { await demo.terminate(grace: .seconds(20)) }
        let output = try String(contentsOfFile: folder.file("out"), encoding: .utf8)
        let error = try String(contentsOfFile: folder.file("err"), encoding: .utf8)
        #expect(status == .code(0), "\(error)")
        #expect(output.hasSuffix("\nno process, no port, no file.\n"))
        // Its own word for it is not taken.
        #expect(Self.leftovers().subtracting(before).isEmpty)
        #expect(try Self.listening().subtracting(ports).isEmpty)
        for pid in try FileManager.default.contentsOfDirectory(atPath: "/proc") where Int(pid) != nil {
            let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
            #expect(program?.hasPrefix("/tmp/shop.") != true, "process \(pid) is left")
        }
    }

    /// The demo's own folders.
    private static func leftovers() -> Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: "/tmp"))?.filter { $0.hasPrefix("shop.") } ?? [])
    }

    /// The local addresses of listening TCP sockets from 25000 to 31099, where the demo's ports are.
    private static func listening() throws -> Set<String> {
        let table = try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)
        return Set(
            table.split(separator: "\n").compactMap { line in
                let fields = line.split(separator: " ")
                guard fields.count > 3, fields[3] == "0A", let port = Int(fields[1].suffix(4), radix: 16) else {
                    return nil
                }
                return (25_000..<31_100).contains(port) ? String(fields[1]) : nil
            })
    }
}
