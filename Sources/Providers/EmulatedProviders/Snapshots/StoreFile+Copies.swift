import BrokerModel
import CSQLite

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Whole copies of a store. Processes that have the file open go on: to them it is a transaction of somebody else.
extension StoreFile {
    var exists: Bool { access(path, F_OK) == 0 }

    /// Of the file alone, in bytes.
    var size: Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Makes a file that is equal to a snapshot, to which nobody writes: it is there whole, or not at all. Where the file
    /// system shares blocks between files nothing is copied.
    func make(from snapshot: StoreFile) throws(BrokerError) {
        try make { fresh throws(BrokerError) in
            guard !snapshot.share(with: fresh) else { return }
            try fill(fresh, from: try StoreConnection(snapshot.path))
        }
    }

    /// Makes a file of what a connection sees: it is there whole, or not at all.
    func make(from source: StoreConnection) throws(BrokerError) {
        try make { fresh throws(BrokerError) in try fill(fresh, from: source) }
    }

    private func make(_ body: (_ fresh: String) throws(BrokerError) -> Void) throws(BrokerError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failed("mkdir") }
        let fresh = path + ".new"
        unlink(fresh)
        do throws(BrokerError) {
            try body(fresh)
            try sync(fresh)
            guard rename(fresh, path) == 0 else { throw failed("rename") }
            try sync(folder)
        } catch {
            unlink(fresh)
            rmdir(folder)
            throw error
        }
    }

    private func fill(_ fresh: String, from source: StoreConnection) throws(BrokerError) {
        let descriptor = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failed("open") }
        close(descriptor)
        try StoreConnection(fresh).copy(from: source)
    }

    /// Makes a file that shares this one's blocks until one of them is written to (ioctl_ficlone(2), clonefile(2)). False
    /// where the file system cannot, or where SQLite keeps a part of this file beside it; then there is no such file.
    func share(with fresh: String) -> Bool {
        var log = stat()
        guard stat(path + "-wal", &log) != 0 || log.st_size == 0 else { return false }
        #if canImport(Darwin)
        return clonefile(path, fresh, 0) == 0
        #else
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { return false }
        defer { close(source) }
        let target = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard target >= 0 else { return false }
        defer { close(target) }
        // _IOW(0x94, 9, int), which the importer of C leaves out.
        let shareAll: UInt = 0x4004_9409
        guard ioctl(target, shareAll, source) == 0 else {
            unlink(fresh)
            return false
        }
        return true
        #endif
    }

    /// Has the file be what another one is.
    func restore(from other: StoreFile) throws(BrokerError) {
        try StoreConnection(path).copy(from: StoreConnection(other.path))
    }

    /// Drops everything.
    func empty() throws(BrokerError) {
        let nothing = try StoreConnection(":memory:", isNew: true)
        // One page with a header, or there would be nothing to copy.
        try nothing.run("CREATE TABLE t (x); DROP TABLE t; VACUUM")
        try StoreConnection(path).copy(from: nothing)
    }

    /// Runs a script; where it fails, everything is as it was.
    func run(script: [UInt8], of file: String) throws(BrokerError) -> Int {
        let before = try StoreConnection(":memory:", isNew: true)
        try before.copy(from: StoreConnection(path))
        do throws(BrokerError) {
            return try StoreConnection(path).run(script: script, of: file)
        } catch {
            try StoreConnection(path).copy(from: before)
            throw error
        }
    }

    private func sync(_ path: String) throws(BrokerError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failed("open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failed("fsync") }
    }

    private func failed(_ call: String) -> BrokerError {
        let number = errno
        return BrokerError(
            number == ENOSPC ? .diskFull : .needsAttention, "the file \"\(path)\" cannot be made",
            why: "\(call): \(String(cString: strerror(number)))", fix: "df -h \(ShellWord.quoted(folder))")
    }
}

/// Files whose writers wait, so that what they hold is of one instant: that of everything else that is kept meanwhile.
struct LockedStores: Sendable {
    private struct Locked: Sendable {
        let writer: StoreConnection
        let from: StoreFile
        let to: StoreFile
    }

    private let stores: [Locked]

    /// In the order given, which is to be the same always: two who lock do not wait for each other.
    static func lock(_ pairs: [(from: StoreFile, to: StoreFile)]) async throws(BrokerError) -> LockedStores {
        guard !pairs.isEmpty else { return LockedStores(stores: []) }
        return try await EmulatorProvider.blocking { () throws(BrokerError) in
            var stores: [Locked] = []
            for (from, to) in pairs {
                let writer = try StoreConnection(from.path)
                try writer.run("BEGIN IMMEDIATE")
                stores.append(Locked(writer: writer, from: from, to: to))
            }
            return LockedStores(stores: stores)
        }
    }

    /// Lets the writers go on.
    func release() async {
        for store in stores { try? store.writer.run("ROLLBACK") }
    }

    /// Lets the writers go on, and copies what was there until then. All files are copied or none.
    func copy() async throws(BrokerError) {
        guard !stores.isEmpty else { return }
        try await EmulatorProvider.blocking { () throws(BrokerError) in
            var readers: [StoreConnection] = []
            do throws(BrokerError) {
                for store in stores {
                    let reader = try StoreConnection(store.from.path)
                    // A transaction that reads sees what was there when it first read.
                    try reader.run("BEGIN; SELECT count(*) FROM sqlite_schema")
                    readers.append(reader)
                }
            } catch {
                for store in stores { try? store.writer.run("ROLLBACK") }
                throw error
            }
            for store in stores { try? store.writer.run("ROLLBACK") }
            do throws(BrokerError) {
                for (store, reader) in zip(stores, readers) { try store.to.make(from: reader) }
            } catch {
                for store in stores { try? store.to.remove() }
                throw error
            }
        }
    }
}
