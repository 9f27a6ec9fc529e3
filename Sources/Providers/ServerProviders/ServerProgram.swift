import BrokerModel
import Processes

/// A program that is to serve resources of class `redis`: looked at before it is used.
struct ServerProgram: Sendable {
    let name: String
    /// The children's; nothing of the daemon's own environment reaches them.
    let environment: [String: String]

    /// The program and its version as it names itself: `redis 7.0.15`.
    ///
    /// Throws `programNotFound`, or `wrongServer` for a program that does not call itself a redis server.
    func check(timeout: Duration = .seconds(5)) async throws(BrokerError) -> String {
        let output: ProgramOutput
        do throws(SpawnError) {
            output = try await ProgramOutput.collect(
                ProcessCommand(name, ["--version"], environment: environment, workingDirectory: "/"), within: timeout)
        } catch {
            throw failure(error)
        }
        guard let server = Self.server(in: output.text) else {
            throw BrokerError(
                .wrongServer, "\"\(name)\" is no redis server",
                why: "with --version it does not say \"Redis server v=…\" or \"Valkey server v=…\"",
                fix: "name one that is, as in exec:redis-server")
        }
        return server
    }

    /// What a program that cannot be started means to the user.
    func failure(_ error: SpawnError) -> BrokerError {
        switch error {
        case .notFound:
            BrokerError(
                .programNotFound, "the program \"\(name)\" is not found",
                why: name.contains("/") ? "there is no such file" : "it is not on the daemon's PATH",
                fix: Self.installation(of: name)
                    ?? "install it, or name its path, as in exec:/usr/local/bin/redis-server")
        case .notExecutable:
            BrokerError(
                .wrongServer, "\"\(name)\" is no redis server", why: "\(error)", fix: "ls -l \(ShellWord.quoted(name))")
        case .failed: BrokerError(.needsAttention, "\"\(name)\" cannot be started", why: "\(error)", fix: "broker logs")
        }
    }

    /// Reads `Redis server v=7.0.15 sha=…` and `Valkey server v=8.0.1 …`.
    static func server(in text: String) -> String? {
        for (prefix, name) in [("Redis server v=", "redis"), ("Valkey server v=", "valkey")] {
            guard let line = text.split(whereSeparator: \.isNewline).first(where: { $0.hasPrefix(prefix) }) else {
                continue
            }
            let version = line.dropFirst(prefix.count).prefix { !$0.isWhitespace }
            if !version.isEmpty { return "\(name) \(version)" }
        }
        return nil
    }

    /// How the program is had; nil for one that broker does not know.
    static func installation(of name: String) -> String? {
        let base = name.split(separator: "/").last.map(String.init) ?? name
        #if os(Linux)
        return ["redis-server": "apt-get install redis-server", "valkey-server": "apt-get install valkey-server"][base]
        #else
        return ["redis-server": "brew install redis", "valkey-server": "brew install valkey"][base]
        #endif
    }
}
