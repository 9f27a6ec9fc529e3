import Processes
import TestKit
import Testing

@Suite struct FileUserTests {
    @Test(.enabled(if: isLinux, "only Linux tells"))
    func `who has a file open is named, by whatever path it is asked for`() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let command = ProcessCommand(
            "sh", ["-c", "exec 5> file; ln -s file link; exec sleep 600"], environment: ["PATH": "/usr/bin:/bin"],
            workingDirectory: folder.path)
        let user = try ChildProcess.spawn(command)
        try await eventually("it has the file open") {
            FileUser.find(of: folder.file("link")).map(\.description) == ["sleep (pid \(user.pid))"]
        }
        await user.terminate(grace: .zero)
        #expect(FileUser.find(of: folder.file("file")).isEmpty)
        #expect(FileUser.find(of: folder.file("none")).isEmpty)
    }
}

#if os(Linux)
private let isLinux = true
#else
private let isLinux = false
#endif
