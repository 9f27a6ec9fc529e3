import BrokerModel
import Foundation
import Testing

@testable import BrokerCommands

@Suite final class WorkspaceResolutionTests {
    /// Outside every git work tree: the system's temporary folder.
    private let root: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "workspace-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        root = folder.resolvingSymlinksInPath().path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)
    }

    private func folder(_ path: String) throws -> String {
        try FileManager.default.createDirectory(atPath: "\(root)/\(path)", withIntermediateDirectories: true)
        return "\(root)/\(path)"
    }

    private func file(_ path: String) throws {
        try Data("version: 1\n".utf8).write(to: URL(filePath: "\(root)/\(path)"))
    }

    private func resolve(
        _ directory: String, option: String? = nil, environment: [String: String] = [:]
    ) throws -> String {
        try WorkspaceResolution.resolve(option: option, environment: environment, directory: directory).rawValue
    }

    @Test func `the folder of the nearest broker.yaml upward is the workspace`() throws {
        let deep = try folder("shop/web/src")
        try file("shop/broker.yaml")
        let name = try resolve(deep)
        #expect(name.hasPrefix("shop-"))
        #expect(name == (try resolve("\(root)/shop")))
        try file("shop/web/broker.yaml")
        #expect(try resolve(deep).hasPrefix("web-"))
    }

    @Test func `else the root of the git work tree, whose .git is a folder or a file`() throws {
        let inRepository = try folder("repository/a/b")
        _ = try folder("repository/.git")
        #expect(try resolve(inRepository).hasPrefix("repository-"))
        let inLinked = try folder("linked/a")
        try file("linked/.git")
        #expect(try resolve(inLinked).hasPrefix("linked-"))
    }

    @Test func `a broker.yaml above a work tree wins, since it was put there on purpose`() throws {
        let deep = try folder("mono/service/src")
        _ = try folder("mono/service/.git")
        try file("mono/broker.yaml")
        #expect(try resolve(deep).hasPrefix("mono-"))
    }

    @Test func `else it is the default one`() throws {
        #expect(try resolve(try folder("plain")) == "default")
    }

    @Test func `two checkouts of one name never meet, and one folder by two ways is one workspace`() throws {
        _ = try folder("a/shop/.git")
        _ = try folder("b/shop/.git")
        #expect(try resolve("\(root)/a/shop") != resolve("\(root)/b/shop"))
        #expect(symlink("\(root)/a/shop", "\(root)/link") == 0)
        #expect(try resolve("\(root)/link") == resolve("\(root)/a/shop"))
        #expect(try resolve("\(root)/b/../a/shop/") == resolve("\(root)/a/shop"))
    }

    @Test func `--workspace wins over BROKER_WORKSPACE, that over the folder; an empty variable is none`() throws {
        let repository = try folder("repository")
        _ = try folder("repository/.git")
        let environment = ["BROKER_WORKSPACE": "env"]
        #expect(try resolve(repository, option: "option", environment: environment) == "option")
        #expect(try resolve(repository, environment: environment) == "env")
        #expect(try resolve(repository, environment: ["BROKER_WORKSPACE": ""]).hasPrefix("repository-"))
        #expect(throws: BrokerError.self) { try resolve(repository, option: "a/b") }
        #expect(throws: BrokerError.self) { try resolve(repository, environment: ["BROKER_WORKSPACE": "-x"]) }
    }

    @Test(arguments: ["/", "/.hidden", "/a b/ü x", "/" + String(repeating: "x", count: 200), "/...", "/-"])
    func `every folder makes a valid name`(path: String) throws {
        let name = WorkspaceResolution.name(of: path == "/" ? "" : path)
        #expect(WorkspaceName.isValid(name.rawValue), "\(name)")
    }
}
