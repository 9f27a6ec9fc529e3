import BrokerModel
import Foundation
import TestKit
import Testing

@testable import EmulatedProviders

@Suite struct StoreFileTests {
    @Test func `a store is a private database file in WAL mode, and is kept when it is there`() throws {
        let folder = try TemporaryDirectory()
        let file = StoreFile(folder: folder.file("store"))
        try file.make()
        let header = try #require(FileManager.default.contents(atPath: file.path))
        #expect(header.starts(with: Data("SQLite format 3\u{0}".utf8)))
        // File format versions 2: write-ahead log (SQLite's file format, section 1.3.3).
        #expect(header[18] == 2 && header[19] == 2)
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o600)
        try file.make()
        #expect(FileManager.default.contents(atPath: file.path) == header)
    }

    @Test func `removing takes the log and the index along, and what is gone is no error`() throws {
        let folder = try TemporaryDirectory()
        let file = StoreFile(folder: folder.file("store"))
        try file.make()
        for name in ["-wal", "-shm"] { try Data("x".utf8).write(to: URL(filePath: file.path + name)) }
        try file.remove()
        try file.remove()
        #expect(!FileManager.default.fileExists(atPath: file.folder))
    }

    @Test func `blocks are shared where the file system can, and nothing is left where it cannot`() throws {
        let folder = try TemporaryDirectory()
        let file = StoreFile(folder: folder.file("store"))
        try file.make()
        let fresh = folder.file("fresh")
        let isShared = file.share(with: fresh)
        #expect(FileManager.default.fileExists(atPath: fresh) == isShared)
        if isShared {
            #expect(FileManager.default.contents(atPath: fresh) == FileManager.default.contents(atPath: file.path))
            try FileManager.default.removeItem(atPath: fresh)
        }
        // What SQLite keeps beside it would be missing.
        try Data("x".utf8).write(to: URL(filePath: file.path + "-wal"))
        #expect(!file.share(with: fresh))
        #expect(!FileManager.default.fileExists(atPath: fresh))
    }

    @Test func `a place that cannot be written is a clear error`() {
        let error = #expect(throws: BrokerError.self) { try StoreFile(folder: "/no/such/folder").make() }
        #expect(error?.code == .needsAttention)
    }
}
