import Foundation
import ProviderConformance
import Testing

// The code of the library's article: ArchitectureTests looks whether it has it word for word.

// article: a provider
struct FileProvider: Provider {
    let folder: String

    let offerings = [Offering(.sqlite, plans: [.durable], modes: [.direct])]

    func serves(_ reference: ProviderReference) -> Bool { reference == .emulator }

    func check(_: CheckRequest) async throws(BrokerError) -> CheckResponse { CheckResponse(server: "files") }

    func provision(_ request: ProvisionRequest) async throws(BrokerError) -> ProvisionResponse {
        let path = path(of: request.backing)
        // Made again it is found: what it holds is not touched.
        let files = FileManager.default
        guard files.fileExists(atPath: path) || files.createFile(atPath: path, contents: nil) else {
            throw BrokerError(.unsafe, "cannot make \"\(path)\"", why: "the folder takes no files", fix: "df \(folder)")
        }
        return ProvisionResponse(upstream: nil, path: path, server: "files")
    }

    func deprovision(_ request: DeprovisionRequest) async throws(BrokerError) -> DeprovisionResponse {
        try? FileManager.default.removeItem(atPath: path(of: request.backing))
        return DeprovisionResponse()
    }

    func bind(_ request: BindRequest) async throws(BrokerError) -> BindResponse {
        let url = "sqlite:///" + path(of: request.backing)
        return BindResponse(direct: DirectURL(url: Secret(url), masked: url))
    }

    func unbind(_: UnbindRequest) async throws(BrokerError) -> UnbindResponse {
        UnbindResponse(warning: "who has the file open keeps it")
    }

    private func path(of backing: Backing) -> String { "\(folder)/\(backing.id)" }
}
// end of article

// article: its test
@Suite struct FileProviderTests {
    @Test(arguments: ContractCheck.allCases) func `the files keep the contract`(check: ContractCheck) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "files-\(BackingID.random())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var aids = ConformanceAids()
        aids.leftovers = { Set(try FileManager.default.contentsOfDirectory(atPath: folder)) }
        let provider = FileProvider(folder: folder)
        try await ProviderConformance(provider, reference: .emulator, serviceClass: .sqlite, aids: aids).run(check)
    }
}
// end of article
