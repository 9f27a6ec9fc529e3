import BrokerClient
import BrokerModel

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Finds out which workspace a command line means, so that the names, ports and data of two folders never meet.
enum WorkspaceResolution {
    /// `--workspace`, else `BROKER_WORKSPACE`, else the folder of the nearest `broker.yaml` upward, else the root of the
    /// git work tree, else `default`.
    static func resolve(
        option: String?, environment: [String: String], directory: String
    ) throws(BrokerError) -> WorkspaceName {
        if let option { return try WorkspaceName(option) }
        if let name = environment["BROKER_WORKSPACE"], !name.isEmpty { return try WorkspaceName(name) }
        let folders = upward(from: canonical(directory))
        let root =
            folders.first { isFile(file(in: $0)) }
            // In a linked work tree and in a submodule `.git` is a file; each is a checkout of its own.
            ?? folders.first { access($0 + "/.git", F_OK) == 0 }
        return root.map(name(of:)) ?? .default
    }

    /// The `broker.yaml` that names the workspace; nil where something else does.
    static func file(option: String?, environment: [String: String], directory: String) -> String? {
        guard option == nil, (environment["BROKER_WORKSPACE"] ?? "").isEmpty else { return nil }
        return upward(from: canonical(directory)).map(file(in:)).first(where: isFile)
    }

    private static func file(in folder: String) -> String { folder + "/broker.yaml" }

    /// `shop-1a2b3c`: the folder's name for people, and a hash of the whole path that tells namesakes apart.
    static func name(of root: String) -> WorkspaceName {
        let folder = root.split(separator: "/").last.map(String.init) ?? ""
        var label = String(folder.utf8.map { isPlain($0) ? Character(Unicode.Scalar($0)) : "-" }.prefix(60))
        label = String(label.drop { !$0.isLetter && !$0.isNumber })
        if label.isEmpty { label = "workspace" }
        return WorkspaceName(unchecked: "\(label)-\(PathHash.hexadecimal(root, digits: 6))")
    }

    /// `/a/b/c`, `/a/b`, `/a` and `/`, the last as the empty text.
    private static func upward(from path: String) -> [String] {
        let parts = path.split(separator: "/")
        return (0...parts.count).reversed().map { count in parts.prefix(count).map { "/" + $0 }.joined() }
    }

    /// The path without links, so that two ways to one folder are one workspace.
    private static func canonical(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private static func isFile(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
