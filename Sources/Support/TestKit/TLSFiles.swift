import Foundation
import Processes

/// Certificates of an authority of the test's own, made by openssl.
public struct TLSFiles: Sendable {
    /// The authority's certificate.
    public let authority: String
    /// For the address 127.0.0.1, without any name.
    public let server: String
    public let serverKey: String
    /// For the name elsewhere.example only, with the key of `server`.
    public let elsewhere: String
    /// For a client.
    public let client: String
    public let clientKey: String
    private let directory: TemporaryDirectory

    public init() async throws {
        directory = try TemporaryDirectory()
        let file = directory.file
        (authority, server, serverKey) = (file("ca.pem"), file("server.pem"), file("server.key"))
        (client, clientKey, elsewhere) = (file("client.pem"), file("client.key"), file("elsewhere.pem"))
        let script = """
            set -e
            new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -batch "$@"; }
            new -x509 -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
            for name in server client; do
                new -subj "/CN=$name" -keyout $name.key -out $name.csr
                printf 'subjectAltName = IP:127.0.0.1\\n' >$name.ext
                openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \\
                    -extfile $name.ext -out $name.pem
            done
            printf 'subjectAltName = DNS:elsewhere.example\\n' >elsewhere.ext
            openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \\
                -extfile elsewhere.ext -out elsewhere.pem
            """
        var command = ProcessCommand(
            "bash", ["-c", script], environment: ProcessInfo.processInfo.environment,
            workingDirectory: directory.path)
        command.output = .append(path: file("log"))
        command.error = .append(path: file("log"))
        let made = try ChildProcess.spawn(command)
        guard await made.exit(within: .seconds(60)) == .code(0) else {
            throw RealServer.Failure(
                description: (try? String(contentsOfFile: file("log"), encoding: .utf8)) ?? "openssl failed")
        }
    }

    /// The arguments with which a redis-server speaks TLS at `port` besides.
    public func arguments(port: UInt16, asksClients: Bool = false, certificate: String? = nil) -> [String] {
        [
            "--tls-port", "\(port)", "--tls-cert-file", certificate ?? server, "--tls-key-file", serverKey,
            "--tls-ca-cert-file",
            authority, "--tls-auth-clients", asksClients ? "yes" : "no",
        ]
    }
}
