import BrokerModel
import Processes

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The files of a durable cache, named and laid out as Redis 7.0's append-only files, so that a redis-server loads them: a
/// snapshot (RDB) that may be missing, the changes behind it, and a manifest that names both.
///
/// A new snapshot is a new generation: its files are written beside the old ones, and count once the manifest names them.
/// Every function blocks: it is called on a thread of its own.
struct DurableFiles: Sendable {
    let folder: String

    struct Generation: Equatable, Sendable {
        var number: Int
        var hasBase: Bool
    }

    private static let stem = "appendonly.aof"

    var manifest: String { "\(folder)/\(Self.stem).manifest" }
    func base(_ number: Int) -> String { "\(folder)/\(Self.stem).\(number).base.rdb" }
    func changes(_ number: Int) -> String { "\(folder)/\(Self.stem).\(number).incr.aof" }

    func makeFolder() throws(BrokerError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure(folder, "mkdir") }
    }

    /// The generation that the manifest names; nil where there is none yet.
    func current() throws(BrokerError) -> Generation? {
        guard let text = TextFile.read(manifest) else {
            guard access(manifest, F_OK) != 0 else { throw failure(manifest, "read") }
            return nil
        }
        var base: Int?
        var changes: Int?
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard words.count == 6, words[0] == "file", words[2] == "seq", let number = Int(words[3]),
                words[4] == "type"
            else { throw Self.corrupt(manifest, "\"\(line.prefix(80))\" is no line of a manifest") }
            switch words[5] {
            case "b": base = number
            case "i": changes = number
            default: throw Self.corrupt(manifest, "\"\(words[5])\" is no type of a file")
            }
        }
        guard let number = changes, base == nil || base == number else {
            throw Self.corrupt(manifest, "it does not name one snapshot and the changes behind it")
        }
        return Generation(number: number, hasBase: base != nil)
    }

    /// Throws where a pipe has the name of a file: opening it would wait for its other end.
    func refusePipes() throws(BrokerError) {
        for name in TextFile.names(in: folder).sorted() where name.hasPrefix(Self.stem) {
            var facts = stat()
            let path = "\(folder)/\(name)"
            guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFIFO else { continue }
            throw Self.corrupt(path, "it is a pipe, no file")
        }
    }

    /// Throws where files hold something and no manifest names them: it has been lost.
    func refuseUnnamed() throws(BrokerError) {
        let lost = TextFile.names(in: folder).sorted().first { name in
            var facts = stat()
            guard name.hasPrefix(Self.stem), stat("\(folder)/\(name)", &facts) == 0 else { return false }
            // Changes are begun in front of their manifest, which counts before anything is in them.
            return name.hasSuffix(".base.rdb") || name.hasSuffix(".incr.aof") && facts.st_size > 0
        }
        guard let lost else { return }
        throw BrokerError(
            .needsAttention, "\"\(manifest)\" is missing", why: "\"\(lost)\" is there, which it should name",
            fix: "take a backup's files, or remove the folder to begin anew: ls -la \(ShellWord.quoted(folder))")
    }

    /// Makes a generation the current one: it is on disk when this returns.
    func commit(_ generation: Generation) throws(BrokerError) {
        var text = ""
        let number = generation.number
        if generation.hasBase { text += "file \(Self.stem).\(number).base.rdb seq \(number) type b\n" }
        text += "file \(Self.stem).\(number).incr.aof seq \(number) type i\n"
        let fresh = manifest + ".new"
        var file = try AppendFile(path: fresh, isNew: true)
        defer { file.close() }
        try file.append(Array(text.utf8))
        try file.sync()
        guard rename(fresh, manifest) == 0 else { throw failure(manifest, "rename") }
        try syncFolder()
    }

    /// Removes what is neither of a generation nor of the one that the manifest names, but for what was cut off a file;
    /// with nil, all.
    func removeOthers(than generation: Generation?) {
        var kept: Set<String> = []
        if let generation {
            guard let named = try? current() else { return }
            kept.insert(manifest)
            for generation in [generation, named] {
                kept.formUnion([changes(generation.number), base(generation.number)])
            }
        }
        for name in TextFile.names(in: folder) where name.hasPrefix(Self.stem) && !kept.contains("\(folder)/\(name)") {
            if generation != nil, name.contains(".cut-") { continue }
            unlink("\(folder)/\(name)")
        }
    }

    /// Removes all. Nothing is an error that is gone already.
    func remove() throws(BrokerError) {
        removeOthers(than: nil)
        guard rmdir(folder) == 0 || errno == ENOENT else { throw failure(folder, "rmdir") }
    }

    private func syncFolder() throws(BrokerError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder, "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(folder, "fsync") }
    }

    private func failure(_ path: String, _ call: String) -> BrokerError { Self.failure(path, call, errno) }

    static func failure(_ path: String, _ call: String, _ number: Int32) -> BrokerError {
        BrokerError(
            .needsAttention, "\"\(path)\" cannot be written or read",
            why: "\(call): \(String(cString: strerror(number)))",
            fix: number == ENOENT ? mending(path) : "df -h \(folder(of: path)) && ls -la \(folder(of: path))")
    }

    static func corrupt(_ path: String, _ why: String) -> BrokerError {
        BrokerError(
            .needsAttention, "\"\(path)\" is damaged", why: why, fix: mending(path))
    }

    /// The resource is tried again by itself.
    private static func mending(_ path: String) -> String {
        "ls -la \(folder(of: path))   # put a backup's files there, or remove them all to begin anew"
    }

    private static func folder(of path: String) -> String {
        ShellWord.quoted(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
    }
}

/// A file that is only appended to. What could be written in part only is taken back, so that it always ends with a whole
/// piece.
struct AppendFile: Sendable {
    private let path: String
    private let descriptor: Int32
    private(set) var size: Int

    /// Opens a file, or makes it (0600), and goes on at its end.
    init(path: String, isNew: Bool = false) throws(BrokerError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (isNew ? O_TRUNC : 0), 0o600)
        guard descriptor >= 0 else { throw DurableFiles.failure(path, "open", errno) }
        size = Int(lseek(descriptor, 0, SEEK_END))
    }

    mutating func append(_ bytes: [UInt8]) throws(BrokerError) {
        if let number = bytes.withUnsafeBytes({ write($0) }) {
            // What is not cut off is overwritten by the next piece.
            ftruncate(descriptor, off_t(size))
            lseek(descriptor, off_t(size), SEEK_SET)
            throw DurableFiles.failure(path, "write", number)
        }
        size += bytes.count
    }

    /// Writes all of the bytes, or returns the number of the error; a part may be written then.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int32? {
        var written = 0
        while written < bytes.count {
            let count = writeSome(descriptor, UnsafeRawBufferPointer(rebasing: bytes[written...]))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : ENOSPC }
            written += count
        }
        return nil
    }

    /// Cuts off what stands behind a place.
    mutating func truncate(to length: Int) throws(BrokerError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw DurableFiles.failure(path, "ftruncate", errno) }
        lseek(descriptor, 0, SEEK_END)
        size = length
    }

    /// Returns when all of it is on disk.
    func sync() throws(BrokerError) {
        #if os(Linux)
        let result = fdatasync(descriptor)
        #else
        // F_FULLFSYNC also empties the drive's own cache.
        let result = fcntl(descriptor, F_FULLFSYNC) == 0 ? 0 : fsync(descriptor)
        #endif
        guard result == 0 else { throw DurableFiles.failure(path, "fsync", errno) }
    }

    func close() {
        _ = closeDescriptor(descriptor)
    }
}

private func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }

private func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
